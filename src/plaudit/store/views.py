"""What people look at: invitations, attempts, events with their dispositions. Times are ms since 1970 UTC."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypedDict

import msgspec

from plaudit.destinations.base import Fault
from plaudit.spec import dispositions
from plaudit.spec.order import Order
from plaudit.store.access import ApiToken, Person, Role

MINUTE_MS = 60_000  # how exactly it is known when a token was used


class EventSelection(TypedDict, total=False):
    """Conditions on events; each counts when it is given. `disposition`: any of these, as a whole or at a destination.

    `orders`: those that name an order.
    """

    source: str | None
    disposition: str | Collection[str] | None
    order_id: str | None
    orders: bool


def bound_events(selection: EventSelection) -> dict[str, Any]:
    """As queries take it, with a None for what is not given; `codes`: the dispositions."""
    code = selection.get("disposition")
    return {
        "source": selection.get("source"),
        "order_id": selection.get("order_id"),
        "orders": selection.get("orders", False),
        "codes": None if code is None else [code] if isinstance(code, str) else sorted(code),
    }


class InvitationView(msgspec.Struct):
    """A row of the ledger, as people see it. `order` is None for what is no invitation, or of whom we forgot.

    `call`, the event that is passed on, is there when one delivery is asked for.
    """

    id: int
    destination: str
    what: str
    order_id: str
    source: str | None
    state: str
    reason: str | None
    message: str | None
    attempts: int
    created_at: int
    due_at: int
    updated_at: int
    order: Order | None
    call: str | None = None


class AttemptView(msgspec.Struct):
    number: int
    started_at: int
    finished_at: int
    outcome: str
    reason: str
    message: str
    status: int
    fault: str = Fault.VENDOR
    exchanges: str | None = None  # destinations/exchange.py; None: none was kept, or it aged out


class DispositionView(msgspec.Struct):
    destination: str
    disposition: str
    message: str
    invitation: int | None = None


class EventView(msgspec.Struct):
    """An event with what became of it, as people see it."""

    id: int
    source: str | None
    message_id: str
    type: str
    event: str | None
    received_at: int
    timestamp: int
    order_id: str | None
    disposition: str
    message: str
    destinations: list[DispositionView]


def counts(rows: Iterable[Any]) -> dict[str, dict[str, int]]:
    """Rows of (destination, state, count) by destination and state."""
    found: dict[str, dict[str, int]] = {}
    for destination, state, count in rows:
        found.setdefault(destination, {})[state] = count
    return found


def event_views(rows: Iterable[Any], routes: Iterable[Any]) -> list[EventView]:
    """Events with what became of them at each destination; both as their queries in read.sql give them."""
    by_event: dict[int, list[DispositionView]] = {}
    for event_id, destination, code, detail, invitation in routes:
        sentence = detail or dispositions.sentence(code, invitation)
        by_event.setdefault(event_id, []).append(DispositionView(destination, code, sentence, invitation))
    return [_event_view(row, by_event.get(row[0], [])) for row in rows]


def _event_view(row: Any, routes: list[DispositionView]) -> EventView:
    *fields, disposition, detail = row
    if routes:
        disposition = dispositions.summary([route.disposition for route in routes])
        detail = next(route.message for route in routes if route.disposition == disposition)
    said = detail or dispositions.sentence(disposition)
    return EventView(*[*fields, disposition, said, routes])


def person(row: Any) -> Person:
    """As access.sql gives one."""
    id_, name, role, created_at = row
    return Person(id_, name, Role(role), created_at)


def api_token(row: Any) -> ApiToken:
    """As access.sql gives one."""
    id_, name, role, created_at, used_at = row
    return ApiToken(id_, name, Role(role), created_at, used_at)


def sealed_about(hash_: bytes) -> str:
    """What a kept reply is bound to."""
    return f"reply to {hash_.hex()}"
