"""Which events become invitations: track calls named Order Completed, with an order id and an address."""

from __future__ import annotations

from plaudit.destinations.base import Decision
from plaudit.spec import dispositions
from plaudit.spec.event import Event
from plaudit.spec.order import Rejection, is_order_completed, read_order


def decide(event: Event) -> Decision:
    """An order to invite for, or the reason why none."""
    if event.type != "track":
        return Decision(dispositions.UNSUPPORTED)
    if not is_order_completed(event.name):
        return Decision(dispositions.NO_MATCH)
    order = read_order(
        event.properties,
        context=event.context,
        traits=event.traits,
        root_email=event.email,
        user_id=event.user_id,
    )
    if isinstance(order, Rejection):
        return Decision(dispositions.REJECTED, order.message, order_id=order.order_id)
    return Decision(dispositions.INVITED, order=order, order_id=order.order_id)
