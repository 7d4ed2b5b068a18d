"""What the destination makes of an event: completed orders become invitations, cancelled ones take them back."""

from __future__ import annotations

from plaudit.destinations.base import Decision, Draft, What
from plaudit.destinations.settings import Settings, duration
from plaudit.destinations.trustpilot import channels, terms
from plaudit.spec import dispositions
from plaudit.spec import email as emails
from plaudit.spec.cancellation import is_cancellation, read_cancellation
from plaudit.spec.event import Event
from plaudit.spec.lookup import Keys
from plaudit.spec.order import Order, Rejection, is_order_completed, read_order


def decide(event: Event, settings: Settings) -> Decision:
    """An order to invite for or to take back, a call to pass on, or the reason why none."""
    channel = channels.by_name(settings)
    if event.type == "identify" and What.IDENTIFY in channel.carries:
        person = emails.address(Keys(event.traits).find("email")) or ""
        draft = Draft(What.IDENTIFY, event.message_id, call=event.call(), email=person)
        return Decision(dispositions.PASSED_ON, draft=draft)
    if event.type != "track":
        return Decision(dispositions.UNSUPPORTED)
    if is_order_completed(event.name):
        return _completed(event, settings, passes_on=channel.passes_on)
    if is_cancellation(event.name):
        return _cancelled(event)
    return Decision(dispositions.NO_MATCH)


def _completed(event: Event, settings: Settings, *, passes_on: bool) -> Decision:
    asked = terms.asked(settings)
    order = read_order(
        event.properties,
        context=event.context,
        traits=event.traits,
        root_email=event.email,
        user_id=event.user_id,
        timestamp=event.timestamp,
        wanted_traits=asked.traits,
        known_traits=event.customer.traits,
    )
    if isinstance(order, Rejection):
        return Decision(dispositions.REJECTED, order.message, order_id=order.order_id)
    order.traits |= terms.memberships(asked, event.customer.audiences)
    fault = _other_state(order, settings.get("order_states") or [])
    if fault:
        return Decision(dispositions.FILTERED_BY_RULES, fault, order_id=order.order_id)
    hold = duration(settings, "hold")
    return Decision(
        dispositions.INVITED,
        draft=Draft(
            What.INVITATION,
            order.order_id,
            order,
            event.call() if passes_on else b"",
            # A clock that runs ahead must not hold an order longer than the shop asked for.
            min(event.timestamp, event.received_at) + hold if hold else 0,
            duration(settings, "once_per"),
        ),
        order_id=order.order_id,
    )


def _other_state(order: Order, wanted: list[str]) -> str:
    """Why an order's status keeps it from being invited now; empty when it does not."""
    if not wanted or order.status.casefold() in (state.casefold() for state in wanted):
        return ""
    has = f"has the status {order.status!r}" if order.status else "has no properties.status"
    return f"the order {has}, and order_states allows {', '.join(wanted)} only; send it again when it has one of those"


def _cancelled(event: Event) -> Decision:
    found = read_cancellation(event.name or "", event.properties, event.timestamp)
    if isinstance(found, Rejection):
        return Decision(dispositions.REJECTED, found.message)
    return Decision(dispositions.CANCELLED, cancellation=found, order_id=found.order_id)
