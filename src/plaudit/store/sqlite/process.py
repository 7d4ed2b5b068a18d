"""One batch of events in one transaction: events, what they do at their destinations, cursor.

A known message id makes a duplicate event: the unique index decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from plaudit.errors import LostRaceError
from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.spec import dispositions
from plaudit.spec.envelope import event_id
from plaudit.sqlite import put_many, rows
from plaudit.store.base import READER, Committed, EventRow
from plaudit.store.meeting import MADE, counted, duplicate_of
from plaudit.store.sqlite import tallies
from plaudit.store.sqlite.routes import put_routes
from plaudit.store.tallies import REPLAYED, of_batch

SQL = load("plaudit.store", "sql", "sqlite", "process.sql")
PRUNE_ROWS = 1000


def cursor(connection: apsw.Connection, partition: int) -> int:
    return connection.execute(SQL["cursor"], (READER, partition)).get or 0


def commit(
    connection: apsw.Connection,
    partition: int,
    before: int,
    after: int,
    events: list[EventRow],
    now: int,
    vault: Vault,
) -> Committed:
    connection.execute(SQL["start_cursor"], (READER, partition))
    connection.execute(SQL["move_cursor"], (after, READER, partition, before))
    if connection.changes() != 1:
        raise LostRaceError(f"partition {partition} is not at {before}: another process works on it")
    done = take(connection, events, now, vault)
    orders = [event.order_id for event in events]
    tallies.put(connection, of_batch(partition, orders, done.dispositions, done.invitations, now))
    return done


def take(connection: apsw.Connection, events: list[EventRow], now: int, vault: Vault) -> Committed:
    """A batch's effects."""
    fresh = _put_events(connection, events)
    counts = counted(events, fresh)
    made = put_routes(connection, [e for e in events if e.id in fresh and e.routes], now, counts, vault)
    return Committed(dict(counts), dict(made.deliveries), dict(made.invitations))


def replay(
    connection: apsw.Connection, events: list[EventRow], disposition: str | None, now: int, vault: Vault
) -> Committed:
    """Judge events anew that are there already. What one of them has made stays as it is."""
    ids = msgspec.json.encode([event.id for event in events]).decode()
    known = {id_ for (id_,) in rows(connection, SQL["replayable"], {"ids": ids, "disposition": disposition})}
    made: dict[int, set[int]] = {}
    given = {"ids": ids, "made": msgspec.json.encode(sorted(MADE)).decode()}
    for id_, destination_id in rows(connection, SQL["made_by"], given):
        made.setdefault(id_, set()).add(destination_id)
    counts: Counter[str] = Counter()
    again: list[EventRow] = []
    kept = 0
    for event in events:
        if event.id not in known or event.refused:
            continue
        its = made.get(event.id, set())
        kept += len(its)
        left = event._replace(routes=[route for route in event.routes if route.destination_id not in its])
        if its and not left.routes:
            continue
        again.append(left)
        row = {"id": event.id, "order_id": event.order_id, "detail": event.detail}
        connection.execute(SQL["judge_anew"], row | {"disposition": event.disposition})
        if event.disposition:
            counts[event.disposition] += 1
            connection.execute(SQL["prune_dispositions"], (event.id,))
    new = put_routes(connection, [event for event in again if event.routes], now, counts, vault)
    tallies.put(connection, of_batch(REPLAYED, [], {}, new.invitations, now))
    return Committed(dict(counts), dict(new.deliveries), dict(new.invitations), kept)


def older_events(connection: apsw.Connection, partition: int, position: int, since: int, until: int) -> int:
    given = {
        "below": event_id(partition, position, 0),
        "partition": partition,
        "since": since,
        "until": until,
    }
    count: int = connection.execute(SQL["older_events"], given).get
    return count


def _put_events(connection: apsw.Connection, events: list[EventRow]) -> set[int]:
    """Put them all; the ids of those that are the first with their message id."""
    given = [event[:10] for event in events if not event.refused]
    fresh = _there(connection, given)
    if len(fresh) < len(events):
        for event in events:
            if event.id not in fresh:
                connection.execute(SQL["put_other_event"], _other(connection, event))
    return fresh


def _there(connection: apsw.Connection, given: Sequence[tuple[Any, ...]]) -> set[int]:
    ids = {row[0] for row in given}
    if put_many(connection, SQL["put_event"], given) == len(given):
        return ids
    found = rows(connection, SQL["events_there"], (msgspec.json.encode(list(ids)).decode(),))
    return {id_ for (id_,) in found}


def _other(connection: apsw.Connection, event: EventRow) -> tuple[Any, ...]:
    """The row of an event that was refused, or that is a duplicate and says of which."""
    if event.refused:
        return event[:10]
    first = connection.execute(SQL["first_event"], (event.source_id, event.message_id)).get
    return (*event[:8], dispositions.DUPLICATE_MESSAGE, duplicate_of(first))


def prune(connection: apsw.Connection, before: int) -> int:
    gone = connection.execute(SQL["prune_events"], (PRUNE_ROWS, before)).fetchall()
    connection.executemany(SQL["prune_dispositions"], gone)
    calls = connection.execute(SQL["prune_calls"], (before, PRUNE_ROWS)).fetchall()
    connection.executemany(SQL["prune_attempts"], calls)
    connection.execute(
        SQL["prune_exchanges"], (2 * PRUNE_ROWS, before)
    )  # an event may take more than one attempt
    tallies.prune(connection, before)
    return len(gone)
