"""The configured audiences and computed traits. A key, once given, is never given to another."""

from __future__ import annotations

import apsw
import msgspec

from plaudit.engage.definitions import Definition, Options, kept_from, switched
from plaudit.engage.keys import audience_key
from plaudit.queries import load
from plaudit.sqlite import rows
from plaudit.store.base import WantedDefinition

SQL = load("plaudit.store", "sql", "sqlite", "audiences.sql")


def read(connection: apsw.Connection) -> list[Definition]:
    attached: dict[int, list[int]] = {}
    for definition_id, destination_id in rows(connection, SQL["attached"]):
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
            bool(enabled),
            tuple(attached.get(id_, ())),
            created_at,
        )
        for id_, kind, name, key, title, query, options, enabled, created_at in rows(
            connection, SQL["definitions"]
        )
    ]


def apply(
    connection: apsw.Connection, wanted: list[WantedDefinition], destinations: dict[str, int], now: int
) -> None:
    before = read(connection)
    keys, told = {}, {}
    for kind, name, key, options in rows(connection, SQL["keys"]):
        keys[kind, name], told[kind, name] = key, options
    ids = []
    for each in wanted:
        key = keys.get((each.kind, each.name)) or audience_key(each.title, keys.values())
        keys[each.kind, each.name] = key
        row = {"kind": each.kind, "name": each.name, "key": key, "title": each.title, "query": each.query}
        row |= {"options": msgspec.json.encode(each.options).decode(), "enabled": each.enabled, "now": now}
        id_ = connection.execute(SQL["put_definition"], row).get
        ids.append(id_)
        attached = [destinations[name] for name in each.destinations]
        anew = kept_from(told.get((each.kind, each.name)), each.options)
        connection.execute(SQL["detach"], (id_, msgspec.json.encode(attached).decode()))
        for destination_id in attached:
            given = {"definition_id": id_, "destination_id": destination_id, "enabled": each.enabled}
            given["anew"] = anew
            connection.execute(SQL["attach"], given | {"every": each.options.every, "now": now})
    connection.execute(SQL["retire_definitions"], (msgspec.json.encode(ids).decode(),))
    for id_ in switched(before, read(connection)):
        connection.execute(SQL["evaluate_anew"], (id_,))
