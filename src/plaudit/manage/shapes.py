"""What people and programs see of the store's rows: times as ISO 8601, and customers masked unless it is asked for."""

from __future__ import annotations

import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import What
from plaudit.destinations.exchange import Exchange, read
from plaudit.manage.masking import mask, mask_email, masked_json, masked_order
from plaudit.spec.order import Order
from plaudit.store.decisions import Decided, DecidedView
from plaudit.store.views import AttemptView, DispositionView, EventView, InvitationView


class Attempt(msgspec.Struct):
    """`exchanges`: each request with its answer; none when nothing left, or when they aged out as events do."""

    attempt: int
    started_at: str
    finished_at: str
    outcome: str
    reason: str
    message: str
    status: int
    exchanges: list[Exchange]


class Invitation(msgspec.Struct):
    """A row of the ledger. `email` and `name` are masked, unless they were asked for."""

    id: int
    what: str
    destination: str
    order_id: str
    source: str | None
    state: str
    reason: str | None
    message: str | None
    attempts: int
    email: str | None
    name: str | None
    forgotten: bool
    created_at: str
    due_at: str
    updated_at: str


class Decision(msgspec.Struct):
    """What a person decided about an invitation. `was`: its state before; `undoable`: nothing has happened to it since."""

    decision: int
    action: Decided
    at: str
    was: str
    undone_at: str | None
    undoable: bool


class Event(msgspec.Struct):
    """An event with what became of it."""

    id: int
    source: str | None
    type: str
    event: str | None
    message_id: str
    received_at: str
    timestamp: str
    order_id: str | None
    disposition: str
    message: str
    destinations: list[DispositionView]


def invitation(row: InvitationView, *, masked: bool) -> Invitation:
    known = row.order if row.order is not None and row.order.email else None
    return Invitation(
        id=row.id,
        what=row.what,
        destination=row.destination,
        order_id=row.order_id,
        source=row.source,
        state=row.state,
        reason=row.reason,
        message=row.message,
        attempts=row.attempts,
        email=None if known is None else mask_email(known.email) if masked else known.email,
        name=None if known is None else mask(known.name) if masked else known.name,
        forgotten=row.what == What.INVITATION and known is None,
        created_at=iso(row.created_at),
        due_at=iso(row.due_at),
        updated_at=iso(row.updated_at),
    )


def attempt(row: AttemptView, of: InvitationView, *, masked: bool) -> Attempt:
    """`of`: its delivery, as it was asked for alone."""
    exchanges = [] if row.exchanges is None else read(row.exchanges, of.id, *content(of, masked=masked))
    return Attempt(
        row.number,
        iso(row.started_at),
        iso(row.finished_at),
        row.outcome,
        row.reason,
        row.message,
        row.status,
        exchanges,
    )


def content(row: InvitationView, *, masked: bool) -> tuple[Order | None, str | None]:
    """What a delivery is about: the order that was read, and the event that is passed on."""
    if not masked:
        return row.order, row.call
    order = None if row.order is None else masked_order(row.order)
    if row.call is None:
        return order, None
    return order, msgspec.json.encode(masked_json(msgspec.json.decode(row.call))).decode()


def decision(row: DecidedView) -> Decision:
    undone_at = None if row.undone_at is None else iso(row.undone_at)
    return Decision(row.decision, row.decided, iso(row.at), row.was, undone_at, row.open)


def event(row: EventView) -> Event:
    return Event(
        id=row.id,
        source=row.source,
        type=row.type,
        event=row.event,
        message_id=row.message_id,
        received_at=iso(row.received_at),
        timestamp=iso(row.timestamp),
        order_id=row.order_id,
        disposition=row.disposition,
        message=row.message,
        destinations=row.destinations,
    )
