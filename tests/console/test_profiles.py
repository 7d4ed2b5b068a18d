"""One person in a browser, with more than a page holds, and with no address."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from plaudit.console import profiles
from plaudit.destinations.base import State
from support import WRITE_KEY, http, track, until

from .conftest import Console
from .shop import ended


async def send(console: Console, event: dict[str, object]) -> None:
    reply = await asyncio.to_thread(http, f"{console.url}/v1/{event['type']}", event, key=WRITE_KEY)
    assert reply.status == 200, reply.body


async def test_many_orders_and_events_are_leafed_through(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "ORDERS", 2)
    monkeypatch.setattr(profiles, "EVENTS", 2)
    for order_id, email in (("81", "ada@example.com"), ("82", "eve@example.com"), ("83", "ada@example.com")):
        await send(console, track({"order_id": order_id, "email": email}, userId="both"))
        await ended(console, order_id, State.ACCEPTED)
    page = await console.open("/profiles")
    await page.get_by_role("searchbox").fill("both")
    await page.keyboard.press("Enter")
    orders = page.get_by_label("One row an order").locator("td.key")
    await expect(orders).to_have_text(["83", "82"])
    await console.sound("profile-many")
    await page.get_by_role("link", name="Older").first.click()
    await expect(orders).to_have_text(["81"])
    await page.get_by_role("link", name="Newest").click()
    await page.get_by_role("link", name="Older").last.click()
    await expect(page.get_by_role("region", name="What they did").locator("li.moment")).to_have_count(1)
    await expect(orders).to_have_text(["83", "82"])
    assert re.search(r"/profiles/\d+\?events=\d+$", page.url)


async def test_why_somebody_without_an_address_cannot_be_forgotten(console: Console) -> None:
    await send(console, {"type": "identify", "userId": "nameless", "traits": {"plan": "gold"}})
    await until(console.plaudit.store.profiles.last_profile)
    page = await console.open("/profiles")
    await page.get_by_role("searchbox").fill("nameless")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("They cannot be forgotten")).to_be_visible()
    await console.sound("profile-nameless")
