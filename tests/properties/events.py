"""Strategies for events that are right but for one thing, and for the batches that they come in."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from support import ORDER

from .junk import Pairs, values

EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m-1",
    "userId": "u1",
    "anonymousId": "a1",
    "groupId": "g1",
    "previousId": "p1",
    "timestamp": "2026-11-23T18:40:00.000Z",
    "originalTimestamp": "2026-11-23T18:40:00.000Z",
    "sentAt": "2026-11-23T18:40:01.000Z",
    "writeKey": "testWriteKey",
    "email": "root@example.com",
    "traits": {"email": "traits@example.com"},
    "context": {
        "locale": "en-GB",
        "page": {"url": "https://shop.example.com/thanks"},
        "traits": {
            "email": "context@example.com",
            "name": "Ada",
            "first_name": "Ada",
            "last_name": "Lovelace",
        },
    },
    "integrations": {"All": True, "Trustpilot": True},
    "properties": ORDER,
}
PLACES: list[tuple[Any, ...]] = [
    *((key,) for key in EVENT),
    *(("properties", key) for key in ORDER),
    *(("properties", "products", 0, key) for key in ORDER["products"][0]),
    *(("context", key) for key in EVENT["context"]),
    *(("context", "traits", key) for key in EVENT["context"]["traits"]),
    ("context", "page", "url"),
    ("integrations", "All"),
    ("integrations", "Trustpilot"),
    ("traits", "email"),
    ("properties", "products", 0),
]


def changed(place: tuple[Any, ...], value: Any, *, again: bool = False) -> Any:
    """The event with another value in one place; `again`: the key comes twice, the right value first."""
    event = copy.deepcopy(EVENT)
    *path, last = place
    inside = event
    for step in path:
        inside = inside[step]
    if again and len(place) == 1:
        return Pairs([*event.items(), (last, value)])
    inside[last] = value
    return event


@st.composite
def almost_right(draw: st.DrawFn) -> Any:
    """A completed order with one field replaced by any value, taken out, or given twice."""
    place = draw(st.sampled_from(PLACES))
    if draw(st.integers(0, 9)) == 0:
        event = changed(place, None)
        if len(place) == 1:
            del event[place[0]]
        return event
    return changed(place, draw(values), again=draw(st.booleans()))
