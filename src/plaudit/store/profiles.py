"""The `Profiles` part of a store, and its rows. Every implementation passes `tests/conformance/profiles.py`.

Each verb is one transaction: what it reads, what follows from that (engage/) and what it writes are one step, so
that a crash leaves all of a portion or none, and two processes never judge one person at a time. All take the
definitions that the caller knows, and raise `LostRaceError` when others are in place by now.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from plaudit.engage.definitions import Definition, Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.person import Person, Place
from plaudit.engage.sighting import Sighting

READER = "profiles"


class Phase(StrEnum):
    """Where a definition's sync to a destination is."""

    FIRST = "first"  # everyone is told, from the first profile to the last
    LIVE = "live"  # changes are told as they happen
    WAITING = "waiting"  # changes are told in batches; for the next one
    RUN = "run"  # such a batch is under way
    LEAVING = "leaving"  # all members are told that they are none
    LEFT = "left"


class Taken(msgspec.Struct):
    """What a portion came to, in numbers."""

    profiles: int = 0  # looked at
    changed: int = 0  # values that are others now
    made: dict[int, int] = {}  # destination id: new calls
    done: bool = False  # of a backfill or a run: there is nothing left to do


class Todo(NamedTuple):
    """What is under way: a backfill (no destination), or a run of a sync."""

    definition_id: int
    destination_id: int | None = None


class RunView(msgspec.Struct):
    """The newest run of a sync."""

    destination_id: int
    phase: str
    next_at: int | None
    kind: str | None
    started_at: int | None
    ended_at: int | None
    total: int
    looked_at: int
    added: int
    removed: int
    told: int = 0  # members that the destination believes in
    failed: int = 0  # calls that wait for a person


class PastRun(msgspec.Struct):
    """A run of a sync, the newest or one before it. `failed`: those of its calls that wait for a person now."""

    destination_id: int
    kind: str
    started_at: int
    ended_at: int | None
    added: int
    removed: int
    failed: int


class DefinitionView(msgspec.Struct):
    """A definition as people see it: how far it is, how many are in, how its syncs go."""

    id: int
    looked_at: int  # of a backfill: profiles up to this id
    total: int
    backfilled_at: int | None
    size: int
    syncs: list[RunView]


class MemberView(msgspec.Struct):
    """A profile with its value of a definition."""

    profile_id: int
    value: Any
    since: int
    until: int | None
    identifiers: list[Identifier]


class PersonView(msgspec.Struct):
    """A profile as people see it. `person` has all its values, and the facts that were asked for."""

    person: Person
    created_at: int
    merges: int
    facts: int


class Standing(NamedTuple):
    """What is known of somebody now: traits by name, values by definition."""

    traits: dict[str, Any]
    values: dict[int, Any]


class FactView(msgspec.Struct):
    """Something that a person did."""

    id: int
    name: str
    timestamp: int
    source_id: int
    properties: dict[str, Any]


class Profiles(Protocol):
    """Who did what, what that comes to, and who was told."""

    async def cursor(self, partition: int) -> int:
        """How far the log has gone into profiles."""

    async def take(
        self,
        partition: int,
        before: int,
        after: int,
        sightings: list[Sighting],
        definitions: Definitions,
        now: int,
    ) -> Taken:
        """A batch of events with all that follows from them, and the cursor from `before` to `after`."""

    async def lapse(self, definitions: Definitions, now: int, limit: int) -> Taken:
        """Evaluate up to `limit` values whose time has come."""

    async def next_lapse(self, definitions: Definitions) -> int | None:
        """When something is next to be done with no event: a value that may change, a batch that is due."""

    async def todo(self, definitions: Definitions, now: int) -> list[Todo]:
        """Backfills and runs that are under way or due."""

    async def backfill(self, definition_id: int, definitions: Definitions, now: int, limit: int) -> Taken:
        """Evaluate a definition for the next `limit` profiles."""

    async def sync(self, place: Place, definitions: Definitions, now: int, limit: int) -> Taken:
        """Tell a destination of the next `limit` profiles whose values it does not know."""

    async def leave(self, definition_id: int, now: int) -> None:
        """Tell each destination that nobody is a member any more, portion by portion (`sync`)."""

    async def views(self, definitions: list[Definition]) -> list[DefinitionView]: ...

    async def runs(self, definition_id: int, limit: int) -> list[PastRun]:
        """The newest first, of all its destinations."""

    async def members(self, definition_id: int, after: int, limit: int) -> list[MemberView]:
        """Who has a value that is neither false nor null, by profile."""

    async def person(
        self, identifier: Identifier | int, definitions: Definitions, now: int
    ) -> PersonView | None:
        """A profile by one of its names or its id, with the facts that the definitions ask for."""

    async def known(self, identifiers: list[Identifier]) -> dict[Identifier, Standing]:
        """What is known of those who have these names; of the others nothing."""

    async def facts(self, profile_id: int, before: int, limit: int) -> list[FactView]:
        """What a person did, the newest first, of those with ids below `before` (0: all)."""

    async def sample(
        self, after: int, limit: int, definitions: Definitions, ids: list[int], now: int
    ) -> list[Person]:
        """Persons with ids above `after`, as evaluating these definitions needs them."""

    async def last_profile(self) -> int:
        """The highest id that a profile has had."""

    async def prune(self, before: int) -> int:
        """Forget facts from before then; how many."""
