"""An event as far as profiles go: whose it is, what it says of them, and the fact that audiences may ask about.

Pages and screens are the events "Page Viewed" and "Screen Viewed" (segment.md 6.2). Addresses are identifiers
wherever an event has them, as for an order.
"""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit.engage.identifiers import Identifier, identifiers
from plaudit.spec.event import Event
from plaudit.spec.lookup import Keys

MOST_TRAITS = 300  # of an identify call (segment.md 1.3)
PERSONAS = "Personas"  # how an event's integrations object keeps it out of here (segment.md 2)
_VIEWS = {"page": ("Page Viewed", "page_name"), "screen": ("Screen Viewed", "screen_name")}
_PRIVATE = frozenset(("traits", "externalIds"))  # identity's, and nobody's to ask for (segment.md 6.2)
_encode = msgspec.json.Encoder().encode


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """`at`: the event's own time, ms. `name`: of the fact, empty for none; its parts are JSON objects."""

    event_id: int
    source_id: int
    at: int
    identifiers: tuple[Identifier, ...]
    name: str = ""
    properties: bytes = b"{}"
    context: bytes = b"{}"
    traits: dict[str, Any] = {}


def sighting(event_id: int, source_id: int, event: Event) -> Sighting | None:
    """None: the event is kept out of profiles. Raises `Unreadable`."""
    switches = event.integrations
    if isinstance(switches, dict) and switches.get(PERSONAS) is False:
        return None
    context = event.context if isinstance(event.context, dict) else {}
    properties = event.properties if isinstance(event.properties, dict) else {}
    traits = event.traits if isinstance(event.traits, dict) and event.type == "identify" else {}
    name = ""
    if event.type == "track":
        name = event.name or ""
    elif event.type in _VIEWS:
        name, called = _VIEWS[event.type]
        properties = {**properties, called: event.page_name}
    before = event.previous_id if event.type == "alias" else None
    return Sighting(
        event_id,
        source_id,
        event.timestamp,
        identifiers(
            event.user_id,
            event.anonymous_id if before is None else before,
            _addresses(event, traits, context, properties),
            context.get("externalIds"),
        ),
        name,
        _encode(properties) if name else b"{}",
        _encode({key: value for key, value in context.items() if key not in _PRIVATE}) if name else b"{}",
        dict(list(traits.items())[:MOST_TRAITS]),
    )


def _addresses(
    event: Event, traits: dict[str, Any], context: dict[str, Any], properties: dict[str, Any]
) -> list[Any]:
    """Where an event may say its person's address, in an order's own order (spec/order.py)."""
    if event.type not in ("track", "identify"):
        return [Keys(context.get("traits")).find("email")]
    places = (properties, context.get("traits"), traits)
    found = [*(Keys(place).find("email") for place in places if place), event.email]
    return list(dict.fromkeys(each for each in found if isinstance(each, str)))
