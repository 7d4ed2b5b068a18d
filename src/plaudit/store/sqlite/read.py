"""What people look at: invitations, attempts, events with their dispositions."""

from __future__ import annotations

import apsw
import msgspec

from plaudit.destinations.base import ATTENTION
from plaudit.queries import load
from plaudit.spec.order import Order
from plaudit.sqlite import rows, savepoint
from plaudit.store.decisions import Selection, bound
from plaudit.store.views import AttemptView, EventView, InvitationView, counts, event_views

SQL = load("plaudit.store", "sql", "sqlite", "read.sql")
_decode_order = msgspec.json.Decoder(Order).decode


def invitations(connection: apsw.Connection, selection: Selection, limit: int) -> list[InvitationView]:
    """By the index that fits the selection best."""
    if selection.get("order_id") is not None:
        query = "invitations_of_order"
    elif selection.get("email") is not None:
        query = "invitations_of_recipient"
    elif selection.get("state") in ATTENTION:
        query = "invitations_in_attention"
    else:
        query = "invitations"
    given = bound(selection) | {"limit": limit or -1}
    return [
        InvitationView(*[*row, _decode_order(payload) if payload is not None else None])
        for *row, payload in rows(connection, SQL[query], given)
    ]


def attempts(connection: apsw.Connection, delivery_id: int) -> list[AttemptView]:
    return [AttemptView(*row) for row in rows(connection, SQL["attempts"], (delivery_id,))]


def states(connection: apsw.Connection) -> dict[str, dict[str, int]]:
    return counts(rows(connection, SQL["states"]))


def attention(connection: apsw.Connection) -> dict[str, dict[str, int]]:
    return counts(rows(connection, SQL["attention"]))


def events(
    connection: apsw.Connection, source: str | None, disposition: str | None, order_id: str | None, limit: int
) -> list[EventView]:
    given = {"source": source, "disposition": disposition, "order_id": order_id, "limit": limit or -1}
    with savepoint(connection):
        found = list(rows(connection, SQL["events"], given))
        ids = msgspec.json.encode([row[0] for row in found]).decode()
        return event_views(found, rows(connection, SQL["dispositions"], (ids,)))
