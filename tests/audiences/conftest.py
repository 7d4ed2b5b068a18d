"""A Plaudit whose clock tests set, with a partner that hears of audiences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from plaudit.app import Options, Plaudit
from plaudit.clock import SystemClock, iso
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.sandbox.server import Server
from support import WRITE_KEY, http, until

RECENT = """
[audiences.recent]
name = "order completed last 30days"
query = "event('Order Completed').within(30 days).count() >= 1"
destinations = ["trustpilot"]
"""


class SetClock(SystemClock):
    """The real time, set forward."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead


class Shop:
    """One running Plaudit, and what its partner heard."""

    def __init__(self, plaudit: Plaudit, vendor: Server, clock: SetClock) -> None:
        self.plaudit, self.vendor, self.clock = plaudit, vendor, clock

    async def send(self, kind: str, **event: Any) -> None:
        event.setdefault("timestamp", iso(self.clock.now()))
        reply = await asyncio.to_thread(http, f"{self.plaudit.url}/v1/{kind}", event, key=WRITE_KEY)
        assert reply.status == 200, reply

    async def order(self, order_id: str, email: str, user_id: str, **event: Any) -> None:
        properties = {"order_id": order_id, "email": email, "name": "Ann", "total": 10}
        await self.send("track", event="Order Completed", userId=user_id, properties=properties, **event)

    async def apply(self, definitions: str) -> None:
        from plaudit.installation import apply

        await apply(
            self.plaudit.store, parse(text(self.vendor) + definitions, destinations()), self.clock.now()
        )

    async def heard(self, count: int, *, key: str = "order_completed_last_30days") -> list[dict[str, Any]]:
        """What the partner was told of an audience, once that many calls have come; the first first."""

        async def calls() -> list[dict[str, Any]]:
            found = (await asyncio.to_thread(http, f"{self.vendor.url}/sandbox/calls")).body
            return [call for call in reversed(found) if key in call["traits"] or key in call["properties"]]

        async def enough() -> bool:
            return len(await calls()) >= count

        await self.settled()
        await until(enough)
        found = await calls()
        assert len(found) == count, found
        return found

    async def settled(self) -> None:
        """All that was sent has gone into profiles, and nothing is under way."""
        plaudit = self.plaudit
        from plaudit.process.profiles import definitions_of

        async def quiet() -> bool:
            head, cursor = await plaudit._log.head(0), await plaudit.store.profiles.cursor(0)
            configuration = await plaudit.store.configuration()
            definitions = definitions_of(configuration, destinations())
            return cursor >= head and not await plaudit.store.profiles.todo(definitions, self.clock.now())

        await until(quiet)


def text(vendor: Server) -> str:
    return (
        f'[sources.shop]\nwrite_key = "{WRITE_KEY}"\n'
        '[destinations.trustpilot]\ntype = "trustpilot"\nsources = ["shop"]\n'
        '[destinations.trustpilot.settings]\nallow_private = true\nchannel = "partner"\n'
        f'api_key = "partnerKey1234"\nbase_url = "{vendor.url}/partner"\n'
    )


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    clock = SetClock()
    async with Server(port=0, smtp_port=0) as vendor:
        plaudit = Plaudit(Options(data=tmp_path / "data", port=0), clock)
        await plaudit.start(parse(text(vendor), destinations()))
        yield Shop(plaudit, vendor, clock)
        await plaudit.stop()
