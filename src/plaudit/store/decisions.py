"""What people decide about deliveries: which ones, what, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypedDict, Unpack

import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import State
from plaudit.spec import email as emails

KEYS = ("state", "order_id", "destination", "source", "reason", "since", "until")


class Selection(TypedDict, total=False):
    """Conditions on deliveries; each counts when it is given. Without `what`: invitations."""

    what: str
    state: str
    order_id: str
    destination: str
    source: str
    reason: str
    email: str
    since: int  # ms, when it was made
    until: int


class Decided(StrEnum):
    """What a person can decide about deliveries, and `DECISIONS` says of which states."""

    RETRY = "retry"  # send again what surely did nothing
    CANCEL = "cancel"  # send no more
    SENT = "sent"  # it was looked up: it had arrived
    NOT_SENT = "not sent"  # it was looked up: it had not arrived, so send it again
    DROP = "drop"  # it was looked up: it had not arrived, and shall not be sent again


# What becomes of which states. Only the last three touch 'uncertain': they need somebody who has looked.
DECISIONS: dict[Decided, tuple[frozenset[State], State]] = {
    Decided.RETRY: (
        frozenset({State.FAILED, State.REFUSED, State.BLOCKED, State.QUEUED, State.HELD}),
        State.QUEUED,
    ),
    Decided.CANCEL: (
        frozenset({State.HELD, State.QUEUED, State.BLOCKED, State.FAILED, State.REFUSED}),
        State.CANCELLED,
    ),
    Decided.SENT: (frozenset({State.UNCERTAIN}), State.ACCEPTED),
    Decided.NOT_SENT: (frozenset({State.UNCERTAIN}), State.QUEUED),
    Decided.DROP: (frozenset({State.UNCERTAIN}), State.CANCELLED),
}


_SAID = {
    Decided.RETRY: "tried again by hand",
    Decided.CANCEL: "cancelled by hand",
    Decided.SENT: "resolved by hand: it had arrived",
    Decided.NOT_SENT: "resolved by hand: it had not arrived, so it is sent again",
    Decided.DROP: "resolved by hand: it had not arrived, and is not sent again",
}


def bound(selection: Selection) -> dict[str, Any]:
    """The selection as a query's parameters."""
    given: dict[str, Any] = {key: selection.get(key) for key in KEYS}
    address = selection.get("email")
    given["recipient"] = None if address is None else emails.recipient(address)
    given["what"] = selection.get("what", "invitation")
    return given


def states_of(decided: Decided, selection: Selection) -> frozenset[str]:
    """The states that a decision about a selection touches."""
    states = DECISIONS[decided][0]
    if selection.get("state") is not None:
        return frozenset(states & {selection["state"]})
    return frozenset({State.FAILED, State.REFUSED} if decided is Decided.RETRY else states)


def by_hand(decided: Decided, now: int) -> dict[str, str]:
    """The reason and the message of a delivery that a person decided about."""
    return {"reason": "by_hand", "message": f"{_SAID[decided]}; decided at {iso(now)}"}


class Undone(NamedTuple):
    """A portion of an undo: the states that deliveries have again, and why others stay as they are, by id."""

    restored: dict[int, str]
    left: dict[int, str]  # store/undoing.py: Left

    @property
    def last(self) -> int:
        """The highest id of the portion; 0: it is empty."""
        return max([*self.restored, *self.left], default=0)


class Decision(msgspec.Struct, frozen=True):
    """What is kept of a decision: how many deliveries it touched, and of how many it is undone."""

    id: int
    decided: Decided
    at: int
    deliveries: int
    undone: int


class DecidedView(msgspec.Struct, frozen=True):
    """One delivery's part of a decision. `was`: its state before. `open`: it is still as the decision left it."""

    decision: int
    decided: Decided
    at: int
    was: str
    undone_at: int | None
    open: bool


class Deciding(Protocol):
    """The part of `Store` by which people decide. A decision's id is that of its line in the audit log."""

    async def count(self, **selection: Unpack[Selection]) -> dict[str, int]:
        """How many deliveries a selection holds, by state."""

    async def decide(
        self,
        decided: Decided,
        *,
        decision: int,
        after: int,
        limit: int,
        now: int,
        **selection: Unpack[Selection],
    ) -> list[int]:
        """Do what a person decided to the first `limit` deliveries of a selection whose ids are above `after`; their ids.

        Call it with the last of them until there are none. A retry takes what failed or was refused, unless a
        state is selected. What they were before is kept with the decision, until `prune`.
        """

    async def undo(
        self, decision: int, *, after: int, limit: int, now: int, dry: bool, only: int | None = None
    ) -> Undone:
        """Make the next deliveries of a decision what they were before, where nothing has happened to them since.

        Call it with the `last` until nothing is in it. `only`: of this one delivery. `dry`: only say what it would
        come to.
        """

    async def decision(self, id_: int) -> Decision | None:
        """None: nothing is kept of it."""

    async def decisions(self, delivery_id: int) -> list[DecidedView]:
        """What was decided about a delivery, as far as it is kept; the oldest first."""


class Forgotten(msgspec.Struct):
    """What forgetting a person came to. `told`: destination ids that may have sent something about them."""

    deliveries: int = 0
    cancelled: int = 0
    profiles: int = 0
    told: list[int] = []
