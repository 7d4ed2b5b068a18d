"""Persons in a database: read as they are judged, and what came of it written.

Whoever judges a profile holds its row, so two processes never judge one at a time. process.py has the lock order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from plaudit.engage.definitions import Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.judge import Judged, Live, evaluate
from plaudit.engage.person import Held, Met, Person, Place, Told
from plaudit.errors import LostRaceError
from plaudit.store import judging, syncing
from plaudit.store.postgres import config
from plaudit.store.postgres.routes import DELIVERY
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows
from plaudit.store.profiles import Taken

SQL = queries("profiles")
SYNCS = queries("audiences")
LEDGER = queries("ledger")
_WANTS = "name after properties context"
_COMPUTED = "definition_id profile_id value since next_change_at"
_TOLD = "definition_id destination_id profile_id value times deliveries"


async def share(connection: Connection, definitions: Definitions) -> None:
    """Hold the configuration and the syncs as they are. Raises `LostRaceError`: they are others than was planned by."""
    await rows(connection, SQL["share"])
    await same_version(connection, definitions)


async def same_version(connection: Connection, definitions: Definitions) -> None:
    if await config.version(connection) != definitions.version:
        raise LostRaceError("the configuration has changed")


async def held(connection: Connection, ids: Collection[int]) -> list[int]:
    """Those of these profiles that are there, held by this transaction."""
    return [id_ for (id_,) in await rows(connection, SQL["lock_profiles"], {"ids": list(ids)})]


async def persons(
    connection: Connection, ids: Sequence[int], definitions: Definitions, evaluated: Collection[int], now: int
) -> dict[int, Person]:
    """These profiles, with the facts that evaluating these definitions needs, and without names; those that are gone are
    left out.
    """
    if not ids:
        return {}
    given = {"ids": list(ids)}
    found = {
        id_: Person(id_, traits=judging.traits_of(traits))
        for id_, _, _, traits in await rows(connection, SQL["profiles"], given)
    }
    for id_, definition_id, value, since, until in await rows(connection, SQL["computed"], given):
        if id_ in found:
            found[id_].values[definition_id] = Held(judging.decode(value), since, until)
    for id_, place, told in await told_of(connection, list(found)):
        found[id_].told[place] = told
    facts = judging.facts_of(
        await _facts(connection, found, definitions, evaluated, now), definitions.sources
    )
    for id_, its in facts.items():
        found[id_].facts = its
    return found


async def named(connection: Connection, found: dict[int, Person]) -> dict[int, Person]:
    """The same, with all that they are known by."""
    for id_, kind, value, first, last in await rows(connection, SQL["identifiers"], {"ids": list(found)}):
        found[id_].identifiers.append(Met(Identifier(kind, value), first, last))
    return found


async def _facts(
    connection: Connection,
    ids: Collection[int],
    definitions: Definitions,
    evaluated: Collection[int],
    now: int,
) -> list[Any]:
    found: list[Any] = []
    asked = judging.asked(definitions, evaluated, now)
    bare = [each[:2] for each in asked if not (each[2] or each[3])]
    if bare:
        found += await rows(connection, SQL["facts"], columns("name after", bare) | {"ids": list(ids)})
    whole = [each for each in asked if each[2] or each[3]]
    if whole:
        found += await rows(connection, SQL["whole_facts"], columns(_WANTS, whole) | {"ids": list(ids)})
    return found


async def told_of(connection: Connection, ids: Collection[int]) -> list[tuple[int, Place, Told]]:
    """(profile, place, what was told there) of these profiles."""
    return [
        (
            id_,
            (definition_id, destination_id),
            Told(judging.decode(value), times, tuple(judging.decode(deliveries))),
        )
        for id_, definition_id, destination_id, value, times, deliveries in await rows(
            connection, SQL["told"], {"ids": list(ids)}
        )
    ]


async def live(connection: Connection, definitions: Definitions) -> Live:
    syncs = {(row[0], row[1]): (row[2], row[3]) for row in await rows(connection, SYNCS["syncs"])}
    for each in syncing.deaf(definitions, syncs):
        await change(connection, SYNCS["set_sync"], each)
    return judging.liveness(syncs, definitions)


async def judge_them(
    connection: Connection, definitions: Definitions, wanted: dict[int, list[int]], now: int
) -> Taken:
    """Evaluate definitions (in order) by profile, tell what is to be told, and write all of it."""
    if not wanted:
        return Taken()
    evaluated = {id_ for ids in wanted.values() for id_ in ids}
    found = await persons(connection, list(wanted), definitions, evaluated, now)
    values = {id_: evaluate(definitions, person, wanted[id_], now) for id_, person in found.items()}
    may = await live(connection, definitions)
    open_ = judging.open_(definitions, found, may)
    if open_:
        await named(connection, {id_: found[id_] for id_ in open_})
    return await write(connection, judging.judged(definitions, found, values, open_, now), now)


async def write(connection: Connection, judged: Sequence[Judged], now: int) -> Taken:
    """What changed, the calls that tell of it, and that they do."""
    done = judging.written(judged, now)
    if done.computed:
        await change(connection, SQL["put_computed"], columns(_COMPUTED, done.computed))
    if done.deliveries:
        given = [
            (*row[:5], row[5], row[6] and row[6].decode("utf-8", "replace"), *row[7:])
            for row in done.deliveries
        ]
        await rows(connection, LEDGER["put_deliveries"], columns(DELIVERY, given))
        keys = [(row[0], row[2]) for row in given]
        made = await rows(connection, SQL["made_calls"], columns("destination_id key", keys))
        ids = {(destination_id, key): id_ for destination_id, key, id_ in made}
        told = judging.told_rows(judged, [ids[key] for key in keys])
        await change(connection, SQL["put_told"], columns(_TOLD, told))
    if done.superseded:
        await change(connection, SQL["supersede"], {"ids": done.superseded, "now": now})
    return Taken(len(judged), len(done.computed), judging.made(judged))


async def put_told(connection: Connection, given: Sequence[tuple[Any, ...]]) -> None:
    await change(connection, SQL["put_told"], columns(_TOLD, given))


async def drop(connection: Connection, ids: Collection[int], tables: Collection[str]) -> None:
    """Take profiles out of these tables."""
    for table in tables:
        await change(connection, SQL[f"drop_{table}"], {"ids": list(ids)})
