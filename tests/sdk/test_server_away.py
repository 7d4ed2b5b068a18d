"""Plaudit is down when the order comes: the SDK keeps it, tries again, and one invitation is made."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import rudderstack.analytics
import segment.analytics

from conftest import Processes
from support import WRITE_KEY, until

from .browser import shopping
from .conftest import Late
from .node import Node, ordered
from .outcome import invited_once
from .threads import in_thread


@pytest.mark.parametrize(
    ("client", "log", "words"),
    [
        (segment.analytics.Client, "segment", "Network error retry"),
        (rudderstack.analytics.Client, "backoff", "Backing off"),
    ],
    ids=["segment", "rudder"],
)
async def test_python(
    late: Late,
    order: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    client: Callable[..., Any],
    log: str,
    words: str,
) -> None:
    caplog.set_level(logging.DEBUG, log)
    failures: list[Exception] = []
    url = late.where.url
    sdk = client(WRITE_KEY, host=url, on_error=lambda error, _: failures.append(error), upload_interval=0.05)
    sdk.track("u1", "Order Completed", order)
    await until(lambda: words in caplog.text)
    late.start()
    await in_thread(sdk.shutdown)
    assert not failures
    await invited_once(late.where, order["order_id"])


async def test_node(late: Late, node: str, order: dict[str, Any]) -> None:
    with Node(node, late.where.url, ordered(order)) as sdk:
        await until(lambda: len(sdk.happened("request")) > 1)
        late.start()
        await in_thread(sdk.wait)
        assert sdk.happened("response") == [{"status": 200}]
        assert not sdk.happened("error")
    await invited_once(late.where, order["order_id"])


async def test_browser(late: Late, chromium: str, order: dict[str, Any]) -> None:
    late.start()
    async with shopping(chromium) as shop:
        await shop.load(late.where.url)
        await shop.call("page")
        late.kill()
        await shop.order(order)
        await until(lambda: any("ERR_CONNECTION_REFUSED" in c for c in shop.complaints))
        late.start()
        await invited_once(late.where, order["order_id"])
        assert not await shop.failures()


async def test_browser_offline(processes: Processes, chromium: str, order: dict[str, Any]) -> None:
    """An order made without a network, in a page that is then left, is sent when the shop is next opened."""
    async with shopping(chromium) as shop:
        await shop.load(processes.url)
        await shop.call("page")
        await shop.page.context.set_offline(True)
        await shop.order(order)
        await shop.page.goto("about:blank")
        await shop.page.context.set_offline(False)
        assert not processes.sandbox_invitations(order["order_id"])
        await shop.load(processes.url)
        await invited_once(processes, order["order_id"])
