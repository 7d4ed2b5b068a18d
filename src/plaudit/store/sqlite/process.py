"""One batch of events in one transaction: events, invitations, dispositions, cursor.

The two unique indexes decide: a known message id makes a duplicate event, a known order a duplicate order.
Statements run over whole batches; only the rare duplicates are looked at one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import State
from plaudit.errors import LostRaceError
from plaudit.queries import load
from plaudit.spec import dispositions
from plaudit.sqlite import put_many, rows
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
    fresh = _there(connection, "put_event", "events_there", given)
    if len(fresh) < len(events):
        for event in events:
            if event.id not in fresh:
                connection.execute(SQL["put_other_event"], _other(connection, event))
    return fresh


def _other(connection: apsw.Connection, event: EventRow) -> tuple[Any, ...]:
    """The row of an event that was refused, or that is a duplicate and says of which."""
    if event.refused:
        return event[:10]
    first = connection.execute(SQL["first_event"], (event.source_id, event.message_id)).get
    said = f"the same event came before as event {first} (same messageId)"
    return (*event[:8], dispositions.DUPLICATE_MESSAGE, said)


def _put_routes(
    connection: apsw.Connection, events: list[EventRow], now: int, counts: Counter[str]
) -> Counter[int]:
    """Put invitations and dispositions; how many invitations were made, by destination."""
    made = _put_invitations(connection, events, now)
    invited: Counter[int] = Counter()
    routed = []
    for event in events:
        for route in event.routes:
            code, detail, invitation_id = route.code, route.detail, None
            if route.order is not None:
                invitation_id = made.get((route.destination_id, event.id))
                if invitation_id is None:
                    code = dispositions.DUPLICATE_ORDER
                    invitation_id, detail = _existing(connection, route.destination_id, route.order.order_id)
                else:
                    invited[route.destination_id] += 1
            counts[code] += 1
            routed.append((event.id, route.destination_id, code, detail, invitation_id))
    put_many(connection, SQL["put_disposition"], routed)
    return invited


def _put_invitations(
    connection: apsw.Connection, events: list[EventRow], now: int
) -> dict[tuple[int, int], int]:
    """Put one for each order that has none; the ids of the new ones, by destination and event."""
    wanted = [(r.destination_id, e, r.order) for e in events for r in e.routes if r.order is not None]
    if not wanted:
        return {}
    first = connection.execute(SQL["last_invitation"]).get + 1
    given = [
        (
            id_,
            to,
            order.order_id,
            event.source_id,
            event.id,
            _encode(order),
            State.QUEUED.value,
            now,
            now,
            now,
        )
        for id_, (to, event, order) in enumerate(wanted, first)
    ]
    fresh = _there(connection, "put_invitation", "invitations_there", given)
    return {(row[1], row[4]): row[0] for row in given if row[0] in fresh}


def _there(connection: apsw.Connection, put: str, there: str, given: Sequence[tuple[Any, ...]]) -> set[int]:
    """Put rows whose first column is their id; the ids of those that were not passed over."""
    ids = {row[0] for row in given}
    if put_many(connection, SQL[put], given) == len(given):
        return ids
    return {id_ for (id_,) in rows(connection, SQL[there], (msgspec.json.encode(list(ids)).decode(),))}


def _existing(connection: apsw.Connection, destination_id: int, order_id: str) -> tuple[int, str]:
    row = (destination_id, order_id)
    id_, state, created_at = next(rows(connection, SQL["invitation_of_order"], row))
    return id_, f"order {order_id} already has invitation {id_} ({state}, made {iso(created_at)})"


def prune(connection: apsw.Connection, before: int) -> int:
    gone = connection.execute(SQL["prune_events"], (PRUNE_ROWS, before)).fetchall()
    connection.executemany(SQL["prune_dispositions"], gone)
    return len(gone)
