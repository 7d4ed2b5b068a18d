"""The `Store` protocol and its rows. Every implementation passes `tests/conformance/store.py`.

All verbs work on sets, each in one transaction: what one call does is on disk when it returns, or not at all.
Times are ms since 1970 UTC. Secrets go in and come out in the clear; the store seals them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Unpack

import msgspec

from plaudit.destinations.base import Draft, Fault, Outcome, State, What
from plaudit.engage.definitions import Definition, Kind, Options
from plaudit.spec.cancellation import Cancellation
from plaudit.spec.order import Order
from plaudit.store.access import Access
from plaudit.store.decisions import Deciding, Forgotten, Selection
from plaudit.store.profiles import Profiles
from plaudit.store.tallies import Tallied
from plaudit.store.views import AttemptView, EventSelection, EventView, InvitationView

READER = "process"
BY_HAND = "by_hand"  # why a destination is paused when a person wants it so
UNREACHABLE = "unreachable"  # why one is said to be paused that is tried again and again


class Source(msgspec.Struct, frozen=True):
    id: int
    name: str
    write_key: str


class ConfiguredDestination(msgspec.Struct, frozen=True):
    id: int
    name: str
    type: str
    settings: dict[str, Any]
    paused_reason: str | None = None
    paused_message: str | None = None
    paused_at: int | None = None


class Inlet(msgspec.Struct, frozen=True):
    """The source of what Segment sends to a destination's own address."""

    id: int
    name: str
    destination_id: int


class Configuration(msgspec.Struct, frozen=True):
    """What is configured now. `connections` are pairs (source id, destination id), those of inlets included."""

    version: int
    sources: list[Source]
    destinations: list[ConfiguredDestination]
    connections: list[tuple[int, int]]
    inlets: list[Inlet] = []
    definitions: list[Definition] = []  # audiences and computed traits


class WantedDefinition(msgspec.Struct, frozen=True):
    """An audience or a computed trait by name. Its key is made of the title when it is new."""

    kind: Kind
    name: str
    title: str
    query: str
    options: Options
    enabled: bool
    destinations: list[str]


class Wanted(msgspec.Struct, frozen=True):
    """A whole configuration to put in place of the one there is, by name."""

    sources: dict[str, str]  # name: write key
    destinations: dict[str, tuple[str, dict[str, Any], list[str]]]  # name: type, settings, names of sources
    definitions: list[WantedDefinition] = []


class Route(NamedTuple):
    """An event at one destination: something to deliver or to cancel, or a code why neither."""

    destination_id: int
    code: str
    detail: str | None = None
    draft: Draft | None = None
    cancellation: Cancellation | None = None


class EventRow(NamedTuple):
    """An event as it will be kept. Without `disposition` it has routes."""

    id: int
    source_id: int
    message_id: str
    type: str
    name: str | None
    received_at: int
    timestamp: int
    order_id: str | None
    disposition: str | None
    detail: str | None
    refused: bool
    routes: list[Route]


class Committed(msgspec.Struct):
    """What a batch came to, in numbers."""

    dispositions: dict[str, int] = {}
    made: dict[int, int] = {}  # destination id: new deliveries
    invitations: dict[int, int] = {}  # of them, those of orders that had none
    kept: int = 0  # of a replay: deliveries that its events had made before


class Claimed(msgspec.Struct, array_like=True):
    """A delivery that is this process's to send."""

    id: int
    what: What
    order: Order | None
    attempt: int
    first_attempt_at: int
    due_at: int
    call: str | None = None


class Settled(NamedTuple):
    """An attempt's end: what it came to, and the state that follows."""

    id: int
    attempt: int
    started_at: int
    finished_at: int
    outcome: Outcome
    reason: str
    message: str
    status: int
    state: State
    due_at: int
    fault: Fault = Fault.VENDOR
    exchanges: bytes = b""  # destinations/exchange.py; the same for all of a page


