"""How a sync goes from one portion to the next. Pure, and the same for every store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plaudit.clock import call_id
from plaudit.engage.definitions import REALTIME, Definitions, nothing
from plaudit.engage.judge import Judged, Telling, tell, untold
from plaudit.engage.person import Held, Person, Place
from plaudit.store.profiles import Phase, RunView, Todo

KINDS = {
    Phase.FIRST: "first",
    Phase.RUN: "scheduled",
    Phase.WAITING: "scheduled",
    Phase.LEAVING: "leaving",
}


def due(definitions: Definitions, rows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """What to evaluate, by profile, of (profile, definition) pairs whose time has come."""
    found: dict[int, list[int]] = {}
    for profile_id, definition_id in rows:
        if definition_id in definitions.plans:
            found.setdefault(profile_id, []).append(definition_id)
    return {id_: definitions.with_dependents(ids) for id_, ids in found.items()}


def todo(definitions: Definitions, backfills: Iterable[int], places: Iterable[Place]) -> list[Todo]:
    """What of the open backfills and runs can be done: not those of which a destination's channel has no call."""
    found = [Todo(id_) for id_ in backfills if id_ in definitions.plans]
    for definition_id, destination_id in places:
        outlet = definitions.outlets.get(destination_id)
        if outlet is not None and outlet.carries and definition_id in definitions.by_id:
            found.append(Todo(definition_id, destination_id))
    return found


def deaf(definitions: Definitions, syncs: Mapping[Place, tuple[str, int]]) -> list[dict[str, Any]]:
    """Where the destination's channel has no call for this, so that it misses what comes now: it hears of everybody anew
    when it has one again. Of these, the ones that are not at their beginning, as `set_sync` takes them.
    """
    return [
        {
            "definition_id": place[0],
            "destination_id": place[1],
            "phase": Phase.FIRST.value,
            "cursor": 0,
            "run": None,
            "due_at": None,
        }
        for place, (phase, cursor) in sorted(syncs.items())
        if (outlet := definitions.outlets.get(place[1])) is not None
        and not outlet.carries
        and phase not in (Phase.LEAVING, Phase.LEFT)
        and (phase, cursor) != (Phase.FIRST, 0)
    ]


def tellings(
    definitions: Definitions, person: Person, place: Place, now: int, *, leaving: bool
) -> list[Telling]:
    """What a run tells of one person. To leave is to tell that the value is as if nothing were known."""
    if leaving and place[0] in definitions.by_id:
        person.values[place[0]] = Held(nothing(definitions.by_id[place[0]].kind), now, None)
    found = untold(definitions, person, [place], live=lambda *_: True)
    return tell(definitions, person, found, now, new_id=call_id)


def moved(
    definitions: Definitions, place: Place, phase: Phase, cursor: int, run: int, now: int, *, done: bool
) -> dict[str, int | str | None]:
    """Where the sync is after a portion, or after the last one of its run; as its query takes it."""
    every = definitions.by_id[place[0]].options.every if place[0] in definitions.by_id else REALTIME
    then: Phase = Phase.RUN if phase is Phase.WAITING else phase
    if done:
        afterwards = Phase.WAITING if every else Phase.LIVE
        then = Phase.LEFT if phase is Phase.LEAVING else afterwards
    return {
        "definition_id": place[0],
        "destination_id": place[1],
        "phase": then.value,
        "cursor": cursor,
        "run": None if done else run,
        "due_at": now + every if done and every else None,
    }


def counted(
    judged: Sequence[Judged], run: int, looked_at: int, now: int, *, done: bool
) -> dict[str, int | None]:
    """What a portion came to, as its query takes it."""
    told = [telling for each in judged for telling in each.tellings]
    removed = sum(telling.value in (False, None) for telling in told)
    return {
        "id": run,
        "looked_at": looked_at,
        "added": len(told) - removed,
        "removed": removed,
        "ended_at": now if done else None,
    }


def by_place(stuck: Iterable[Any]) -> dict[Place, int]:
    """How many calls wait for a person; the definition's id is what their key begins with."""
    return {(int(id_), destination_id): count for destination_id, id_, count in stuck if id_.isdecimal()}


def run_view(row: Sequence[Any], told: int, stuck: Mapping[Place, int]) -> RunView:
    """The newest run of a sync, of a row of its query."""
    id_, destination_id, phase, due_at, kind, started_at, ended_at, *numbers = row
    total, looked_at, added, removed = (number or 0 for number in numbers)
    return RunView(
        destination_id,
        phase,
        due_at,
        kind,
        started_at,
        ended_at,
        total,
        looked_at,
        added,
        removed,
        told,
        stuck.get((id_, destination_id), 0),
    )
