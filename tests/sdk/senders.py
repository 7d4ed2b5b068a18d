"""Each way in which a shop can send an order, under one name: `await SENDERS[name].send(tool, url, order)`.

A sender uses its SDK as the SDK's own documentation says, adds nothing to the order, and returns when the
SDK holds it for delivered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import rudderstack.analytics
import segment.analytics

from support import WRITE_KEY, until

from . import browser, curl
from .node import Node, ordered
from .threads import in_thread

Order = dict[str, Any]
JSON = "content-type: application/json"


class Sender(NamedTuple):
    """`needs` is the fixture that gives `tool`, the program that sends; empty: this process does."""

    send: Callable[[str, str, Order], Awaitable[None]]
    needs: str = ""


def segment_python(**options: Any) -> Sender:
    def send(url: str, order: Order) -> None:
        failures: list[Exception] = []
        client = segment.analytics.Client(
            WRITE_KEY, host=url, on_error=lambda error, _: failures.append(error), **options
        )
        client.track("u1", "Order Completed", order)
        if not options.get("sync_mode"):
            client.shutdown()
        assert not failures

    return Sender(lambda _, url, order: in_thread(send, url, order))


def rudder_python() -> Sender:
    def send(url: str, order: Order) -> None:
        sdk = rudderstack.analytics
        failures: list[Exception] = []
        sdk.write_key, sdk.dataPlaneUrl, sdk.default_client = WRITE_KEY, url, None
        sdk.on_error = lambda error, _: failures.append(error)
        sdk.track("u1", "Order Completed", order)
        sdk.shutdown()
        assert not failures

    return Sender(lambda _, url, order: in_thread(send, url, order))


def analytics_node() -> Sender:
    def send(node: str, url: str, order: Order) -> None:
        with Node(node, url, ordered(order)) as sdk:
            sdk.wait()
            assert sdk.happened("response") == [{"status": 200}]
            assert len(sdk.happened("delivered")) == 1
            assert not sdk.happened("error")

    return Sender(lambda node, url, order: in_thread(send, node, url, order), "node")


def analytics_js(options: dict[str, Any] | None = None, path: str = "/v1/t") -> Sender:
    async def send(chromium: str, url: str, order: Order) -> None:
        async with browser.shopping(chromium) as shop:
            await shop.load(url, options)
            await shop.order(order)
            await until(lambda: shop.complaints or shop.answered("OPTIONS", "POST"))
            assert not shop.complaints
            assert sorted(shop.requests) == sorted(
                [
                    ("GET", f"{shop.origin}/", 200),
                    ("GET", f"{shop.origin}/analytics.js", 200),
                    ("GET", f"{url}/v1/projects/{WRITE_KEY}/settings", 200),
                    ("OPTIONS", url + path, 204),
                    ("POST", url + path, 200),
                ]
            )
            assert not shop.complaints
            assert not await shop.failures()

    return Sender(send, "chromium")


def batching(**config: Any) -> dict[str, Any]:
    """Options of analytics.js that make it collect events and send them together."""
    strategy = {"strategy": "batching", "config": config}
    return {"integrations": {"Segment.io": {"deliveryStrategy": strategy}}}


def with_curl(*headers: str, packed: bool = False) -> Sender:
    options = [word for header in headers for word in ("--header", header)]

    async def send(program: str, url: str, order: Order) -> None:
        answer = await in_thread(curl.post, program, url, order, *options, packed=packed)
        assert answer == (200, {"success": True})

    return Sender(send, "curl")


SENDERS = {
    "segment-python": segment_python(),
    "segment-python sync": segment_python(sync_mode=True),
    "segment-python gzip": segment_python(gzip=True),
    "rudder-python": rudder_python(),
    "analytics-node": analytics_node(),
    "analytics.js": analytics_js(),
    "analytics.js batching": analytics_js(batching(timeout=100), "/v1/b"),
    "curl": with_curl(JSON),
    "curl text/plain": with_curl("content-type: text/plain"),
    "curl gzip": with_curl(JSON, packed=True),
}
