"""The `Store` protocol and its rows. Every implementation passes `tests/conformance/store.py`.

All verbs work on sets, each in one transaction: what one call does is on disk when it returns, or not at all.
Times are ms since 1970 UTC. Secrets go in and come out in the clear; the store seals them.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import msgspec

from plaudit.destinations.base import Outcome, State
from plaudit.spec.order import Order

READER = "process"


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


class Configuration(msgspec.Struct, frozen=True):
    """What is configured now. `connections` are pairs (source id, destination id)."""

    version: int
    sources: list[Source]
    destinations: list[ConfiguredDestination]
    connections: list[tuple[int, int]]


class Wanted(msgspec.Struct, frozen=True):
    """A whole configuration to put in place of the one there is, by name."""

    sources: dict[str, str]  # name: write key
    destinations: dict[str, tuple[str, dict[str, Any], list[str]]]  # name: type, settings, names of sources


class Route(NamedTuple):
    """An event at one destination: an order to invite for, or a code why none."""

    destination_id: int
    code: str
    detail: str | None = None
    order: Order | None = None


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
    invited: dict[int, int] = {}  # destination id: new invitations


class Claimed(msgspec.Struct, array_like=True):
    """An invitation that is this process's to send."""

    id: int
    order: Order
    attempt: int
    first_attempt_at: int


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


class InvitationView(msgspec.Struct):
    """A row of the ledger, as people see it."""

    id: int
    destination: str
    order_id: str
    source: str | None
    state: str
    reason: str | None
    message: str | None
    attempts: int
    created_at: int
    due_at: int
    updated_at: int
    order: Order


class AttemptView(msgspec.Struct):
    number: int
    started_at: int
    finished_at: int
    outcome: str
    reason: str
    message: str
    status: int


class DispositionView(msgspec.Struct):
    destination: str
    disposition: str
    message: str
    invitation: int | None = None


class EventView(msgspec.Struct):
    """An event with what became of it, as people see it."""

    id: int
    source: str | None
    message_id: str
    type: str
    event: str | None
    received_at: int
    timestamp: int
    order_id: str | None
    disposition: str
    message: str
    destinations: list[DispositionView]


class Store(Protocol):
    """Configuration, events, the ledger, and the cursors that go with them."""

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

    async def turn(
        self, destination_id: int, settled: list[Settled], limit: int, owner: str, now: int, lease_until: int
    ) -> list[Claimed]:
        """Record attempts that ended, and claim up to `limit` invitations that are due."""

    async def release(self, claimed: list[Claimed], owner: str, now: int) -> None:
        """Give back what was claimed and surely not sent."""

    async def pause(self, destination_id: int, reason: str, message: str, now: int) -> None:
        """Stop a destination until its configuration is applied again."""

    async def unblock(self, destination_id: int, now: int) -> int:
        """Queue what was blocked at a destination; how many."""

    async def next_due(self, destination_id: int) -> int | None:
        """When its next invitation is due."""

    async def recover(self, owner: str, *, alone: bool, now: int, resend: list[int]) -> int:
        """Settle what a process that is gone left 'sending': uncertain, or queued where `resend` names the destination.

        `alone`: no other process delivers, so any owner but `owner` is gone. How many there were.
        """

    async def invitations(
        self,
        *,
        state: str | None = None,
        order_id: str | None = None,
        destination: str | None = None,
        limit: int = 0,
    ) -> list[InvitationView]:
        """The newest first; `limit` 0: all."""

    async def attempts(self, invitation_id: int) -> list[AttemptView]: ...

    async def events(
        self,
        *,
        source: str | None = None,
        disposition: str | None = None,
        order_id: str | None = None,
        limit: int = 0,
    ) -> list[EventView]:
        """The newest first; `limit` 0: all."""

    async def attention(self) -> dict[str, dict[str, int]]:
        """How many invitations wait for a person, by destination and state: quick, however large the ledger."""

    async def states(self) -> dict[str, dict[str, int]]:
        """Invitations by destination and state."""

    async def prune(self, before: int) -> int:
        """Forget events received before then; the ledger keeps its rows. How many."""

    async def close(self) -> None: ...
