"""What is decided when an event meets a delivery that is there already. Pure, and the same for every store.

Every cancellation is kept. Whether it takes an invitation back is asked again whenever the two could meet: when
either of them comes, and when an attempt ends with 'try again'. So no order of arrival escapes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import Draft, State, What
from plaudit.spec import dispositions, email
from plaudit.spec.cancellation import Cancellation, covers
from plaudit.spec.order import Order
from plaudit.store.base import EventRow, Route

encode = msgspec.json.Encoder().encode
decode_order = msgspec.json.Decoder(Order).decode

Place = tuple[int, int]  # destination, event
MADE = frozenset({dispositions.INVITED, dispositions.CORRECTED, dispositions.PASSED_ON})
REASONS = {"Order Cancelled": "order_cancelled", "Order Refunded": "order_refunded"}
WAITING = frozenset({State.HELD, State.QUEUED, State.BLOCKED, State.FAILED, State.REFUSED})
ANEW = frozenset({State.CANCELLED, State.REFUSED})  # what an event may make anew, if all else allows it
INTERRUPTED = "interrupted"
INTERRUPTED_SAID = "Plaudit stopped during the attempt: it cannot be known whether it did its work"


class Made:
    """How many deliveries a batch makes, by destination; and of them, invitations of orders that had none."""

    def __init__(self) -> None:
        self.deliveries: Counter[int] = Counter()
        self.invitations: Counter[int] = Counter()

    def add(self, to: int, code: str = dispositions.INVITED) -> None:
        self.deliveries[to] += 1
        if code == dispositions.INVITED:
            self.invitations[to] += 1


class Wish(NamedTuple):
    """A draft of an event at a destination."""

    to: int
    event: EventRow
    draft: Draft


class Known(NamedTuple):
    """A delivery that is there."""

    id: int
    state: str
    reason: str | None
    created_at: int
    payload: bytes | None
    event_id: int


class Met(NamedTuple):
    """What became of a route, in the words of a disposition."""

    code: str
    detail: str | None
    delivery_id: int | None


def counted(events: Sequence[EventRow], fresh: Collection[int]) -> Counter[str]:
    """The dispositions of events as a whole; `fresh` are the ids of those that are the first with their message id."""
    counts: Counter[str] = Counter()
    for event in events:
        if event.id not in fresh:
            said = event.disposition if event.refused else None
            counts[said or dispositions.DUPLICATE_MESSAGE] += 1
        elif event.disposition:
            counts[event.disposition] += 1
    return counts


def delivery(id_: int, wish: Wish, now: int) -> tuple[Any, ...]:
    """A new delivery's row: id, destination, what, key, source, event, payload, call, recipient, state, made, due, changed."""
    draft, event = wish.draft, wish.event
    order = draft.order
    person = order.email if order is not None else draft.email
    held = draft.not_before > now
    return (
        id_,
        wish.to,
        draft.what.value,
        draft.key,
        event.source_id,
        event.id,
        encode(order) if order is not None else None,
        draft.call or None,
        email.recipient(person) if person else None,
        (State.HELD if held else State.QUEUED).value,
        now,
        draft.not_before if held else now,
        now,
    )


def meet(known: Known | None, by: Cancellation) -> tuple[Met, bool]:
    """What a cancellation does to the order's invitation, and whether that is to be cancelled now."""
    if known is None:
        detail = "noted: whether it is a refund of all of the order is seen when the order comes"
        return Met(dispositions.CANCELLED_EARLY, detail if by.amount is not None else None, None), False
    id_, state = known.id, known.state
    order = decode_order(known.payload) if known.payload is not None else None
    if order is not None and not covers(by, order):
        if by.at < order.ordered_at:
            return Met(dispositions.CANCELLED_LATE, "the order was completed again after this", id_), False
        return Met(dispositions.CANCELLED_PARTLY, None, id_), False
    if state in WAITING:
        return Met(dispositions.CANCELLED, f"cancelled invitation {id_}", id_), True
    if state == State.CANCELLED:
        return Met(dispositions.CANCELLED, f"invitation {id_} is cancelled already", id_), False
    return Met(dispositions.CANCELLED_LATE, f"came too late: invitation {id_} is {state}", id_), False


