"""Audiences and traits over time: values that lapse, backfills, syncs; a portion of each in one transaction.

Any process may do the next portion. One at a time does that of one definition, or of one sync; the others find
something else to do, or nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from plaudit.engage.definitions import Definition, Definitions
from plaudit.engage.judge import Judged
from plaudit.engage.person import Place
from plaudit.store import syncing
from plaudit.store.postgres.persons import (
    SQL,
    SYNCS,
    held,
    judge_them,
    named,
    persons,
    same_version,
    share,
    write,
)
from plaudit.store.postgres.sql import Connection, change, columns, rows, value
from plaudit.store.profiles import DefinitionView, PastRun, Phase, RunView, Taken, Todo


async def lapse(connection: Connection, definitions: Definitions, now: int, limit: int) -> Taken:
    await share(connection, definitions)
    found = await rows(connection, SYNCS["due"], {"now": now, "limit": limit})
    profiles = {"ids": list({profile_id for profile_id, _ in found})}
    mine = [id_ for (id_,) in await rows(connection, SQL["lock_free_profiles"], profiles)]
    due = await rows(connection, SYNCS["due_of"], {"ids": mine, "now": now})
    wanted = syncing.due(definitions, due)
    over = [row for row in due if row[1] not in definitions.plans]
    if over:
        await change(connection, SYNCS["let_be"], columns("profile_id definition_id", over))
    return await judge_them(connection, definitions, wanted, now) if wanted else Taken()


async def next_lapse(connection: Connection) -> int | None:
    times = [await value(connection, SYNCS[query]) for query in ("next_due", "next_sync")]
    return min((time for time in times if time is not None), default=None)


async def todo(connection: Connection, definitions: Definitions, now: int) -> list[Todo]:
    backfills = [id_ for (id_,) in await rows(connection, SYNCS["open_backfills"])]
    return syncing.todo(definitions, backfills, await rows(connection, SYNCS["open_syncs"], {"now": now}))


async def backfill(
    connection: Connection, definition_id: int, definitions: Definitions, now: int, limit: int
) -> Taken:
    await share(connection, definitions)
    if not await value(connection, SQL["try"], {"what": f"backfill {definition_id}"}):
        return Taken()
    found = await rows(connection, SYNCS["backfill"], {"id": definition_id})
    if not found or found[0][1] is not None or definition_id not in definitions.plans:
        return Taken(done=True)
    before = found[0][0]
    ids = [
        id_ for (id_,) in await rows(connection, SYNCS["next_profiles"], {"after": before, "limit": limit})
    ]
    evaluated = definitions.with_dependents([definition_id])
    there = await held(connection, ids)
    taken = Taken()
    if there:
        taken = await judge_them(connection, definitions, dict.fromkeys(there, evaluated), now)
    taken.done = len(ids) < limit
    given = {"backfill": ids[-1] if ids else before, "backfilled_at": now if taken.done else None}
    await change(connection, SYNCS["set_backfill"], given | {"id": definition_id})
    return taken


async def sync(connection: Connection, place: Place, definitions: Definitions, now: int, limit: int) -> Taken:
    if not await value(connection, SQL["try"], {"what": f"sync {place[0]} {place[1]}"}):
        return Taken()
    await rows(connection, SQL["have_alone"])  # what others see of the cursor is where it is
    await same_version(connection, definitions)
    at = {"definition_id": place[0], "destination_id": place[1]}
    found = await rows(connection, SYNCS["sync"], at)
    if not found or found[0][0] in (Phase.LIVE, Phase.LEFT):
        return Taken(done=True)
    phase, cursor, run, _ = found[0]
    leaving = phase == Phase.LEAVING
    if run is None:
        total = await value(connection, SYNCS["told_size" if leaving else "size"], at)
        begin = at | {"kind": syncing.KINDS[phase], "now": now, "total": total}
        cursor, run = 0, await value(connection, SYNCS["start_run"], begin)
    portion = at | {"after": cursor, "limit": limit}
    ids = [id_ for (id_,) in await rows(connection, SYNCS["told_members" if leaving else "to_tell"], portion)]
    found_persons = await persons(connection, await held(connection, ids), definitions, (), now)
    found_persons = await named(connection, found_persons)
    judged = [
        Judged(id_, {}, syncing.tellings(definitions, each, place, now, leaving=leaving))
        for id_, each in found_persons.items()
    ]
    taken = await write(connection, judged, now)
    taken.done = len(ids) < limit
    moved = syncing.moved(
        definitions, place, Phase(phase), ids[-1] if ids else cursor, run, now, done=taken.done
    )
    await change(connection, SYNCS["set_sync"], moved)
    await change(
        connection, SYNCS["add_to_run"], syncing.counted(judged, run, len(ids), now, done=taken.done)
    )
    return taken


async def leave(connection: Connection, definition_id: int) -> None:
    await rows(connection, SQL["have_alone"])
    await change(connection, SYNCS["leave"], {"definition_id": definition_id})


async def views(connection: Connection, definitions: Collection[Definition]) -> list[DefinitionView]:
    wanted = {each.id: each for each in definitions}
    syncs: dict[int, list[RunView]] = {}
    stuck = syncing.by_place(await rows(connection, SYNCS["stuck_calls"]))
    for row in await rows(connection, SYNCS["runs"]):
        at = {"definition_id": row[0], "destination_id": row[1]}
        told = await value(connection, SYNCS["told_size"], at)
        syncs.setdefault(row[0], []).append(syncing.run_view(row, told, stuck))
    found = []
    for id_, done, backfilled_at, total in await rows(connection, SYNCS["progress"]):
        if id_ in wanted:
            size = await value(connection, SYNCS["size"], {"definition_id": id_})
            found.append(DefinitionView(id_, done, total, backfilled_at, size, syncs.get(id_, [])))
    return found


async def runs(connection: Connection, definition_id: int, limit: int) -> list[PastRun]:
    given = {"definition_id": definition_id, "limit": limit}
    return [PastRun(*row) for row in await rows(connection, SYNCS["past_runs"], given)]
