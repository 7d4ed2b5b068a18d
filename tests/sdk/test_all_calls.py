"""Every call of every SDK is accepted, and has a disposition that says why it makes no invitation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rudderstack.analytics
import segment.analytics

from conftest import Processes
from support import WRITE_KEY, until

from .browser import shopping
from .node import Node
from .outcome import listed
from .threads import in_thread

SERVER = ["alias", "group", "identify", "page", "screen", "track"]


async def dispositions(server: Processes, messages: list[str]) -> list[tuple[str, str]]:
    """(type, disposition) of the events with these message ids."""

    def found() -> list[dict[str, Any]] | None:
        events = [e for e in listed("events", server) if e["message_id"] in messages]
        return events if len(events) >= len(messages) else None

    return sorted((e["type"], e["disposition"]) for e in await until(found))


def expected(*types: str) -> list[tuple[str, str]]:
    codes = {"track": "NO_MATCHING_MAPPING"}
    return [(type_, codes.get(type_, "UNSUPPORTED_EVENT_TYPE")) for type_ in types]


@pytest.mark.parametrize(
    "client", [segment.analytics.Client, rudderstack.analytics.Client], ids=["segment", "rudder"]
)
async def test_python(processes: Processes, order_id: str, client: Callable[..., Any]) -> None:
    failures: list[Exception] = []
    sdk = client(
        WRITE_KEY, host=processes.url, on_error=lambda error, _: failures.append(error), upload_interval=0.05
    )
    ids = {type_: f"{order_id}-{type_}" for type_ in SERVER}
    sdk.alias("anonymous", "u1", message_id=ids["alias"])
    sdk.group("u1", "customers", {"plan": "gold"}, message_id=ids["group"])
    sdk.identify("u1", {"email": "test@example.com"}, message_id=ids["identify"])
    sdk.page("u1", "Docs", "Python", {"url": "https://shop.example.com/"}, message_id=ids["page"])
    sdk.screen(anonymous_id="a1", name="Start", message_id=ids["screen"])
    sdk.track("u1", "Signed Up", message_id=ids["track"])
    await in_thread(sdk.shutdown)
    assert not failures
    assert await dispositions(processes, list(ids.values())) == expected(*SERVER)


async def test_node(processes: Processes, node: str) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("alias", {"userId": "u1", "previousId": "anonymous"}),
        ("group", {"anonymousId": "a1", "groupId": "customers", "traits": {"plan": "gold"}}),
        ("identify", {"userId": "u1", "traits": {"email": "test@example.com"}}),
        ("page", {"userId": "u1", "name": "Start"}),
        ("screen", {"anonymousId": "a1", "name": "Start"}),
        ("track", {"userId": "u1", "event": "Signed Up"}),
    ]
    with Node(node, processes.url, *calls) as sdk:
        sdk.wait()
        messages = [each["messageId"] for each in sdk.happened("delivered")]
        assert not sdk.happened("error")
    assert await dispositions(processes, messages) == expected(*SERVER)


@pytest.mark.parametrize("strategy", ["standard", "batching"])
async def test_browser(processes: Processes, chromium: str, strategy: str) -> None:
    delivery = {"strategy": strategy, "config": {"size": 6} if strategy == "batching" else {}}
    async with shopping(chromium) as shop:
        await shop.load(processes.url, {"integrations": {"Segment.io": {"deliveryStrategy": delivery}}})
        messages = [
            await shop.call("page", "Docs", "Start"),
            await shop.call("screen", "Start"),
            await shop.call("identify", "u1", {"email": "test@example.com"}),
            await shop.call("group", "customers", {"plan": "gold"}),
            await shop.call("alias", "u2", "u1"),
            await shop.call("track", "Product Viewed", {"sku": "45790-32"}),
        ]
        assert await dispositions(processes, messages) == expected(*SERVER)
        assert not shop.complaints
        assert not await shop.failures()
