"""Which deliveries an undo makes what they were before a decision, and as what. Pure, and the same for every store.

A delivery comes back only if nothing has happened to it since: it must be exactly as the decision left it. What was
cancelled comes back only where its customer has no other invitation that `once_per` counts. What comes back and
belongs to an order that was taken back is cancelled again: the stores look, as after any change (cancel.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from plaudit.destinations.base import State, What
from plaudit.destinations.settings import duration
from plaudit.store.base import UNREACHABLE, Configuration
from plaudit.store.decisions import DECISIONS, Decided, DecidedView, Decision, by_hand
from plaudit.store.meeting import REASONS, decode_order


class Left(StrEnum):
    """Why a delivery stays as it is; `SAID` has the words."""

    TRIED = "tried"
    DECIDED = "decided_again"
    TAKEN_BACK = "order_taken_back"
    INVITED = "customer_invited"
    FORGOTTEN = "forgotten"
    SUPERSEDED = "superseded"
    GONE = "gone"
    CHANGED = "changed"


SAID = {
    Left.TRIED: "it was sent since, or tried",
    Left.DECIDED: "somebody decided about it again",
    Left.TAKEN_BACK: "its order was cancelled or refunded",
    Left.INVITED: "its customer has another invitation instead",
    Left.FORGOTTEN: "its customer was forgotten",
    Left.SUPERSEDED: "another call has told the value since",
    Left.GONE: "it is not kept any more",
    Left.CHANGED: "something else has happened to it since",
}
_TRIED = frozenset(
    {State.SENDING, State.ACCEPTED, State.REFUSED, State.FAILED, State.BLOCKED, State.UNCERTAIN}
)


class Kept(NamedTuple):
    """What a decision keeps of a delivery, and the delivery as it is now (None: there is none): the queries' row."""

    decision: int
    id: int
    decided: str
    at: int
    was: str
    was_reason: str | None
    was_message: str | None
    was_due_at: int
    was_first: int | None
    undone_at: int | None
    again: bool  # a later decision about it counts
    to: int | None
    what: str | None
    key: str | None
    recipient: int | None
    payload: Any  # bytes, or text
    state: str | None
    reason: str | None
    message: str | None
    due_at: int | None
    first_attempt_at: int | None


class Restored(NamedTuple):
    """A delivery as it shall be."""

    id: int
    state: str
    reason: str | None
    message: str | None
    due_at: int
    first_attempt_at: int | None


class Rules(NamedTuple):
    """Of a destination, today. `waits`: what is blocked there goes on by itself when the destination does."""

    once_per: int | None = None  # ms; 0: as often as there are orders; None: not known, so once for ever
    waits: bool = True

    def since(self, now: int) -> int:
        return 0 if self.once_per is None else now - self.once_per


class Judged(NamedTuple):
    back: list[Restored]
    left: dict[int, str]


def rules(configuration: Configuration) -> dict[int, Rules]:
    """By destination id. A destination that was taken out has none, and `Rules()` are right for it.

    A lane lets go of what is blocked when it starts, so only one that stands still will do that again.
    """
    return {
        row.id: Rules(
            duration(row.settings, "once_per"), row.paused_at is not None and row.paused_reason != UNREACHABLE
        )
        for row in configuration.destinations
    }


def asking(found: Iterable[Kept], by_destination: Mapping[int, Rules]) -> list[Kept]:
    """Those for which it matters whether their customers have other invitations."""
    return [
        row
        for row in found
        if row.to is not None
        and (row.what, row.state) == (What.INVITATION, State.CANCELLED)
        and by_destination.get(row.to, Rules()).once_per != 0
        and row.recipient is not None
    ]


def telling(found: Iterable[Kept]) -> list[tuple[int, int, int, int]]:
    """(id, definition, destination, profile) of the calls that tell of an audience or trait (judging.py names them)."""
    calls = []
    for row in found:
        parts = (row.key or "").split("/")
        if row.what == What.IDENTIFY and row.to is not None and len(parts) == 4:
            definition, profile, *_ = parts
            if all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts):
                calls.append((row.id, int(definition), row.to, int(profile)))
    return calls


def judge(
    found: Sequence[Kept],
    by_destination: Mapping[int, Rules],
    others: Iterable[tuple[int, Any]],
    told: Collection[int],
    now: int,
) -> Judged:
    """What comes back, in the order of `found`, and what is left.

    `others`: (one of those `asking`, the payload of another invitation that counts; a hash has namesakes).
    `told`: those `telling` whose value is the last one that was told.
    """
    address = {row.id: _address(row.payload) for row in asking(found, by_destination)}
    invited = {id_ for id_, payload in others if _address(payload) == address[id_]}
    calls = {id_ for id_, *_ in telling(found)}
    back: list[Restored] = []
    left: dict[int, str] = {}
    people: set[tuple[int | None, str]] = set()  # who comes back with an invitation already
    for row in found:
        why = _stays(row)
        if why is None and row.id in address:
            person = (row.to, address[row.id])
            why = Left.INVITED if row.id in invited or person in people else None
            people |= set() if why else {person}
        if why is None and row.id in calls and row.state == State.CANCELLED and row.id not in told:
            why = Left.SUPERSEDED
        if why is None:
            back.append(_restored(row, by_destination.get(row.to or 0, Rules()), now))
        else:
            left[row.id] = why.value
    return Judged(back, left)


def view(row: Kept) -> DecidedView:
    open_ = row.undone_at is None and _stays(row) is None
    return DecidedView(row.decision, Decided(row.decided), row.at, row.was, row.undone_at, open_)


def summary(row: Sequence[Any] | None) -> Decision | None:
    """As the query `decision` gives one."""
    if row is None:
        return None
    id_, decided, *rest = row
    return Decision(id_, Decided(decided), *rest)


def _stays(row: Kept) -> Left | None:
    """Why it cannot come back; None: it is exactly as the decision left it."""
    if row.state is None:
        return Left.GONE
    if row.again:
        return Left.DECIDED
    said = by_hand(Decided(row.decided), row.at)
    then = DECISIONS[Decided(row.decided)][1]
    now = (row.state, row.reason, row.message, row.due_at, row.first_attempt_at)
    if now == (then, said["reason"], said["message"], row.at, None):
        return None
    if row.what == What.INVITATION and row.recipient is None:
        return Left.FORGOTTEN
    if row.reason in REASONS.values():
        return Left.TAKEN_BACK
    if row.reason == Left.SUPERSEDED:
        return Left.SUPERSEDED
    tried = row.state in _TRIED or row.first_attempt_at is not None
    return Left.TRIED if tried else Left.CHANGED


def _restored(row: Kept, its: Rules, now: int) -> Restored:
    """As it was; but what was blocked at a destination that has gone on meanwhile would wait there for ever."""
    if row.was == State.BLOCKED and not its.waits:
        return Restored(row.id, State.QUEUED.value, None, None, now, None)
    return Restored(row.id, row.was, row.was_reason, row.was_message, row.was_due_at, row.was_first)


def _address(payload: Any) -> str:
    return "" if payload is None else decode_order(payload).email.casefold()
