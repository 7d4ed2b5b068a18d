"""The configured audiences and computed traits. A key, once given, is never given to another."""

from __future__ import annotations

import msgspec

from plaudit.engage.definitions import Definition, Options, kept_from, switched
from plaudit.engage.keys import audience_key
from plaudit.store.base import WantedDefinition
from plaudit.store.postgres.sql import Connection, change, queries, rows, value

SQL = queries("audiences")
PROFILES = queries("profiles")


async def read(connection: Connection) -> list[Definition]:
    attached: dict[int, list[int]] = {}
    for definition_id, destination_id in await rows(connection, SQL["attached"]):
        attached.setdefault(definition_id, []).append(destination_id)
    return [
        Definition(
            id_,
            kind,
            name,
            key,
            title,
            query,
            msgspec.json.decode(options, type=Options),
            enabled,
            tuple(attached.get(id_, ())),
            created_at,
        )
        for id_, kind, name, key, title, query, options, enabled, created_at in await rows(
            connection, SQL["definitions"]
        )
    ]


async def apply(
    connection: Connection, wanted: list[WantedDefinition], destinations: dict[str, int], now: int
) -> None:
    await rows(connection, PROFILES["have_alone"])  # no portion goes on by what was in place before
    before = await read(connection)
    keys, told = {}, {}
    for kind, name, key, options in await rows(connection, SQL["keys"]):
        keys[kind, name], told[kind, name] = key, options
    ids = []
    for each in wanted:
        key = keys.get((each.kind, each.name)) or audience_key(each.title, keys.values())
        keys[each.kind, each.name] = key
        row = {"kind": each.kind, "name": each.name, "key": key, "title": each.title, "query": each.query}
        row |= {"options": msgspec.json.encode(each.options).decode(), "enabled": each.enabled, "now": now}
        id_ = await value(connection, SQL["put_definition"], row)
        ids.append(id_)
        attached = [destinations[name] for name in each.destinations]
        anew = kept_from(told.get((each.kind, each.name)), each.options)
        await change(connection, SQL["detach"], {"definition_id": id_, "ids": attached})
        for destination_id in attached:
            given = {"definition_id": id_, "destination_id": destination_id, "enabled": each.enabled}
            given["anew"] = anew
            await change(connection, SQL["attach"], given | {"every": each.options.every, "now": now})
    await change(connection, SQL["retire_definitions"], {"ids": ids})
    await change(connection, SQL["evaluate_anew"], {"ids": switched(before, await read(connection))})
