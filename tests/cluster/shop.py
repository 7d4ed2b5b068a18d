"""A shop that sends orders as an SDK does: in batches, to whichever collector answers, again until a 200."""

from __future__ import annotations

import asyncio
import itertools

from support import ORDER, WRITE_KEY, http, track

from .rig import Cluster

BATCH = 5
PACE = 0.03  # seconds between two batches


class Shop:
    """`send` until `close`; then `told` is what was answered 200."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._open = True
        self.told: set[str] = set()
        self.again = 0

    async def send(self) -> None:
        for number in itertools.count():
            if not self._open:
                return
            orders = [f"c-{number}-{index}" for index in range(BATCH)]
            await self._batch(number, orders)
            self.told |= set(orders)
            await asyncio.sleep(PACE)

    def close(self) -> None:
        self._open = False

    async def _batch(self, number: int, orders: list[str]) -> None:
        events = [
            track(
                {**ORDER, "order_id": order, "email": f"{order}@example.com"},
                messageId=f"m-{order}",
                userId=order,
            )
            for order in orders
        ]
        collectors = self._cluster.collectors
        for attempt in itertools.count():
            url = collectors[(number + attempt) % len(collectors)].url
            try:
                reply = await asyncio.to_thread(
                    http, f"{url}/v1/batch", {"batch": events}, key=WRITE_KEY, timeout=5
                )
            except OSError:
                reply = None
            if reply is not None and reply.status == 200:
                return
            assert reply is None or reply.status == 503, reply
            self.again += 1
            await asyncio.sleep(0.1)
