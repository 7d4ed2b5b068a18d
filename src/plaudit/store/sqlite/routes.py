"""What a batch's events do at their destinations: deliveries, cancellations, dispositions.

The unique index decides: an order that has its row makes no second one. Statements run over whole batches; only
what is rare (duplicates, cancellations, customers who may be invited once in a while) is looked at one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import Draft, State, What
from plaudit.queries import load
from plaudit.spec import dispositions, email
from plaudit.sqlite import put_many, rows
from plaudit.store.base import EventRow, Route
from plaudit.store.sqlite import cancel
from plaudit.store.sqlite.cancel import Met, decode_order

EVENTS = load("plaudit.store", "sql", "sqlite", "process.sql")
SQL = load("plaudit.store", "sql", "sqlite", "ledger.sql")
_encode = msgspec.json.Encoder().encode
MADE = frozenset({dispositions.INVITED, dispositions.CORRECTED, dispositions.PASSED_ON})


class Wish(NamedTuple):
    """A draft of an event at a destination."""

    to: int
    event: EventRow
    draft: Draft


def put_routes(
    connection: apsw.Connection, events: Sequence[EventRow], now: int, counts: Counter[str]
) -> Counter[int]:
    """Put all that these events do, and count it; how many deliveries were made, by destination."""
    wishes = [Wish(r.destination_id, e, r.draft) for e in events for r in e.routes if r.draft is not None]
    cancelling = [(r.destination_id, r.cancellation) for e in events for r in e.routes if r.cancellation]
    for to, by in cancelling:
        cancel.put(connection, to, by)
    made, before = _put_wishes(connection, wishes, now)
    gone = cancel.apply_cancellations(connection, list(made.values()), now)
    invited: Counter[int] = Counter()
    routed: list[tuple[int, int, str, str | None, int | None]] = []
    for event in events:
        for route in event.routes:
            met = _met(connection, event, route, made, before, now)
            if met.delivery_id in gone and met.code == dispositions.INVITED:
                detail = f"the order had been taken back: {cancel.said(gone[met.delivery_id])}"
                met = Met(dispositions.CANCELLED, detail, met.delivery_id)
            elif met.code in MADE:
                invited[route.destination_id] += 1
            counts[met.code] += 1
            routed.append((event.id, route.destination_id, *met))
    put_many(connection, EVENTS["put_disposition"], routed)
    return invited


def _met(
    connection: apsw.Connection,
    event: EventRow,
    route: Route,
    made: dict[tuple[int, int], int],
    before: dict[tuple[int, int], str],
    now: int,
) -> Met:
    """What became of an event at one destination."""
    if route.cancellation is not None:
        return cancel.meet(connection, route.destination_id, route.cancellation, now)
    if route.draft is None:
        return Met(route.code, route.detail, None)
    place = (route.destination_id, event.id)
    if place in made:
        return Met(route.code, route.detail, made[place])
    if place in before:
        return Met(dispositions.INVITED_BEFORE, before[place], None)
    return _existing(connection, Wish(route.destination_id, event, route.draft), now)


def _put_wishes(
    connection: apsw.Connection, wishes: list[Wish], now: int
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], str]]:
    """Put a delivery for each draft that has none: (the new ones' ids, and why others may not have one yet).

    Both by destination and event.
    """
    made: dict[tuple[int, int], int] = {}
    before: dict[tuple[int, int], str] = {}
    if not wishes:
        return made, before
    next_id = connection.execute(SQL["last_delivery"]).get + 1
    given = [
        _delivery(id_, wish, now)
        for id_, wish in enumerate((w for w in wishes if not w.draft.once_per), next_id)
    ]
    fresh = _there(connection, given)
    made |= {(row[1], row[5]): row[0] for row in given if row[0] in fresh}
    for wish in wishes:
        if wish.draft.once_per:
            found = _invited_before(connection, wish, now)
            if found:
                before[wish.to, wish.event.id] = found
                continue
            id_ = connection.execute(SQL["last_delivery"]).get + 1
            if _there(connection, [_delivery(id_, wish, now)]):
                made[wish.to, wish.event.id] = id_
    return made, before


def _delivery(id_: int, wish: Wish, now: int) -> tuple[Any, ...]:
    draft, event = wish.draft, wish.event
    order = draft.order
    person = order.email if order is not None else draft.email
    return (
        id_,
        wish.to,
        draft.what.value,
        draft.key,
        event.source_id,
        event.id,
        _encode(order) if order is not None else None,
        draft.call or None,
        email.recipient(person) if person else None,
        *_start(draft, now),
        now,
    )


def _start(draft: Draft, now: int) -> tuple[str, int, int]:
    """(state, made at, due at) of a new delivery."""
    if draft.not_before > now:
        return State.HELD.value, now, draft.not_before
    return State.QUEUED.value, now, now


def _there(connection: apsw.Connection, given: Sequence[tuple[Any, ...]]) -> set[int]:
    """Put deliveries; the ids of those that were not passed over."""
    ids = {row[0] for row in given}
    if put_many(connection, SQL["put_delivery"], given) == len(given):
        return ids
    found: Iterable[Any] = rows(connection, SQL["deliveries_there"], (_encode(list(ids)).decode(),))
    return {id_ for (id_,) in found}


def _invited_before(connection: apsw.Connection, wish: Wish, now: int) -> str:
    """Which other order the customer was invited for a short time ago; empty if for none."""
    order = wish.draft.order
    if order is None:
        return ""
    given = {
        "recipient": email.recipient(order.email),
        "destination_id": wish.to,
        "order_id": order.order_id,
        "since": now - wish.draft.once_per,
    }
    for id_, key, payload, created_at in rows(connection, SQL["invited_before"], given):
        if payload and decode_order(payload).email.casefold() == order.email.casefold():
            return f"the customer had invitation {id_} for order {key} at {iso(created_at)}"
    return ""


def _existing(connection: apsw.Connection, wish: Wish, now: int) -> Met:
    """What became of a draft whose key has its delivery already."""
    draft = wish.draft
    key = (wish.to, draft.what.value, draft.key)
    id_, state, reason, created_at, payload, event_id = next(rows(connection, SQL["delivery_of_key"], key))
    if draft.what is not What.INVITATION:
        return Met(dispositions.DUPLICATE_MESSAGE, f"the same call has delivery {id_} ({state})", id_)
    if event_id == wish.event.id:  # judged anew: it is this event's own
        return Met(dispositions.INVITED, None, id_)
    order, known = draft.order, decode_order(payload) if payload is not None else None
    if order is not None and known is not None and order.ordered_at >= known.ordered_at:
        if state == State.CANCELLED and cancel.may_return(connection, id_, reason, order):
            _make_anew(connection, wish, id_, now)
            detail = f"the order was completed again: invitation {id_} is no longer cancelled"
            return Met(dispositions.INVITED, detail, id_)
        if state == State.REFUSED and _encode(order) != payload:
            _make_anew(connection, wish, id_, now)
            detail = f"invitation {id_} was refused ({reason}), and is sent with this event's data"
            return Met(dispositions.CORRECTED, detail, id_)
    detail = f"order {draft.key} already has invitation {id_} ({state}, made {iso(created_at)})"
    return Met(dispositions.DUPLICATE_ORDER, detail, id_)


def _make_anew(connection: apsw.Connection, wish: Wish, id_: int, now: int) -> None:
    payload, call, recipient, state, _, due_at, _ = _delivery(id_, wish, now)[6:]
    given = {"id": id_, "payload": payload, "call": call, "recipient": recipient, "event_id": wish.event.id}
    connection.execute(SQL["make_anew"], given | {"state": state, "due_at": due_at, "now": now})