class Store(Deciding, Protocol):
    """Configuration, events, the ledger, and the cursors that go with them."""

    @property
    def profiles(self) -> Profiles:
        """Who did what, audiences and traits, and who was told of them."""

    @property
    def access(self) -> Access:
        """Who may use the console and the API."""

    async def config_version(self) -> int:
        """A number that changes with the configuration."""

    async def configuration(self) -> Configuration: ...

    async def apply(self, wanted: Wanted, now: int) -> Configuration:
        """Put a whole configuration in place, and end all pauses."""

    async def cursor(self, partition: int) -> int:
        """How far the log has been processed."""

    async def commit(
        self, partition: int, before: int, after: int, events: list[EventRow], now: int
    ) -> Committed:
        """A batch of events with all that follows from them, and the cursor from `before` to `after`.

        Raises `LostRaceError` when the cursor is not at `before`: another process was quicker.
        """

    async def foresee(self, events: list[EventRow], now: int) -> Committed:
        """What events that are not in the log would come to, each with an id that no other has; nothing is kept."""

    async def replay(
        self, events: list[EventRow], now: int, *, dry: bool, disposition: str | None = None
    ) -> Committed:
        """Judge events anew that are known already, by their ids; what they make, they make once.

        An event that made a delivery keeps its disposition. `dry`: only say what it would come to. With
        `disposition` only events that have it now.
        """

    async def older_events(self, partition: int, position: int, since: int, until: int) -> int:
        """How many events that were received in a range stood in the log below a position."""

    async def turn(
        self, destination_id: int, settled: list[Settled], limit: int, owner: str, now: int, lease_until: int
    ) -> list[Claimed]:
        """Record attempts that ended, and claim up to `limit` deliveries that are due, in turn from each source."""

    async def release(self, claimed: list[Claimed], owner: str, now: int) -> None:
        """Give back what was claimed and surely not sent."""

    async def pause(
        self, destination_id: int, reason: str, message: str, now: int, *, version: int = 0
    ) -> None:
        """Stop a destination until its configuration is applied again; `BY_HAND`, until somebody resumes it.

        With `version`, of the configuration that failed: not if another one is in place by now. A pause by hand
        changes the configuration's version, so that every process learns of it, and no other pause takes its place.
        """

    async def resume(self, destination_id: int, reason: str | None) -> None:
        """End a pause that was made for this reason; None: any, by hand, which every process learns."""

    async def unblock(self, destination_id: int, now: int) -> int:
        """Queue what was blocked at a destination; how many."""

    async def next_due(self, destination_id: int) -> int | None:
        """When its next delivery is due."""

    async def recover(self, owner: str, *, alone: bool, now: int, resend: list[int]) -> int:
        """Settle what a process that is gone left 'sending': uncertain, or queued where `resend` names the destination.

        `alone`: no other process delivers, so any owner but `owner` is gone. How many there were.
        """

    async def forget(self, email: str, now: int) -> Forgotten:
        """Take a person out of the ledger, and let later events of theirs make nothing.

        What is left says that their orders had their invitations, and by a keyed hash whom to leave alone.
        """

    async def allow(self, email: str) -> bool:
        """Take later events of a person who was forgotten as anybody's again; whether they had been forgotten."""

    async def invitations(
        self, *, limit: int = 0, before: int | None = None, **selection: Unpack[Selection]
    ) -> list[InvitationView]:
        """The newest first; `limit` 0: all. `before`: those that come after this id in that order."""

    async def invitation(self, id_: int) -> InvitationView | None:
        """Any delivery, by its id."""

    async def attempts(self, delivery_id: int) -> list[AttemptView]: ...

    async def events(
        self, *, limit: int = 0, before: int | None = None, **selection: Unpack[EventSelection]
    ) -> list[EventView]:
        """The newest first; `limit` 0: all. `before`: those that come after this id in that order."""

    async def event(self, id_: int) -> EventView | None: ...

    async def tallies(
        self, step: int, since: int, until: int, destination_id: int | None = None
    ) -> list[Tallied]:
        """What was counted, by `step` (tallies.py: HOUR_MS or DAY_MS): quick, however much there was.

        With a destination: only what is counted by destination.
        """

    async def attention(self, what: str | None = None) -> dict[str, dict[str, int]]:
        """How many deliveries (of this kind) wait for a person, by destination and state: quick, whatever the ledger."""

    async def waiting(self, destination_id: int, most: int) -> dict[str, int]:
        """A destination's invitations that are queued, held or being sent, by state; of the first two, `most` are counted."""

    async def states(self) -> dict[str, dict[str, int]]:
        """Invitations by destination and state."""

    async def prune(self, before: int) -> int:
        """Forget events received before then, calls passed on, and what decisions keep; invitations stay. How many events."""

    async def join(self, owner: str, role: str, resources: list[str], seconds: float) -> set[str]:
        """Take part in a role's work for `seconds` by the store's clock; which of its resources are this owner's now.

        A resource belongs to one owner at a time, until its time has passed. Each owner gets its share of them; what
        is more than that is given up. `turn` claims nothing for an owner whose `lane:ID` is another's.
        """

    async def leave(self, owner: str) -> None:
        """Give up everything at once, so that others need not wait for the time to pass."""

    async def listen(self, heard: Callable[[set[int]], None]) -> None:
        """Call `heard` with destinations that get new deliveries while this is awaited; it may miss some, or end at once."""

    async def close(self) -> None: ...
