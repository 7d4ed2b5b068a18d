"""One batch of events in one transaction: events, what they do at their destinations, cursor.

A known message id makes a duplicate event: the unique index decides, between processes as well. Processes commit
batches of different partitions at the same time, and wait for each other only where they do the same. They never wait
in a circle, since all take their locks in one order:

    1. the cursor of the partition
    2. events that are there (a replay), by id; then new ones by (source, message id)
    3. cancellations, by (destination, order)
    4. customers who may be invited once in a while, by number
    5. new deliveries, by (destination, what, key)
    6. deliveries that are there, by id: this is also what lanes and people's decisions take
    7. what decisions keep of their deliveries
    8. what is counted, by its key

An undo of a decision (undo.py) takes its destinations first, so that no pause begins or ends; then customers as in 4,
what was told of audiences, and goes on with 6.

Profiles (take.py, audiences.py) are taken in transactions of their own, which put no events. Their order:

    1. the right to move a cursor of a sync or to apply a configuration, which all others share
    2. the cursor of the partition, or the right to do a portion of one backfill or sync
    3. the names of persons, by number
    4. profiles, by id: whoever judges one holds it
    5. values, what was told; new deliveries, by key; deliveries that are there, by id

Each statement sees what was committed before it began. So whatever an insert passed over is read by a later statement.
"""

from __future__ import annotations

from collections import Counter

from plaudit.errors import LostRaceError
from plaudit.secrets import Vault
from plaudit.spec import dispositions
from plaudit.spec.envelope import event_id
from plaudit.store.base import READER, Committed, EventRow
from plaudit.store.meeting import MADE, counted, duplicate_of
from plaudit.store.postgres import tallies
from plaudit.store.postgres.database import AgainError
from plaudit.store.postgres.routes import put_routes
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows, value
from plaudit.store.tallies import REPLAYED, of_batch

SQL = queries("process")
PRUNE_ROWS = 1000
_COLUMNS = " ".join(EventRow._fields[:10])


async def cursor(connection: Connection, partition: int) -> int:
    return await value(connection, SQL["cursor"], {"reader": READER, "partition": partition}) or 0


async def commit(
    connection: Connection,
    partition: int,
    before: int,
    after: int,
    events: list[EventRow],
    now: int,
    vault: Vault,
) -> Committed:
    move = {"reader": READER, "partition": partition, "before": before, "after": after}
    moved = await change(connection, SQL["move_cursor"], move)
    if not moved and before == 0:
        moved = await change(connection, SQL["start_cursor"], move)
    if not moved:
        raise LostRaceError(f"partition {partition} is not at {before}: another process works on it")
    done = await take(connection, events, now, vault)
    orders = [event.order_id for event in events]
    await tallies.put(connection, of_batch(partition, orders, done.dispositions, done.invitations, now))
    return done


async def take(connection: Connection, events: list[EventRow], now: int, vault: Vault) -> Committed:
    """A batch's effects."""
    fresh = await _put_events(connection, events)
    counts = counted(events, fresh)
    routed = [e for e in events if e.id in fresh and e.routes]
    made = await put_routes(connection, routed, now, counts, vault)
    return Committed(dict(counts), dict(made.deliveries), dict(made.invitations))


async def replay(
    connection: Connection, events: list[EventRow], disposition: str | None, now: int, vault: Vault
) -> Committed:
    """Judge events anew that are there already. What one of them has made stays as it is."""
    ids = [event.id for event in events]
    found = await rows(connection, SQL["replayable"], {"ids": ids, "disposition": disposition})
    known = {id_ for (id_,) in found}
    made: dict[int, set[int]] = {}
    for id_, destination_id in await rows(connection, SQL["made_by"], {"ids": ids, "made": sorted(MADE)}):
        made.setdefault(id_, set()).add(destination_id)
    again: list[EventRow] = []
    kept = 0
    for event in events:
        if event.id not in known or event.refused:
            continue
        its = made.get(event.id, set())
        kept += len(its)
        left = event._replace(routes=[route for route in event.routes if route.destination_id not in its])
        if left.routes or not its:
            again.append(left)
    counts = Counter(event.disposition for event in again if event.disposition)
    await _judge_anew(connection, again)
    new = await put_routes(connection, [event for event in again if event.routes], now, counts, vault)
    await tallies.put(connection, of_batch(REPLAYED, [], {}, new.invitations, now))
    return Committed(dict(counts), dict(new.deliveries), dict(new.invitations), kept)


async def _judge_anew(connection: Connection, events: list[EventRow]) -> None:
    if events:
        given = [(e.id, e.order_id, e.disposition, e.detail) for e in events]
        await change(connection, SQL["judge_anew"], columns("id order_id disposition detail", given))
        as_events = [event.id for event in events if event.disposition]
        await change(connection, SQL["drop_dispositions"], {"ids": as_events})


async def older_events(connection: Connection, partition: int, position: int, since: int, until: int) -> int:
    below = event_id(partition, position, 0)
    given = {"below": below, "partition": partition, "since": since, "until": until}
    return int(await value(connection, SQL["older_events"], given))


async def _put_events(connection: Connection, events: list[EventRow]) -> set[int]:
    """Put them all; the ids of those that are the first with their message id."""
    given = [event[:10] for event in events if not event.refused]
    found = await rows(connection, SQL["put_events"], columns(_COLUMNS, given)) if given else []
    fresh = {id_ for (id_,) in found}
    if len(fresh) < len(events):
        others: list[tuple[object, ...]] = [event[:10] for event in events if event.refused]
        others += await _duplicates(connection, [e for e in events if not e.refused and e.id not in fresh])
        await change(connection, SQL["put_other_events"], columns(_COLUMNS, others))
    return fresh


async def _duplicates(connection: Connection, events: list[EventRow]) -> list[tuple[object, ...]]:
    """The rows of events whose message ids are known; each says of which event it is a duplicate."""
    if not events:
        return []
    keys = columns("source_id message_id", [(e.source_id, e.message_id) for e in events])
    first = dict(await rows(connection, SQL["first_events"], keys))
    if len(first) < len(events):
        raise AgainError  # it aged out meanwhile
    return [
        (*event[:8], dispositions.DUPLICATE_MESSAGE, duplicate_of(first[nth]))
        for nth, event in enumerate(events, 1)
    ]


async def prune(connection: Connection, before: int) -> int:
    portion = {"before": before, "limit": PRUNE_ROWS}
    gone = await change(connection, SQL["prune_events"], portion)
    await change(connection, SQL["prune_calls"], portion)
    # An event may take more than one attempt.
    await change(connection, SQL["prune_exchanges"], portion | {"limit": 2 * PRUNE_ROWS})
    await tallies.prune(connection, before)
    return gone
