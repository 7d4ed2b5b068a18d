"""One batch of events in one transaction: events, invitations, dispositions, cursor.

The two unique indexes decide: a known message id makes a duplicate event, a known order a duplicate order.
Statements run over whole batches; only the rare duplicates are looked at one by one.
"""

from __future__ import annotations

from collections import Counter

import apsw
import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import State
from plaudit.errors import LostRaceError
from plaudit.queries import load
from plaudit.spec import dispositions
from plaudit.sqlite import rows
from plaudit.store.base import READER, Committed, EventRow

SQL = load("plaudit.store", "sql", "sqlite", "process.sql")
_encode = msgspec.json.Encoder().encode
PRUNE_ROWS = 1000


def cursor(connection: apsw.Connection, partition: int) -> int:
    return connection.execute(SQL["cursor"], (READER, partition)).get or 0


def commit(
    connection: apsw.Connection, partition: int, before: int, after: int, events: list[EventRow], now: int
) -> Committed:
    connection.execute(SQL["start_cursor"], (READER, partition))
    connection.execute(SQL["move_cursor"], (after, READER, partition, before))
    if connection.changes() != 1:
        raise LostRaceError(f"partition {partition} is not at {before}: another process works on it")
    fresh = _put_events(connection, events)
    counts: Counter[str] = Counter()
    for event in events:
        if event.id not in fresh:
            counts[
                event.disposition if event.refused and event.disposition else dispositions.DUPLICATE_MESSAGE
            ] += 1
        elif event.disposition:
            counts[event.disposition] += 1
    invited = _put_routes(connection, [e for e in events if e.id in fresh and e.routes], now, counts)
    return Committed(dict(counts), dict(invited))


def _put_events(connection: apsw.Connection, events: list[EventRow]) -> set[int]:
    """Put them all; the ids of those that are the first with their message id."""
    given = [event[:10] for event in events if not event.refused]
    fresh = {id_ for (id_,) in connection.executemany(SQL["put_event"], given)}
    others = [event for event in events if event.id not in fresh]
    for event in others:
        row = event[:10]
        if not event.refused:
            first = connection.execute(SQL["first_event"], (event.source_id, event.message_id)).get
            row = (
                *event[:8],
                dispositions.DUPLICATE_MESSAGE,
                f"the same event came before as event {first} (same messageId)",
            )
        connection.execute(SQL["put_other_event"], row)
    return fresh


def _put_routes(
    connection: apsw.Connection, events: list[EventRow], now: int, counts: Counter[str]
) -> Counter[int]:
    orders = [
        (
            r.destination_id,
            r.order.order_id,
            e.source_id,
            e.id,
            _encode(r.order),
            State.QUEUED.value,
            now,
            now,
            now,
        )
        for e in events
        for r in e.routes
        if r.order is not None
    ]
    made: dict[tuple[int, int], int] = {}
    invited: Counter[int] = Counter()
    if orders:
        for id_, destination_id, event_id in connection.executemany(SQL["put_invitation"], orders):
            made[destination_id, event_id] = id_
            invited[destination_id] += 1
    routed = []
    for event in events:
        for route in event.routes:
            code, detail, invitation_id = route.code, route.detail, made.get((route.destination_id, event.id))
            if route.order is not None and invitation_id is None:
                code = dispositions.DUPLICATE_ORDER
                invitation_id, detail = _existing(connection, route.destination_id, route.order.order_id)
            counts[code] += 1
            routed.append((event.id, route.destination_id, code, detail, invitation_id))
    connection.executemany(SQL["put_disposition"], routed)
    return invited


def _existing(connection: apsw.Connection, destination_id: int, order_id: str) -> tuple[int, str]:
    row = (destination_id, order_id)
    id_, state, created_at = next(rows(connection, SQL["invitation_of_order"], row))
    return id_, f"order {order_id} already has invitation {id_} ({state}, made {iso(created_at)})"


def prune(connection: apsw.Connection, before: int) -> int:
    gone = connection.execute(SQL["prune_events"], (PRUNE_ROWS, before)).fetchall()
    connection.executemany(SQL["prune_dispositions"], gone)
    return len(gone)
