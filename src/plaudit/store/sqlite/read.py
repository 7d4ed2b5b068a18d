"""What people look at: invitations, attempts, events with their dispositions."""

from __future__ import annotations

from typing import Any

import apsw
import msgspec

from plaudit.destinations.base import ATTENTION, Outcome, State
from plaudit.queries import load
from plaudit.spec.order import Order
from plaudit.sqlite import rows, savepoint
from plaudit.store.decisions import Selection, bound
from plaudit.store.views import (
    AttemptView,
    EventSelection,
    EventView,
    InvitationView,
    bound_events,
    counts,
    event_views,
)

SQL = load("plaudit.store", "sql", "sqlite", "read.sql")
WAITING = (State.QUEUED, State.HELD)
MANY = 5000  # of those that wait, or that name an order: from then on they are found sooner among the newest of all
_decode_order = msgspec.json.Decoder(Order).decode


def invitations(
    connection: apsw.Connection, selection: Selection, limit: int, before: int | None
) -> list[InvitationView]:
    """By the index that fits the selection best."""
    given = bound(selection) | {"limit": limit or -1, "before": before}
    state = given["state"]
    if given["order_id"] is not None:
        query = "invitations_of_order"
    elif given["recipient"] is not None:
        query = "invitations_of_recipient"
    elif state in ATTENTION:
        return _in_attention(connection, given, limit)
    elif state in WAITING and connection.execute(SQL["many_waiting"], {"most": MANY}).get < MANY:
        query = "invitations_waiting"
    elif state in (State.SENDING, State.CANCELLED):
        query = f"invitations_{state}"
    elif given["reason"] not in (None, Outcome.ACCEPTED.value):
        query = "invitations_of_reason"
    elif given["since"] is not None or given["until"] is not None:
        if not connection.execute(SQL["are_there"], given).get:
            return []  # else all of that time were looked through for them
        query = "invitations_of_time"
    else:
        return _by_way(connection, given, limit)
    return [_invitation(row) for row in rows(connection, SQL[query], given)]


def _by_way(connection: apsw.Connection, given: dict[str, Any], limit: int) -> list[InvitationView]:
    """Source by source at each destination, each in the order of its index."""
    found: list[InvitationView] = []
    way = {"destination_id": -1, "source_id": -1}
    while following := next(rows(connection, SQL["next_way"], given | way), None):
        way = dict(zip(way, following, strict=True))
        if connection.execute(SQL["names"], given | way).get:
            found += [_invitation(row) for row in rows(connection, SQL["invitations_of_way"], given | way)]
    found.sort(key=lambda each: -each.id)
    return found[: limit or None]


def _in_attention(connection: apsw.Connection, given: dict[str, Any], limit: int) -> list[InvitationView]:
    """Destination by destination, each in the order of its index."""
    found: list[InvitationView] = []
    for (id_,) in connection.execute(SQL["destinations_named"], given).fetchall():
        of_one = rows(connection, SQL["invitations_in_attention"], given | {"destination_id": id_})
        found += [_invitation(row) for row in of_one]
    found.sort(key=lambda each: -each.id)
    return found[: limit or None]


def invitation(connection: apsw.Connection, id_: int) -> InvitationView | None:
    return next((_invitation(row) for row in rows(connection, SQL["invitation"], {"id": id_})), None)


def _invitation(row: Any) -> InvitationView:
    order = None if row[12] is None else _decode_order(row[12])
    return InvitationView(*[*row[:12], order, *row[13:]])


def attempts(connection: apsw.Connection, delivery_id: int) -> list[AttemptView]:
    return [AttemptView(*row) for row in rows(connection, SQL["attempts"], (delivery_id,))]


def waiting(connection: apsw.Connection, destination_id: int, most: int) -> dict[str, int]:
    return dict(rows(connection, SQL["waiting"], {"destination_id": destination_id, "most": most}))


def states(connection: apsw.Connection) -> dict[str, dict[str, int]]:
    return counts(rows(connection, SQL["states"]))


def attention(connection: apsw.Connection, what: str | None) -> dict[str, dict[str, int]]:
    return counts(rows(connection, SQL["attention"], {"what": what}))


def events(
    connection: apsw.Connection, selection: EventSelection, limit: int, before: int | None
) -> list[EventView]:
    """By the index that fits the selection best."""
    given = bound_events(selection) | {"limit": limit or -1, "before": before}
    codes = given["codes"] or []
    given["codes"] = None if given["codes"] is None else msgspec.json.encode(codes).decode()
    with savepoint(connection):
        if codes and given["source"] is None and given["order_id"] is None and not given["orders"]:
            each = [
                rows(connection, SQL["events_of_disposition"], given | {"disposition": code})
                for code in codes
            ]
            found = {row[0]: row for one in each for row in one}
            newest = [found[id_] for id_ in sorted(found, reverse=True)]
            return _views(connection, newest[: limit or None])
        query = "events" if given["order_id"] is None else "events_of_order"
        if given["orders"] and connection.execute(SQL["many_orders"], {"most": MANY}).get < MANY:
            query = "events_with_order"
        return _views(connection, list(rows(connection, SQL[query], given)))


def event(connection: apsw.Connection, id_: int) -> EventView | None:
    with savepoint(connection):
        found = _views(connection, list(rows(connection, SQL["event"], {"id": id_})))
    return found[0] if found else None


def _views(connection: apsw.Connection, found: list[Any]) -> list[EventView]:
    ids = msgspec.json.encode([row[0] for row in found]).decode()
    return event_views(found, rows(connection, SQL["dispositions"], (ids,)))
