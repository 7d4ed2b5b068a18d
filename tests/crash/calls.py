"""The calls of a busy day, by chance but repeatable: singles and batches, with the duplicates that happen.

Some orders come once more under another message id (a customer reloads the page), some requests are sent
again as they were (an SDK whose connection broke), some of those never are (a phone that went dark).
"""

from __future__ import annotations

import json
from base64 import b64encode
from random import Random
from typing import Any

from support import WRITE_KEY

from .sdk import Call

LARGEST_BATCH = 50
SINGLES = 0.5  # of the orders
AGAIN = 0.05  # of the orders come under another message id too
BREAKS = 0.03  # of the requests are sent on a connection that breaks
GIVES_UP = 0.2  # of those
_AUTHORIZATION = b64encode(f"{WRITE_KEY}:".encode()).decode()


def day(orders: int, chance: Random) -> list[Call]:
    """Calls for so many orders, `order-1` and so on, and some of these twice."""
    ids = [f"order-{number}" for number in range(1, orders + 1)]
    events = [_event(order, f"m-{order}") for order in ids]
    for order in chance.sample(ids, round(orders * AGAIN)):
        again = _event(order, f"again-{order}")
        events.insert(chance.randrange(len(events)), again)
    calls = []
    while events:
        size = 1 if chance.random() < _single_rate() else chance.randint(2, LARGEST_BATCH)
        taken, events = events[-size:], events[:-size]
        calls.append(_call(taken, chance))
    return calls


def _single_rate() -> float:
    """How many of the requests are singles, so that `SINGLES` of the orders come that way."""
    mean = (2 + LARGEST_BATCH) / 2
    return SINGLES * mean / (SINGLES * mean + 1 - SINGLES)


def _event(order: str, message_id: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": message_id,
        "userId": f"user of {order}",
        "properties": {
            "order_id": order,
            "email": f"{order}@example.com",
            "name": "Ada",
            "surname": "Lovelace",
            "total": 27.5,
            "currency": "EUR",
            "products": [{"sku": "45790-32", "name": "Monopoly: 3rd Edition", "price": 19}],
        },
    }


def _call(events: list[dict[str, Any]], chance: Random) -> Call:
    path, content = ("track", events[0]) if len(events) == 1 else ("batch", {"batch": events})
    breaks = chance.random() < BREAKS
    return Call(
        posted(path, json.dumps(content).encode()),
        frozenset(event["properties"]["order_id"] for event in events),
        breaks=breaks,
        gives_up=breaks and chance.random() < GIVES_UP,
    )


def posted(path: str, body: bytes, authorization: str = _AUTHORIZATION) -> bytes:
    """The whole request."""
    head = (
        f"POST /v1/{path} HTTP/1.1\r\nhost: plaudit\r\nauthorization: Basic {authorization}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
