"""Rows for the store's suite."""

from __future__ import annotations

from typing import Any

from plaudit.destinations.base import Draft, Outcome, State, What
from plaudit.spec import dispositions
from plaudit.spec.envelope import event_id
from plaudit.spec.order import Order, Product
from plaudit.store.base import Claimed, EventRow, Route, Settled, Wanted

SETTINGS = {"api_key": "secretIntegrationKey", "channel": "integration_key"}


def wanted(**changes: Any) -> Wanted:
    """Two sources, two destinations; the second destination takes from the second source only."""
    given: dict[str, Any] = {
        "sources": {"shop": "shopWriteKey", "app": "appWriteKey"},
        "destinations": {
            "trustpilot": ("trustpilot", SETTINGS, ["shop", "app"]),
            "second": ("trustpilot", SETTINGS, ["app"]),
        },
    }
    return Wanted(**(given | changes))


def order(number: int | str = 1) -> Order:
    return Order(
        order_id=str(number),
        email=f"customer{number}@example.com",
        name="Zoë Ünal",
        total=27.5,
        currency="EUR",
        products=[Product(sku="a", name="Thing", price=1.5)],
    )


def draft(its: Order, **changes: Any) -> Draft:
    given: dict[str, Any] = {"what": What.INVITATION, "key": its.order_id, "order": its}
    return Draft(**(given | changes))


def event(
    position: int,
    index: int = 0,
    *,
    message_id: str | None = None,
    orders: dict[int, Order] | None = None,
    codes: dict[int, str] | None = None,
    source_id: int = 1,
    disposition: str | None = None,
    refused: bool = False,
    received_at: int = 1000,
) -> EventRow:
    """An event at a place in the log, with an order or a code for each destination id."""
    routes = [Route(id_, dispositions.INVITED, None, draft(its)) for id_, its in (orders or {}).items()]
    routes += [Route(id_, code) for id_, code in (codes or {}).items()]
    name = event_id(0, position, index)
    ids = [its.order_id for its in (orders or {}).values()]
    return EventRow(
        name,
        source_id,
        message_id or f"m{name}",
        "track",
        "Order Completed",
        received_at,
        900,
        ids[0] if ids else None,
        disposition,
        None,
        refused,
        routes,
    )


def ended(claimed: Claimed, outcome: Outcome, state: State, *, due_at: int = 0, status: int = 201) -> Settled:
    return Settled(
        claimed.id, claimed.attempt, 2000, 2050, outcome, "reason", "message", status, state, due_at
    )
