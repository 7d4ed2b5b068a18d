"""What people decide about deliveries: which ones, what, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypedDict

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


class Forgotten(msgspec.Struct):
    """What forgetting a person came to. `told`: destination ids that may have sent something about them."""

    deliveries: int = 0
    cancelled: int = 0
    profiles: int = 0
    told: list[int] = []
