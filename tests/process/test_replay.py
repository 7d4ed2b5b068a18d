"""Replay: by range, source, order and disposition; what it would come to first; and never anything twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.rows import draft, ended, event, order, wanted
from plaudit import installation
from plaudit.destinations.base import Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.log.sqlite import SqliteLog
from plaudit.process.plan import plan, routes
from plaudit.process.replay import Range, Replay, Tally
from plaudit.spec import dispositions
from plaudit.spec.cancellation import Cancellation
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import EventRow, Route, Store
from support import ORDER

HOUR = 3_600_000


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[tuple[SqliteLog, Store]]:
    store, log = installation.open_store(tmp_path, create=True), SqliteLog(tmp_path / "log.db")
    await store.apply(wanted(), now=500)
    yield log, store
    await log.close()
    await store.close()


async def process(log: SqliteLog, store: Store, numbers: range, received_at: int, source_id: int = 1) -> None:
    """One order an entry, processed as if its source were connected to nothing."""
    for number in numbers:
        body = {"event": "Order Completed", "userId": "u", "properties": {**ORDER, "order_id": str(number)}}
        envelope = Envelope(f"m{number}", "track", received_at, msgspec.json.encode(body))
        entry = Entry(source_id, received_at, [envelope])
        position = await log.append(entry)
        rows = list(plan(0, position, entry, {}))
        await store.commit(0, await store.cursor(0), position, rows, received_at)


async def replay(log: SqliteLog, store: Store, *, dry: bool = False, **wanted: Any) -> Tally:
    table = routes(await store.configuration(), destinations())
    events = Replay(log, store, table, Range(**wanted))
    told: list[tuple[int, int]] = []
    reach = await events.reach()
    tally = await events.run(reach, 99 * HOUR, dry=dry, told=lambda *how: told.append(how))
    assert not told or told[-1] == (max(reach.last - reach.after, 0), tally.events)
    return tally


async def orders(store: Store) -> list[int]:
    return sorted(int(i.order_id) for i in await store.invitations())


async def test_a_range_of_time(parts: tuple[SqliteLog, Store]) -> None:
    log, store = parts
    for hour in range(10, 20):
        await process(log, store, range(hour * 100, hour * 100 + 30), hour * HOUR)
    tally = await replay(log, store, since=13 * HOUR, until=15 * HOUR, dry=True)
    assert (tally.dispositions, tally.made, tally.events) == ({"invited": 60}, {1: 60}, 60)
    assert await orders(store) == []
    await replay(log, store, since=13 * HOUR, until=15 * HOUR)
    assert await orders(store) == [*range(1300, 1330), *range(1400, 1430)]
    again = await replay(log, store, since=14 * HOUR)
    assert (again.made, again.kept) == ({1: 150}, 30)


async def test_only_some(parts: tuple[SqliteLog, Store]) -> None:
    log, store = parts
    await process(log, store, range(5), HOUR)
    await process(log, store, range(5, 10), HOUR, source_id=2)
    assert (await replay(log, store, order_id="3")).made == {1: 1}
    assert (await replay(log, store, source_id=1, disposition="no_destination")).made == {1: 4}
    assert (await replay(log, store, disposition="MESSAGE_REJECTED")).dispositions == {}
    assert await orders(store) == [0, 1, 2, 3, 4]
    assert (await replay(log, store, source_id=2)).made == {1: 5, 2: 5}


async def test_what_is_not_processed_yet_is_not_replayed(parts: tuple[SqliteLog, Store]) -> None:
    log, store = parts
    await process(log, store, range(5), HOUR)
    await log.append(Entry(1, HOUR, [Envelope("m9", "track", HOUR, b"{}")]))
    assert (await replay(log, store)).events == 5


async def test_a_dry_run_counts_an_order_once_over_all_its_batches(parts: tuple[SqliteLog, Store]) -> None:
    log, store = parts
    await process(log, store, range(300), HOUR)
    for number in range(300):  # each order comes a second time, by another message
        body = {"event": "Order Completed", "userId": "u", "properties": {**ORDER, "order_id": str(number)}}
        entry = Entry(1, HOUR, [Envelope(f"again{number}", "track", HOUR, msgspec.json.encode(body))])
        position = await log.append(entry)
        await store.commit(0, position - 1, position, list(plan(0, position, entry, {})), HOUR)
    foreseen, done = await replay(log, store, dry=True), await replay(log, store)
    assert foreseen.dispositions == done.dispositions == {"invited": 300, "duplicate_order": 300}


async def test_events_whose_bodies_have_gone_are_told(parts: tuple[SqliteLog, Store]) -> None:
    log, store = parts
    await process(log, store, range(5), HOUR)
    await process(log, store, range(5, 10), 3 * HOUR)
    table = routes(await store.configuration(), destinations())
    assert (await Replay(log, store, table, Range()).reach()).oldest is None
    await log.trim(0, 10, 2 * HOUR)
    reach = await Replay(log, store, table, Range(since=HOUR)).reach()
    assert (reach.gone, reach.oldest) == (5, 3 * HOUR)
    assert (await Replay(log, store, table, Range(since=HOUR + 1)).reach()).gone == 0
    assert (await replay(log, store)).made == {1: 5}


@pytest.mark.parametrize("seed", range(12))
async def test_no_order_is_sent_twice_whatever_is_replayed(parts: tuple[SqliteLog, Store], seed: int) -> None:
    """New events, replays under other rules, cancellations, retries and attempts, in any order."""
    chance = random.Random(seed)
    store, rows, sent = parts[1], list[EventRow](), Counter[str]()
    cursor = now = 1000

    def judged(row: EventRow) -> EventRow:
        """An event under rules of the moment."""
        number = (row.id >> 18) % 7
        its = msgspec.structs.replace(order(number), ordered_at=chance.choice([100, 200]))
        rule = chance.random()
        if rule < 0.15:
            return row._replace(routes=[], disposition=dispositions.NO_DESTINATION)
        if rule < 0.3:
            return row._replace(routes=[Route(1, dispositions.FILTERED_BY_RULES)])
        if rule < 0.4:
            by = Cancellation(str(number), chance.choice([150, 250]), "Order Cancelled")
            return row._replace(routes=[Route(1, dispositions.CANCELLED, cancellation=by)])
        wish = draft(its, once_per=chance.choice([0, 5000]), not_before=chance.choice([0, now + 50]))
        return row._replace(routes=[Route(1, dispositions.INVITED, None, wish)])

    await store.commit(0, 0, cursor, [], now)
    for _ in range(60):
        now += 10
        step = chance.random()
        if step < 0.4:
            rows.append(event(cursor + 1))
            await store.commit(0, cursor, cursor + 1, [judged(rows[-1])], now)
            cursor += 1
        elif step < 0.7:
            again = [judged(row) for row in chance.sample(rows, len(rows) // 2)]
            foreseen = await store.replay(again, now, dry=True)
            assert await store.replay(again, now, dry=False) == foreseen
        else:
            for claimed in await store.turn(1, [], 3, "me", now, now + 1000):
                assert claimed.order is not None
                accepted = chance.random() < 0.6
                ends = (
                    (Outcome.ACCEPTED, State.ACCEPTED)
                    if accepted
                    else chance.choice([(Outcome.REFUSED, State.REFUSED), (Outcome.RETRY, State.QUEUED)])
                )
                sent[claimed.order.order_id] += accepted
                await store.turn(1, [ended(claimed, *ends, due_at=now)], 0, "me", now, now + 1000)
    assert all(count == 1 for count in sent.values() if count), sent
    ledger = [i.order_id for i in await store.invitations()]
    assert len(ledger) == len(set(ledger))
