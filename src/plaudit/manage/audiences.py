"""What people see of audiences and computed traits, and do with them: for commands, API and console alike.

Values in, values out; times in ms. Names in an answer are the configuration's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from plaudit.destinations.base import Destination
from plaudit.engage.definitions import Definition, Definitions, Kind, nothing
from plaudit.engage.explain import Reason, explain
from plaudit.errors import PlauditError, UsageError
from plaudit.manage.profiles import find
from plaudit.process.profiles import definitions_of
from plaudit.store.base import Configuration, Store
from plaudit.store.profiles import DefinitionView, MemberView, Phase

RUNS = 20  # of one definition that are shown
KEPT = "kept here: its channel has no call for audiences; tags and the console can use it"


class RunState(msgspec.Struct):
    """What a run of a sync came to. `kind`: first, scheduled or leaving. `failed`: of its calls, those that wait for a
    person now.
    """

    kind: str
    started_at: int
    ended_at: int | None
    added: int
    removed: int
    failed: int


class SyncState(msgspec.Struct):
    """How one destination hears of a definition. `state`: a word for people; `told`: members that it believes in.

    The numbers are those of the newest run; `runs` has it and some before it, where one definition is asked for.
    """

    destination: str
    state: str
    told: int = 0
    added: int = 0
    removed: int = 0
    looked_at: int = 0
    total: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    next_at: int | None = None
    failed: int = 0  # calls that wait for a person
    runs: list[RunState] = []


class Listed(msgspec.Struct):
    """An audience or a computed trait with how it is. `progress`: of a backfill, 0 to 1; None: it is over."""

    kind: Kind
    name: str
    key: str
    title: str
    query: str
    state: str
    size: int
    progress: float | None
    syncs: list[SyncState]
    fault: str = ""


Row = TypeVar("Row", Listed, Definition)


class Explained(msgspec.Struct):
    """Why one person has the value of a definition."""

    name: str
    key: str
    profile: int
    value: Any
    since: int | None
    until: int | None
    reason: Reason


async def listed(store: Store, kinds: dict[str, Destination], kind: Kind | None = None) -> list[Listed]:
    """All that are configured, in the order of their names."""
    configuration = await store.configuration()
    definitions = definitions_of(configuration, kinds)
    wanted = [each for each in configuration.definitions if kind in (None, each.kind)]
    views = {view.id: view for view in await store.profiles.views(wanted)}
    found = [_listed(each, views[each.id], definitions, configuration) for each in wanted if each.id in views]
    return sorted(found, key=lambda each: (each.kind, each.name))


async def with_runs(store: Store, row: Listed) -> Listed:
    """The same, its syncs with their newest runs."""
    configuration = await store.configuration()
    names = {each.id: each.name for each in configuration.destinations}
    ids = [each.id for each in configuration.definitions if (each.kind, each.name) == (row.kind, row.name)]
    for run in await store.profiles.runs(ids[0], RUNS) if ids else ():
        for sync in row.syncs:
            if sync.destination == outlet_name(names, run.destination_id):
                said = (run.kind, run.started_at, run.ended_at, run.added, run.removed, run.failed)
                sync.runs.append(RunState(*said))
    return row


def _listed(
    definition: Definition, view: DefinitionView, definitions: Definitions, configuration: Configuration
) -> Listed:
    names = {row.id: row.name for row in configuration.destinations}
    fault = definitions.faults.get(definition.key, "")
    progress = None
    if view.backfilled_at is None:
        progress = view.looked_at / view.total if view.total else 0.0
    state = "Live" if progress is None else "Backfilling"
    state = "Error" if fault else state if definition.enabled else "Disabled"
    runs = {run.destination_id: run for run in view.syncs}
    syncs = []
    for id_ in sorted({*definition.destinations, *runs}, key=lambda id_: names.get(id_, "")):
        outlet, run = definitions.outlets.get(id_), runs.get(id_)
        if outlet is None or run is None:
            continue
        if not outlet.carries:
            syncs.append(SyncState(outlet_name(names, id_), KEPT))
            continue
        syncs.append(
            SyncState(
                outlet_name(names, id_),
                _WORDS[Phase(run.phase)],
                run.told,
                run.added,
                run.removed,
                run.looked_at,
                run.total,
                run.started_at,
                run.ended_at,
                run.next_at,
                run.failed,
            )
        )
    return Listed(
        definition.kind,
        definition.name,
        definition.key,
        definition.title,
        definition.query,
        state,
        view.size,
        progress,
        syncs,
        fault,
    )


_WORDS = {
    Phase.FIRST: "first sync",
    Phase.LIVE: "live",
    Phase.WAITING: "waiting for the next batch",
    Phase.RUN: "batch under way",
    Phase.LEAVING: "telling that all have left",
    Phase.LEFT: "told that all have left",
}


def outlet_name(names: dict[int, str], id_: int) -> str:
    return names.get(id_, f"destination {id_}")


def called(rows: Sequence[Row], name: str) -> Row | None:
    """The one of this name, else the one of this key: a name may be another's key."""
    return next((row for row in rows if row.name == name), None) or next(
        (row for row in rows if row.key == name), None
    )


async def one(store: Store, kinds: dict[str, Destination], name: str) -> tuple[Definition, Definitions]:
    """A definition by its name, or by its key. Raises `PlauditError`: there is none."""
    configuration = await store.configuration()
    definition = called(configuration.definitions, name)
    if definition is not None:
        return definition, definitions_of(configuration, kinds)
    there = ", ".join(sorted(each.name for each in configuration.definitions))
    raise PlauditError(f"no audience or trait is called {name!r}; there is {there or 'none yet'}")


async def members(
    store: Store, kinds: dict[str, Destination], name: str, *, after: int = 0, limit: int = 50
) -> list[MemberView]:
    """Who is in, or who has the trait, from the profile after `after` on."""
    definition, _ = await one(store, kinds, name)
    return await store.profiles.members(definition.id, after, limit)


async def explained(store: Store, kinds: dict[str, Destination], name: str, who: str, now: int) -> Explained:
    """Why this person is in, or is not. Raises `PlauditError`: no such definition, nobody by that name."""
    definition, definitions = await one(store, kinds, name)
    if definition.id not in definitions.plans:
        fault = definitions.faults.get(definition.key)
        raise PlauditError(f"{definition.name} is not evaluated: {fault or 'it is disabled'}")
    found = (await find(store, definitions, who, now)).person
    held = found.values.get(definition.id)
    reason = explain(definitions, found, definition.id, now)
    value = nothing(definition.kind) if held is None else held.value
    return Explained(
        definition.name,
        definition.key,
        found.id,
        value,
        None if held is None else held.since,
        None if held is None else held.next_change_at,
        reason,
    )


async def leave(
    store: Store, kinds: dict[str, Destination], name: str, now: int, *, dry: bool
) -> dict[str, int]:
    """Tell each destination that nobody is a member any more; how many they believe in, by destination.

    Raises `UsageError`: it is still switched on, so that they would be told again.
    """
    definition, _ = await one(store, kinds, name)
    if definition.enabled:
        raise UsageError(
            f"{definition.name} is switched on: set enabled = false in the configuration and apply it, then tell that all have left"
        )
    (listed_,) = [each for each in await listed(store, kinds) if each.key == definition.key]
    counts = {sync.destination: sync.told for sync in listed_.syncs if sync.state != KEPT}
    if not dry and any(counts.values()):
        await store.profiles.leave(definition.id, now)
    return counts