def existing(wish: Wish, known: Known, taken_back: Callable[[Order], bool]) -> tuple[Met, bool]:
    """What becomes of a draft whose key has its delivery already, and whether that is made anew from it.

    `taken_back`: whether a cancellation that is kept covers this order.
    """
    draft = wish.draft
    id_, state, reason, created_at, payload, event_id = known
    stood_back = state == State.CANCELLED and reason == dispositions.INVITED_BEFORE
    if stood_back and draft.order is not None and not taken_back(draft.order):
        return Met(dispositions.INVITED, None, id_), True
    if draft.what is not What.INVITATION:
        return Met(dispositions.DUPLICATE_MESSAGE, f"the same call has delivery {id_} ({state})", id_), False
    if event_id == wish.event.id:  # judged anew: it is this event's own
        return Met(dispositions.INVITED, None, id_), False
    order, before = draft.order, decode_order(payload) if payload is not None else None
    if order is not None and before is not None and order.ordered_at >= before.ordered_at:
        by_event = reason in REASONS.values()  # else a person cancelled it
        if state == State.CANCELLED and by_event and not taken_back(order):
            detail = f"the order was completed again: invitation {id_} is no longer cancelled"
            return Met(dispositions.INVITED, detail, id_), True
        if state == State.REFUSED and encode(order) != payload:
            detail = f"invitation {id_} was refused ({reason}), and is sent with this event's data"
            return Met(dispositions.CORRECTED, detail, id_), True
    detail = f"order {draft.key} already has invitation {id_} ({state}, made {iso(created_at)})"
    return Met(dispositions.DUPLICATE_ORDER, detail, id_), False


def taken_back_before(by: Cancellation, id_: int) -> Met:
    """What becomes of an order whose cancellation came before it."""
    return Met(dispositions.CANCELLED, f"the order had been taken back: {said(by)}", id_)


def invited_before(id_: int, key: str, created_at: int) -> Met:
    detail = f"the customer had invitation {id_} for order {key} at {iso(created_at)}"
    return Met(dispositions.INVITED_BEFORE, detail, None)


def after_all(behind: int) -> str:
    """The detail of an order that had to stand back for an invitation, and does no more."""
    return f"invitation {behind}, for which it had to stand back, was cancelled"


def recount(counts: Counter[str], forward: int) -> None:
    """So many orders that were counted as standing back are invitations after all."""
    counts[dispositions.INVITED] += forward
    counts[dispositions.INVITED_BEFORE] -= forward
    for code in (dispositions.INVITED, dispositions.INVITED_BEFORE):
        if not counts[code]:
            del counts[code]


def people(events: Sequence[EventRow]) -> dict[Place, str]:
    """Whose the events are, where a draft says so, by destination and event."""
    found: dict[Place, str] = {}
    for event in events:
        for route in event.routes:
            if route.draft is not None:
                person = route.draft.order.email if route.draft.order is not None else route.draft.email
                if person:
                    found[route.destination_id, event.id] = person
    return found


def suppressed(events: Sequence[EventRow], places: Collection[Place]) -> list[EventRow]:
    """The events, where those at these places make nothing."""
    return [
        event._replace(
            routes=[
                Route(route.destination_id, dispositions.FORGOTTEN)
                if (route.destination_id, event.id) in places
                else route
                for route in event.routes
            ]
        )
        for event in events
    ]


def duplicate_of(first: int) -> str:
    """The detail of an event whose message id is known."""
    return f"the same event came before as event {first} (same messageId)"


def said(by: Cancellation) -> str:
    return f"{by.event} at {iso(by.at)}"


def forgotten(payload: bytes | str, key: str) -> bytes:
    """What is left of an order's payload when its customer is forgotten."""
    rest = {"order_id": key, "email": "", "ordered_at": decode_order(payload).ordered_at}
    return encode(rest)
