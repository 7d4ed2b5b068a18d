"""analytics.js in a shop's page: batches, leaving the page, and what the shop sees when Plaudit says no."""

from __future__ import annotations

from typing import Any

from conftest import Processes
from support import until

from .browser import shopping
from .outcome import invited_once, listed
from .senders import batching


async def test_a_full_batch_is_one_request(
    processes: Processes, chromium: str, order: dict[str, Any]
) -> None:
    orders = [{**order, "order_id": f"{order['order_id']}-{number}"} for number in range(3)]
    async with shopping(chromium) as shop:
        await shop.load(processes.url, batching(size=3))
        for each in orders:
            await shop.order(each)
        await until(lambda: ("POST", f"{processes.url}/v1/b", 200) in shop.requests)
        assert [r.method for r in shop.requests].count("POST") == 1
        assert not shop.complaints
    await until(lambda: all(processes.sandbox_invitations(each["order_id"]) for each in orders))


async def test_leaving_the_page_sends_the_batch(
    processes: Processes, chromium: str, order: dict[str, Any]
) -> None:
    async with shopping(chromium) as shop:
        await shop.load(processes.url, batching(timeout=60_000))
        await shop.order(order)
        assert "POST" not in [r.method for r in shop.requests]
        await shop.page.goto("about:blank")
        await invited_once(processes, order["order_id"])


async def test_an_unknown_write_key(processes: Processes, chromium: str) -> None:
    """The shop's developer reads Plaudit's own words on the console, and nothing is sent."""
    async with shopping(chromium) as shop:
        await shop.load(processes.url, key="someOtherKey")
        await until(lambda: any("unknown write key: no source has it" in c for c in shop.complaints))
        await until(shop.answered)
        settings = f"{processes.url}/v1/projects/someOtherKey/settings"
        assert shop.requests[2:] == [("GET", settings, 404)]


async def test_an_event_too_large(processes: Processes, chromium: str, order: dict[str, Any]) -> None:
    """The SDK tells the page and does not try again; Plaudit keeps the event's disposition."""
    async with shopping(chromium) as shop:
        await shop.load(processes.url)
        message = await shop.order({**order, "note": "x" * 40_000})
        assert await shop.failures() == [{"code": "delivery_failure", "reason": "Non-retryable error: 413"}]
        await until(shop.answered)
        assert [r.status for r in shop.requests if r.method == "POST"] == [413]

    def kept() -> list[Any]:
        found = listed("events", processes, "--disposition", "event_too_large")
        return [e for e in found if e["message_id"] == message]

    (event,) = await until(kept)
    assert "32,768 are allowed" in event["message"]
