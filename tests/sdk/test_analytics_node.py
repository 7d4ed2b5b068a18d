"""`@segment/analytics-node`: batches, and what it does when Plaudit says no."""

from __future__ import annotations

from typing import Any

from conftest import Processes
from support import until

from .node import Node, ordered
from .outcome import listed, refusals


def test_an_unknown_write_key(processes: Processes, node: str, order: dict[str, Any]) -> None:
    with Node(node, processes.url, ordered(order), writeKey="someOtherKey") as sdk:
        sdk.wait()
        assert sdk.happened("error") == [{"code": "delivery_failure", "reason": "[401] Unauthorized"}]
        assert len(sdk.happened("request")) == 1


def test_an_event_too_large(processes: Processes, node: str, order: dict[str, Any]) -> None:
    """The SDK's own check of 32 KB counts wrongly (3.1.0), so the event leaves it; 413 ends the matter."""
    before = refusals(processes, "event_too_large")
    with Node(node, processes.url, ordered({**order, "note": "x" * 40_000})) as sdk:
        sdk.wait()
        assert sdk.happened("error") == [
            {"code": "delivery_failure", "reason": "[413] Request Entity Too Large"}
        ]
        assert len(sdk.happened("request")) == 1
    assert refusals(processes, "event_too_large") == before + 1


async def test_forty_orders(processes: Processes, node: str, order: dict[str, Any]) -> None:
    ids = [f"{order['order_id']}-{number:02}" for number in range(40)]
    with Node(node, processes.url, *(ordered({**order, "order_id": id_}) for id_ in ids)) as sdk:
        sdk.wait()
        assert sdk.happened("response") == [{"status": 200}] * 3
        assert len(sdk.happened("delivered")) == 40

    def invited() -> bool:
        found = listed("invitations", processes, "--state", "accepted")
        return sorted(i["order_id"] for i in found if i["order_id"] in ids) == ids

    await until(invited)
