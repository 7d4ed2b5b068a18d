"""`Order Cancelled` and `Order Refunded`: reading what they take back (segment.md 5.2).

A cancellation counts when it is younger than the order, by the events' own times. So the order in which the two
arrive does not matter, and an order that is completed again after its cancellation counts again.
"""

from __future__ import annotations

import re

import msgspec

from plaudit.spec.lookup import Keys
from plaudit.spec.order import Order, Rejection, number, read_order_id

_CANCELLED = re.compile(r"[\s_-]*(?:order[\s_-]*cancell?ed|cancell?ed[\s_-]*order)[\s_-]*", re.IGNORECASE)
_REFUNDED = re.compile(r"[\s_-]*(?:order[\s_-]*refunded|refunded[\s_-]*order)[\s_-]*", re.IGNORECASE)
CENT = 0.005


class Cancellation(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order taken back at a time (ms). `amount` None: all of it; else what a refund gave back."""

    order_id: str
    at: int
    event: str
    amount: float | None = None


def is_cancellation(name: str | None) -> bool:
    """Whether a track call of this name takes an order back, in any of the spellings of `is_order_completed`."""
    return name is not None and bool(_CANCELLED.fullmatch(name) or _REFUNDED.fullmatch(name))


def read_cancellation(name: str, properties: object, timestamp: int) -> Cancellation | Rejection:
    """What a cancelling event takes back. A refund that names no amount is one of everything."""
    props = Keys(properties)
    order_id = read_order_id(props)
    if isinstance(order_id, Rejection):
        return order_id
    if _CANCELLED.fullmatch(name):
        return Cancellation(order_id, timestamp, "Order Cancelled")
    said = props.find("total", "revenue")
    amount = number(said)
    if amount is None and said is not None:
        amount = 0.0  # an amount that cannot be read must not take all of an order back
    return Cancellation(order_id, timestamp, "Order Refunded", None if amount is None else abs(amount))


def covers(cancellation: Cancellation, order: Order) -> bool:
    """Whether the order is taken back as a whole, by something younger than itself."""
    if cancellation.at < order.ordered_at:
        return False
    if cancellation.amount is None or order.total is None:
        return cancellation.amount is None
    return cancellation.amount >= order.total - CENT
