"""The Python SDKs when Plaudit says no: they tell the shop why, in Plaudit's words, and do not try again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import rudderstack.analytics
import segment.analytics
from segment.analytics.consumer import MAX_MSG_SIZE
from segment.analytics.request import APIError

from conftest import Processes
from support import WRITE_KEY, until

from .outcome import invited_once, listed, refusals
from .threads import in_thread

Client = Callable[..., Any]
UNKNOWN = "unknown write key: compare it with the source's key in Plaudit's configuration"
CLIENTS = pytest.mark.parametrize(
    "client", [segment.analytics.Client, rudderstack.analytics.Client], ids=["segment", "rudder"]
)


def padded(order: dict[str, Any], size: int) -> dict[str, Any]:
    """The order made so long that its whole event, as segment-python writes it, has this size in bytes."""
    _, event = segment.analytics.Client(WRITE_KEY, send=False).track(
        "u1", "Order Completed", {**order, "note": ""}
    )
    return {**order, "note": "x" * (size - len(json.dumps(event)))}


async def failures(client: Client, url: str, *orders: dict[str, Any], key: str = WRITE_KEY) -> list[Any]:
    """What `on_error` is given, as (error, batch), when these orders are sent; several go as one batch."""
    found: list[Any] = []
    sdk = client(
        key,
        host=url,
        on_error=lambda error, batch: found.append((error, batch)),
        upload_interval=0.5 if len(orders) > 1 else 0.05,
        max_retries=2,  # if one is tried again at all, that is to be told soon
    )
    for order in orders:
        sdk.track("u1", "Order Completed", order)
    await in_thread(sdk.shutdown)
    return found


@CLIENTS
async def test_an_unknown_write_key(processes: Processes, order: dict[str, Any], client: Client) -> None:
    before = refusals(processes, "unknown_source")
    ((error, _),) = await failures(client, processes.url, order, key="someOtherKey")
    assert (error.status, error.code, error.message) == (401, "unknown_source", UNKNOWN)
    assert refusals(processes, "unknown_source") == before + 1
    assert not listed("events", processes, "--order", order["order_id"])


def test_an_unknown_write_key_in_sync_mode(processes: Processes, order: dict[str, Any]) -> None:
    client = segment.analytics.Client("someOtherKey", host=processes.url, sync_mode=True)
    with pytest.raises(APIError, match="unknown write key"):
        client.track("u1", "Order Completed", order)


async def test_segments_own_limit_is_plaudits(processes: Processes, order: dict[str, Any]) -> None:
    """The longest event that the SDK takes is accepted; one byte more, and it never leaves the SDK."""
    with pytest.raises(RuntimeError, match="exceeds"):
        await failures(segment.analytics.Client, processes.url, padded(order, MAX_MSG_SIZE + 1))
    assert not await failures(segment.analytics.Client, processes.url, padded(order, MAX_MSG_SIZE))
    await invited_once(processes, order["order_id"])


async def test_the_largest_batch_that_segments_sdk_makes(processes: Processes, order: dict[str, Any]) -> None:
    """It closes a batch at 475,000 bytes, after the event that reaches them: here the fifteenth."""
    ids = [f"{order['order_id']}-{number:02}" for number in range(15)]
    orders = [padded({**order, "order_id": id_}, MAX_MSG_SIZE) for id_ in ids]
    assert not await failures(segment.analytics.Client, processes.url, *orders)

    def invited() -> bool:
        found = listed("invitations", processes, "--state", "accepted")
        return sorted(i["order_id"] for i in found if i["order_id"] in ids) == ids

    await until(invited)


async def test_an_event_too_large_for_plaudit(processes: Processes, order: dict[str, Any]) -> None:
    """rudder-sdk-python lets 4 MB pass: Plaudit says that it is too much, and keeps the event's disposition."""
    before = refusals(processes, "event_too_large")
    ((error, (sent,)),) = await failures(rudderstack.analytics.Client, processes.url, padded(order, 40_000))
    assert (error.status, error.code) == (413, "event_too_large")
    assert "32,768 are allowed" in error.message
    assert refusals(processes, "event_too_large") == before + 1

    def kept() -> list[Any]:
        found = listed("events", processes, "--disposition", "event_too_large")
        return [e for e in found if e["message_id"] == sent["messageId"]]

    (event,) = await until(kept)
    assert event["type"] == "track"
    assert "32,768 are allowed" in event["message"]


async def test_an_event_too_large_takes_no_other_with_it(processes: Processes, order: dict[str, Any]) -> None:
    large = padded({**order, "order_id": "large"}, 40_000)
    assert not await failures(rudderstack.analytics.Client, processes.url, large, order)
    await invited_once(processes, order["order_id"])
    assert not processes.sandbox_invitations("large")
