"""The page's own example call, sent by each SDK as it is, makes exactly one invitation with the right fields."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from conftest import Processes

from .outcome import invited_once
from .senders import SENDERS, Sender

Tool = Callable[[Sender], str]


@pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS.keys())
async def test_one_order(processes: Processes, tool: Tool, sender: Sender, order: dict[str, Any]) -> None:
    await sender.send(tool(sender), processes.url, order)
    outcome = await invited_once(processes, order["order_id"])
    assert outcome.received["products"] == []
    assert (outcome.invitation["state"], outcome.invitation["attempts"]) == ("accepted", 1)
    assert (outcome.events[0]["source"], outcome.events[0]["event"]) == ("shop", "Order Completed")


@pytest.mark.parametrize("name", ["segment-python", "analytics-node", "analytics.js", "curl"])
async def test_products_when_they_are_asked_for(
    processes: Processes, tool: Tool, name: str, order: dict[str, Any], asking_for_products: None
) -> None:
    sender = SENDERS[name]
    await sender.send(tool(sender), processes.url, order)
    outcome = await invited_once(processes, order["order_id"], posts=2)
    monopoly, uno = order["products"]
    assert outcome.received["products"] == [
        {
            "name": "Monopoly: 3rd Edition",
            "sku": "45790-32",
            "productUrl": monopoly["url"],
            "imageUrl": monopoly["image_url"],
            "price": 19,
            "currency": "USD",
            "categories": ["Games"],
        },
        {"name": uno["name"], "sku": "46493-32", "price": 3, "currency": "USD", "categories": ["Games"]},
    ]


async def test_the_same_order_from_all_of_them_at_once(
    processes: Processes, tool: Tool, order: dict[str, Any]
) -> None:
    tools = {name: tool(sender) for name, sender in SENDERS.items()}
    await asyncio.gather(*(s.send(tools[name], processes.url, order) for name, s in SENDERS.items()))
    outcome = await invited_once(processes, order["order_id"], events=len(SENDERS))
    losers = [e for e in outcome.events if e["disposition"] == "duplicate_order"]
    assert len(losers) == len(SENDERS) - 1
    assert all(str(outcome.invitation["id"]) in e["message"] for e in losers)
