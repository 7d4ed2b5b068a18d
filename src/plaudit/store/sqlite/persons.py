"""Persons in a file: read as they are judged, and what came of it written."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import apsw
import msgspec

from plaudit.engage.definitions import Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.judge import Judged, Live, evaluate
from plaudit.engage.person import Held, Met, Person, Place, Told
from plaudit.queries import load
from plaudit.sqlite import put_many, rows
from plaudit.store import judging, syncing
from plaudit.store.profiles import Taken

SQL = load("plaudit.store", "sql", "sqlite", "profiles.sql")
SYNCS = load("plaudit.store", "sql", "sqlite", "audiences.sql")
LEDGER = load("plaudit.store", "sql", "sqlite", "ledger.sql")


def ids_text(ids: Collection[int]) -> str:
    return msgspec.json.encode(list(ids)).decode()


def persons(
    connection: apsw.Connection,
    ids: Sequence[int],
    definitions: Definitions,
    evaluated: Collection[int],
    now: int,
) -> dict[int, Person]:
    """These profiles, with the facts that evaluating these definitions needs, and without names; those that are gone are
    left out.
    """
    if not ids:
        return {}
    given = ids_text(ids)
    found = {
        id_: Person(id_, traits=judging.traits_of(traits))
        for id_, _, _, traits in rows(connection, SQL["profiles"], (given,))
    }
    for id_, definition_id, value, since, until in rows(connection, SQL["computed"], (given,)):
        found[id_].values[definition_id] = Held(judging.decode(value), since, until)
    for id_, place, told in told_of(connection, list(found)):
        found[id_].told[place] = told
    asked = judging.asked(definitions, evaluated, now)
    if asked:
        given_facts = {"ids": ids_text(found), "wants": judging.text(asked)}
        facts = judging.facts_of(rows(connection, SQL["facts"], given_facts), definitions.sources)
        for id_, its in facts.items():
            found[id_].facts = its
    return found


def named(connection: apsw.Connection, found: dict[int, Person]) -> dict[int, Person]:
    """The same, with all that they are known by."""
    for id_, kind, value, first, last in rows(connection, SQL["identifiers"], (ids_text(found),)):
        found[id_].identifiers.append(Met(Identifier(kind, value), first, last))
    return found


def told_of(connection: apsw.Connection, ids: Collection[int]) -> list[tuple[int, Place, Told]]:
    """(profile, place, what was told there) of these profiles."""
    return [
        (
            id_,
            (definition_id, destination_id),
            Told(judging.decode(value), times, tuple(judging.decode(deliveries))),
        )
        for id_, definition_id, destination_id, value, times, deliveries in rows(
            connection, SQL["told"], (ids_text(ids),)
        )
    ]


def live(connection: apsw.Connection, definitions: Definitions) -> Live:
    syncs = {(row[0], row[1]): (row[2], row[3]) for row in rows(connection, SYNCS["syncs"])}
    for each in syncing.deaf(definitions, syncs):
        connection.execute(SYNCS["set_sync"], each)
    return judging.liveness(syncs, definitions)


def judge_them(
    connection: apsw.Connection,
    definitions: Definitions,
    wanted: dict[int, list[int]],
    now: int,
) -> Taken:
    """Evaluate definitions (in order) by profile, tell what is to be told, and write all of it."""
    if not wanted:
        return Taken()
    evaluated = {id_ for ids in wanted.values() for id_ in ids}
    found = persons(connection, list(wanted), definitions, evaluated, now)
    values = {id_: evaluate(definitions, person, wanted[id_], now) for id_, person in found.items()}
    may = live(connection, definitions)
    open_ = judging.open_(definitions, found, may)
    named(connection, {id_: found[id_] for id_ in open_})
    return write(connection, judging.judged(definitions, found, values, open_, now), now)


def write(connection: apsw.Connection, judged: Sequence[Judged], now: int) -> Taken:
    """What changed, the calls that tell of it, and that they do."""
    done = judging.written(judged, now)
    put_many(connection, SQL["put_computed"], done.computed)
    if done.superseded:
        connection.execute(SQL["supersede"], {"ids": ids_text(done.superseded), "now": now})
    ids: Sequence[int] = ()
    if done.deliveries:
        first = connection.execute(LEDGER["last_delivery"]).get + 1
        ids = range(first, first + len(done.deliveries))
        given = [(id_, *row) for id_, row in zip(ids, done.deliveries, strict=True)]
        put_many(connection, LEDGER["put_delivery"], given)
        put_many(connection, SQL["put_told"], judging.told_rows(judged, ids))
    return Taken(len(judged), len(done.computed), judging.made(judged))


def drop(connection: apsw.Connection, ids: Collection[int], tables: Collection[str]) -> None:
    """Take profiles out of these tables."""
    for table in tables:
        connection.executemany(SQL[f"drop_{table}"], [(id_,) for id_ in ids])
