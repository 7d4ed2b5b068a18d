"""Orders that were taken back, and what that does to their invitations.

Every cancellation is kept. Whether it takes an invitation back is asked again whenever the two could meet: when
either of them comes, and when an attempt ends with 'try again'. So no order of arrival escapes it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import apsw
import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import State, What
from plaudit.queries import load
from plaudit.spec import dispositions
from plaudit.spec.cancellation import Cancellation, covers
from plaudit.spec.order import Order
from plaudit.sqlite import rows

SQL = load("plaudit.store", "sql", "sqlite", "ledger.sql")
decode_order = msgspec.json.Decoder(Order).decode

REASONS = {"Order Cancelled": "order_cancelled", "Order Refunded": "order_refunded"}
_WAITING = frozenset({State.HELD, State.QUEUED, State.BLOCKED, State.FAILED, State.REFUSED})


class Met(NamedTuple):
    """What became of a cancellation, in the words of a disposition."""

    code: str
    detail: str | None
    delivery_id: int | None


def put(connection: apsw.Connection, destination_id: int, cancellation: Cancellation) -> None:
    row = {"destination_id": destination_id, **msgspec.structs.asdict(cancellation)}
    connection.execute(SQL["put_cancellation"], row)


def apply_cancellations(
    connection: apsw.Connection, ids: Collection[int], now: int
) -> dict[int, Cancellation]:
    """Cancel those of these deliveries whose orders were taken back; by what, by delivery."""
    if not ids or not connection.execute(SQL["any_cancellation"]).get:
        return {}
    cancelled: dict[int, Cancellation] = {}
    found = list(rows(connection, SQL["cancelled_among"], (msgspec.json.encode(list(ids)).decode(),)))
    for id_, state, payload, *cancellation in found:
        by = Cancellation(*cancellation)
        if state in _WAITING and payload is not None and covers(by, decode_order(payload)):
            _cancel(connection, id_, by, now)
            cancelled[id_] = by
    return cancelled


def meet(connection: apsw.Connection, destination_id: int, by: Cancellation, now: int) -> Met:
    """What a cancellation that has been put does to the order's invitation."""
    key = (destination_id, What.INVITATION.value, by.order_id)
    row = next(rows(connection, SQL["delivery_of_key"], key), None)
    if row is None:
        detail = "noted: whether it is a refund of all of the order is seen when the order comes"
        return Met(dispositions.CANCELLED_EARLY, detail if by.amount is not None else None, None)
    id_, state, _, _, payload, _ = row
    order = decode_order(payload) if payload is not None else None
    if order is not None and not covers(by, order):
        if by.at < order.ordered_at:
            return Met(dispositions.CANCELLED_LATE, "the order was completed again after this", id_)
        return Met(dispositions.CANCELLED_PARTLY, None, id_)
    if state in _WAITING:
        _cancel(connection, id_, by, now)
        return Met(dispositions.CANCELLED, f"cancelled invitation {id_}", id_)
    if state == State.CANCELLED:
        return Met(dispositions.CANCELLED, f"invitation {id_} is cancelled already", id_)
    return Met(dispositions.CANCELLED_LATE, f"came too late: invitation {id_} is {state}", id_)


def may_return(connection: apsw.Connection, id_: int, reason: str | None, order: Order) -> bool:
    """Whether an order completed again takes its invitation out of the cancellation that an event had brought."""
    if reason not in REASONS.values():
        return False  # a person cancelled it
    found = rows(connection, SQL["cancelled_among"], (msgspec.json.encode([id_]).decode(),))
    return not any(covers(Cancellation(*row[3:]), order) for row in found)


def said(by: Cancellation) -> str:
    return f"{by.event} at {iso(by.at)}"


def _cancel(connection: apsw.Connection, id_: int, by: Cancellation, now: int) -> None:
    row = {"id": id_, "reason": REASONS[by.event], "message": said(by), "now": now}
    connection.execute(SQL["cancel"], row)
