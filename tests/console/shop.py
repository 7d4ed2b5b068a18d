"""What happens at a shop while a console is looked at: orders come in, and the vendor does not always take them."""

from __future__ import annotations

import asyncio
from typing import Any

from plaudit.destinations.base import State
from support import WRITE_KEY, http, track

from .conftest import Console

SECONDS = 20  # that anything here takes at most


async def order(console: Console, order_id: str, **properties: Any) -> None:
    """An Order Completed call of the customer with this number, as an SDK sends it."""
    wanted = {
        "order_id": order_id,
        "email": f"customer{order_id}@example.com",
        "name": "Ada Lovelace",
        "total": 1250.5,
        "currency": "EUR",
        "products": [{"sku": "SKU-1", "product_id": "p1", "name": "Blue cup", "price": 27.5}],
    }
    event = track(wanted | properties, userId=f"u{order_id}", context={"locale": "en-GB"})
    reply = await asyncio.to_thread(http, f"{console.url}/v1/track", event, key=WRITE_KEY)
    assert reply.status == 200, reply.body


async def faults(console: Console, *wanted: str) -> None:
    """How the sandbox answers from now on; none: well."""
    body = {"faults": list(wanted)}
    reply = await asyncio.to_thread(http, f"{console.sandbox.url}/sandbox/faults", body, method="PUT")
    assert reply.status == 200, reply.body


async def ended(console: Console, order_id: str, state: State) -> int:
    """The id of the order's invitation, as soon as it is in this state."""
    async with asyncio.timeout(SECONDS):
        while True:
            found = await console.plaudit.store.invitations(order_id=order_id, limit=1)
            if found and found[0].state == state:
                return found[0].id
            await asyncio.sleep(0.05)
