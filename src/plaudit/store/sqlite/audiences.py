"""Audiences and traits over time: values that lapse, backfills, syncs; a portion of each in one transaction."""

from __future__ import annotations

import apsw

from plaudit.engage.definitions import Definition, Definitions
from plaudit.engage.judge import Judged
from plaudit.engage.person import Place
from plaudit.sqlite import rows
from plaudit.store import syncing
from plaudit.store.profiles import DefinitionView, PastRun, Phase, RunView, Taken, Todo
from plaudit.store.sqlite.persons import SYNCS, judge_them, named, persons, write
from plaudit.store.sqlite.take import same_version


def lapse(connection: apsw.Connection, definitions: Definitions, now: int, limit: int) -> Taken:
    same_version(connection, definitions)
    due = list(rows(connection, SYNCS["due"], (now, limit)))
    wanted = syncing.due(definitions, due)
    over = [row for row in due if row[1] not in definitions.plans]
    connection.executemany(SYNCS["let_be"], over)
    return judge_them(connection, definitions, wanted, now) if wanted else Taken()


def next_lapse(connection: apsw.Connection) -> int | None:
    times = (connection.execute(SYNCS[query]).get for query in ("next_due", "next_sync"))
    return min((time for time in times if time is not None), default=None)


def todo(connection: apsw.Connection, definitions: Definitions, now: int) -> list[Todo]:
    backfills = [id_ for (id_,) in rows(connection, SYNCS["open_backfills"])]
    return syncing.todo(definitions, backfills, rows(connection, SYNCS["open_syncs"], {"now": now}))


def backfill(
    connection: apsw.Connection, definition_id: int, definitions: Definitions, now: int, limit: int
) -> Taken:
    same_version(connection, definitions)
    row = connection.execute(SYNCS["backfill"], (definition_id,)).fetchone()
    if row is None or row[1] is not None or definition_id not in definitions.plans:
        return Taken(done=True)
    ids = [id_ for (id_,) in rows(connection, SYNCS["next_profiles"], (row[0], limit))]
    evaluated = definitions.with_dependents([definition_id])
    taken = judge_them(connection, definitions, dict.fromkeys(ids, evaluated), now) if ids else Taken()
    taken.done = len(ids) < limit
    given = (ids[-1] if ids else row[0], now if taken.done else None, definition_id)
    connection.execute(SYNCS["set_backfill"], given)
    return taken


def sync(connection: apsw.Connection, place: Place, definitions: Definitions, now: int, limit: int) -> Taken:
    same_version(connection, definitions)
    row = connection.execute(SYNCS["sync"], place).fetchone()
    if row is None or row[0] in (Phase.LIVE, Phase.LEFT):
        return Taken(done=True)
    phase, cursor, run, _ = row
    leaving = phase == Phase.LEAVING
    if run is None:
        query, given = ("told_size", place) if leaving else ("size", place[:1])
        total = connection.execute(SYNCS[query], given).get
        cursor, run = (
            0,
            connection.execute(SYNCS["start_run"], (*place, syncing.KINDS[phase], now, total)).get,
        )
    portion = {"definition_id": place[0], "destination_id": place[1], "after": cursor, "limit": limit}
    ids = [id_ for (id_,) in rows(connection, SYNCS["told_members" if leaving else "to_tell"], portion)]
    judged = [
        Judged(id_, {}, syncing.tellings(definitions, each, place, now, leaving=leaving))
        for id_, each in named(connection, persons(connection, ids, definitions, (), now)).items()
    ]
    taken = write(connection, judged, now)
    taken.done = len(ids) < limit
    moved = syncing.moved(
        definitions, place, Phase(phase), ids[-1] if ids else cursor, run, now, done=taken.done
    )
    connection.execute(SYNCS["set_sync"], moved)
    counted = syncing.counted(judged, run, len(ids), now, done=taken.done)
    connection.execute(SYNCS["add_to_run"], counted)
    return taken


def leave(connection: apsw.Connection, definition_id: int) -> None:
    connection.execute(SYNCS["leave"], (definition_id,))


def views(connection: apsw.Connection, definitions: list[Definition]) -> list[DefinitionView]:
    wanted = {each.id: each for each in definitions}
    syncs: dict[int, list[RunView]] = {}
    stuck = syncing.by_place(rows(connection, SYNCS["stuck_calls"]))
    for row in list(rows(connection, SYNCS["runs"])):
        told = connection.execute(SYNCS["told_size"], row[:2]).get
        syncs.setdefault(row[0], []).append(syncing.run_view(row, told, stuck))
    return [
        DefinitionView(
            id_, done, total, backfilled_at, connection.execute(SYNCS["size"], (id_,)).get, syncs.get(id_, [])
        )
        for id_, done, backfilled_at, total in list(rows(connection, SYNCS["progress"]))
        if id_ in wanted
    ]


def runs(connection: apsw.Connection, definition_id: int, limit: int) -> list[PastRun]:
    return [PastRun(*row) for row in rows(connection, SYNCS["past_runs"], (definition_id, limit))]
