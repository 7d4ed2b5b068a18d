"""Audiences and traits over time: values that lapse, backfills, syncs; a portion of each in one transaction."""

from __future__ import annotations

import apsw

from plaudit.clock import call_id
from plaudit.engage.definitions import REALTIME, Definition, Definitions, nothing
from plaudit.engage.judge import Judged, Telling, tell
from plaudit.engage.person import Held, Person, Place
from plaudit.sqlite import rows
from plaudit.store.profiles import DefinitionView, Phase, RunView, Taken, Todo
from plaudit.store.sqlite.persons import SYNCS, judge_them, persons, write
from plaudit.store.sqlite.take import same_version

_KINDS = {Phase.FIRST: "first", Phase.RUN: "scheduled", Phase.WAITING: "scheduled", Phase.LEAVING: "leaving"}


def lapse(connection: apsw.Connection, definitions: Definitions, now: int, limit: int) -> Taken:
    same_version(connection, definitions)
    due: dict[int, list[int]] = {}
    for profile_id, definition_id in list(rows(connection, SYNCS["due"], (now, limit))):
        if definition_id in definitions.plans:
            due.setdefault(profile_id, []).append(definition_id)
        else:
            connection.execute(SYNCS["let_be"], (profile_id, definition_id))
    wanted = {id_: definitions.with_dependents(ids) for id_, ids in due.items()}
    return judge_them(connection, definitions, wanted, now) if wanted else Taken()


def next_lapse(connection: apsw.Connection) -> int | None:
    times = (connection.execute(SYNCS[query]).get for query in ("next_due", "next_sync"))
    return min((time for time in times if time is not None), default=None)


def todo(connection: apsw.Connection, definitions: Definitions, now: int) -> list[Todo]:
    found = [Todo(id_) for (id_,) in rows(connection, SYNCS["open_backfills"]) if id_ in definitions.plans]
    for definition_id, destination_id in rows(connection, SYNCS["open_syncs"], {"now": now}):
        outlet = definitions.outlets.get(destination_id)
        if outlet is not None and outlet.carries:
            found.append(Todo(definition_id, destination_id))
    return found


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
    if run is None:
        cursor, run = 0, _begin(connection, place, Phase(phase), now)
    leaving = phase == Phase.LEAVING
    given = {"definition_id": place[0], "destination_id": place[1], "after": cursor, "limit": limit}
    ids = [id_ for (id_,) in rows(connection, SYNCS["told_members" if leaving else "to_tell"], given)]
    found = persons(connection, ids, definitions, (), now)
    judged = [
        Judged(id_, {}, _tellings(definitions, each, place, now, leaving=leaving))
        for id_, each in found.items()
    ]
    taken = write(connection, judged, now)
    taken.done = len(ids) < limit
    _moved(connection, definitions, place, Phase(phase), ids[-1] if ids else cursor, run, now, taken.done)
    tellings = [telling for each in judged for telling in each.tellings]
    removed = sum(telling.value in (False, None) for telling in tellings)
    counted = {"id": run, "looked_at": len(ids), "added": len(tellings) - removed, "removed": removed}
    connection.execute(SYNCS["add_to_run"], counted | {"ended_at": now if taken.done else None})
    return taken


def _begin(connection: apsw.Connection, place: Place, phase: Phase, now: int) -> int:
    query, given = ("told_size", place) if phase is Phase.LEAVING else ("size", place[:1])
    total = connection.execute(SYNCS[query], given).get
    id_: int = connection.execute(SYNCS["start_run"], (*place, _KINDS[phase], now, total)).get
    return id_


def _moved(
    connection: apsw.Connection,
    definitions: Definitions,
    place: Place,
    phase: Phase,
    cursor: int,
    run: int,
    now: int,
    done: bool,
) -> None:
    """Where the sync is after a portion, or after the last one of its run."""
    every = definitions.by_id[place[0]].options.every if place[0] in definitions.by_id else REALTIME
    then: Phase = Phase.RUN if phase is Phase.WAITING else phase
    if done:
        afterwards = Phase.WAITING if every else Phase.LIVE
        then = Phase.LEFT if phase is Phase.LEAVING else afterwards
    given: dict[str, int | str | None] = {"definition_id": place[0], "destination_id": place[1]}
    given |= {"phase": then.value, "cursor": cursor, "run": None if done else run}
    given["due_at"] = now + every if done and every else None
    connection.execute(SYNCS["set_sync"], given)


def _tellings(
    definitions: Definitions, person: Person, place: Place, now: int, *, leaving: bool
) -> list[Telling]:
    if leaving and place[0] in definitions.by_id:
        person.values[place[0]] = Held(nothing(definitions.by_id[place[0]].kind), now, None)
    return tell(definitions, person, [place], now, live=lambda *_: True, new_id=call_id)


def leave(connection: apsw.Connection, definition_id: int) -> None:
    connection.execute(SYNCS["leave"], (definition_id,))


def views(connection: apsw.Connection, definitions: list[Definition]) -> list[DefinitionView]:
    wanted = {each.id: each for each in definitions}
    syncs: dict[int, list[RunView]] = {}
    for definition_id, destination_id, phase, due_at, *run in rows(connection, SYNCS["runs"]):
        told = connection.execute(SYNCS["told_size"], (definition_id, destination_id)).get
        kind, started_at, ended_at, *counted = run
        total, looked_at, added, removed = (count or 0 for count in counted)
        view = RunView(
            destination_id, phase, due_at, kind, started_at, ended_at, total, looked_at, added, removed, told
        )
        syncs.setdefault(definition_id, []).append(view)
    return [
        DefinitionView(
            id_,
            backfill,
            total,
            backfilled_at,
            connection.execute(SYNCS["size"], (id_,)).get,
            syncs.get(id_, []),
        )
        for id_, backfill, backfilled_at, total in list(rows(connection, SYNCS["progress"]))
        if id_ in wanted
    ]
