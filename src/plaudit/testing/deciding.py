"""What a destination makes of events: a decision about each, the same each time, whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from plaudit.destinations.base import Channel, Decision, Destination, What
from plaudit.destinations.settings import Settings
from plaudit.spec import dispositions, wire
from plaudit.spec.envelope import Entry
from plaudit.spec.event import Event, Unreadable

NOW = 1_795_459_200_000  # 2026-11-23T18:40:00Z
ADDRESS = "one.customer@example.com"
ORDER = {
    "order_id": "order-1",
    "email": ADDRESS,
    "total": 27.5,
    "currency": "USD",
    "products": [{"product_id": "p1", "sku": "s1", "name": "Thing", "price": 19, "quantity": 1}],
}
ODD: tuple[Any, ...] = (
    None,
    {},
    [],
    "text",
    7,
    True,
    {"order_id": {}, "email": [], "products": "x"},
    {"a": [[]]},
)


def event(type_: str, **parts: Any) -> Event:
    """As collect would have read it."""
    body = msgspec.json.encode({"type": type_, "userId": "u1", "messageId": "m1", **parts})
    envelope = wire.single(type_, wire.decode_single(body), body, NOW, lambda: "m1")
    return Event(Entry(1, NOW, [envelope]), envelope)


def events() -> Iterator[tuple[str, Event]]:
    """(what to call it, the event)."""
    for name in ("Order Completed", "Order Cancelled", "Order Refunded", "Product Viewed", ""):
        yield f"the track call {name!r}", event("track", event=name, properties=ORDER)
        for odd in ODD:
            found = event("track", event=name, properties=odd, context=odd, traits=odd)
            yield f"the track call {name!r} with {odd!r}", found
    for type_ in ("identify", "page", "screen", "group", "alias"):
        yield f"the {type_} call", event(type_, traits={"email": ADDRESS, "plan": "gold"}, event="x")
        for odd in ODD:
            yield f"the {type_} call with {odd!r}", event(type_, traits=odd, properties=odd)


def deciding(destination: Destination, settings: Settings) -> Iterator[str]:
    """What is wrong with its decisions."""
    channel = destination.channel(settings)
    made = False
    decision: Any
    for name, found in events():
        try:
            decision, again = destination.decide(found, settings), destination.decide(found, settings)
        except Unreadable:
            continue  # the event's own fault, and told as that
        except Exception as error:  # noqa: BLE001 - whatever it is
            yield f"decide fails on {name}: {type(error).__name__}"
            continue
        if not isinstance(decision, Decision):
            yield f"decide returns {type(decision).__name__} for {name}, and no Decision"
            continue
        if decision != again:
            yield f"decide is not pure: it decides one way and another about {name}"
        made = made or decision.draft is not None
        yield from (f"{fault}, for {name}" for fault in _decision(decision, channel))
    if not made:
        yield f"no event makes a delivery by the channel {channel.name!r}, not even a completed order"


def _decision(decision: Decision, channel: Channel) -> Iterator[str]:
    if decision.code not in dispositions.SENTENCES and not decision.detail:
        yield f"decide gives the code {decision.code!r}, which nobody knows, without a detail that explains it"
    if ADDRESS in (decision.detail or ""):
        yield "decide gives a detail with the customer's address"
    draft = decision.draft
    if draft is None:
        return
    if decision.cancellation is not None:
        yield "decide gives a delivery and a cancellation at once"
    if draft.what not in channel.carries:
        yield f"decide makes {draft.what.value} deliveries, which the channel {channel.name!r} does not carry"
    if not draft.key:
        yield "decide makes a delivery without a key: there would be one of them, for ever"
    if draft.what is What.INVITATION and draft.order is None:
        yield "decide makes an invitation without its order"
    if channel.passes_on and not draft.call:
        yield "decide makes a delivery without the call that the channel passes on"
