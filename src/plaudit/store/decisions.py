"""What people decide about deliveries: which ones, what, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypedDict

import msgspec

from plaudit.destinations.base import State


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


class Forgotten(msgspec.Struct):
    """What forgetting a person came to. `told`: destination ids that may have sent something about them."""

    deliveries: int = 0
    cancelled: int = 0
    told: list[int] = []
