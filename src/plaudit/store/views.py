"""What people look at: invitations, attempts, events with their dispositions. Times are ms since 1970 UTC."""

from __future__ import annotations

import msgspec

from plaudit.destinations.base import Fault
from plaudit.spec.order import Order


class InvitationView(msgspec.Struct):
    """A row of the ledger, as people see it. `order` is None for what is no invitation, or of whom we forgot."""

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


class AttemptView(msgspec.Struct):
    number: int
    started_at: int
    finished_at: int
    outcome: str
    reason: str
    message: str
    status: int
    fault: str = Fault.VENDOR


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
