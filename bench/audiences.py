"""Audiences: the first sync of many people beside a plain recompute in SQL, and how soon a change is told.

`BENCH_PEOPLE` says how many, each with ten events. The store is filled by SQL.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import apsw

from bench.line import event
from bench.load import paced, post
from bench.processes import free_port, get, plaudit, running
from bench.report import Row
from plaudit.clock import SystemClock
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.engage.definitions import Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.sighting import Sighting
from plaudit.installation import apply
from plaudit.process.profiles import definitions_of
from plaudit.process.timer import Timer
from plaudit.queries import load
from plaudit.secrets import vault
from plaudit.sqlite import connect
from plaudit.store.sqlite import SqliteStore

SQL = load("bench", "audiences.sql")
EVENTS = 10
PORTION = 20_000
DAYS_30 = 30 * 24 * 3_600_000
PACED, RATE = 3_000, 300
LAPSES, SPAN = 2_000, 5.0  # so many windows end in so many seconds
PROPERTIES = b'{"order_id":"1","total":27.5,"currency":"EUR","products":[{"sku":"a","price":19},{"sku":"b","price":3}]}'
RECENT = """
[audiences.recent]
query = "event('Order Completed').within(30 days).count() >= 1"
destinations = ["partner"]
"""
PARTNER = """
[destinations.partner]
type = "trustpilot"
settings = {{ channel = "partner", api_key = "benchKey", base_url = "http://127.0.0.1:{sink}/partner", allow_private = true }}
"""


def audiences() -> list[Row]:
    people = int(os.environ.get("BENCH_PEOPLE", "50000"))
    with tempfile.TemporaryDirectory(prefix="plaudit-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        rows = asyncio.run(_first_sync(Path(folder), people))
    return [*rows, _told()]


async def _first_sync(folder: Path, people: int) -> list[Row]:
    store = SqliteStore(folder / "store.db", vault(folder))
    await apply(store, parse(PARTNER.format(sink=9), destinations()), 1)
    now = SystemClock().now()
    _fill(folder / "store.db", people, now)
    floor, members = _recompute(folder / "store.db", now)
    configuration = await apply(store, parse(PARTNER.format(sink=9) + RECENT, destinations()), now)
    definitions = definitions_of(configuration, destinations())
    timer = Timer(store, SystemClock(), lambda made: None)  # noqa: ARG005 - nobody delivers
    timer.configure(definitions)
    started = time.perf_counter()
    evaluated = 0.0
    while todo := await store.profiles.todo(definitions, now):
        if todo[0].destination_id is not None and not evaluated:
            evaluated = time.perf_counter() - started
        await timer.step()
    seconds = time.perf_counter() - started
    lapsed = await _lapse(store, timer, definitions)
    (view,) = await store.profiles.views(list(definitions.by_id.values()))
    await store.close()
    assert view.syncs[0].told == view.size
    assert abs(view.size - members) <= people // 500  # some of them lapse meanwhile
    beside = f"{people / floor:,.0f} plain SQL, which tells nobody"
    return [
        Row(
            f"audience evaluated for {people:,} profiles with {people * EVENTS:,} events (profiles/s)",
            f"{people / evaluated:,.0f}",
            beside,
            f"{floor / evaluated:.2f}",
        ),
        Row(
            f"the same and its {members:,} members told: calls in the ledger (profiles/s)",
            f"{people / seconds:,.0f}",
            beside,
            f"{floor / seconds:.2f}",
        ),
        Row(
            f"window lapses → call in the ledger, {LAPSES / SPAN:,.0f}/s among {view.size:,} members",
            "",
            p50=f"{lapsed[LAPSES // 2]} ms",
            p99=f"{lapsed[int(LAPSES * 0.99)]} ms",
        ),
    ]


async def _lapse(store: SqliteStore, timer: Timer, definitions: Definitions) -> list[int]:
    """How many ms pass from the end of each member's window until the change is written, in order of size."""
    base = SystemClock().now() + 3_000
    ends = {f"lapsing-{n}": base + round(n * SPAN * 1000 / LAPSES) for n in range(LAPSES)}
    seen = [
        Sighting(10**12 + n, 1, end - DAYS_30, (Identifier("user_id", user),), "Order Completed")
        for n, (user, end) in enumerate(ends.items())
    ]
    for at in range(0, LAPSES, 250):
        part = seen[at : at + 250]
        await store.profiles.take(0, at, at + 250, part, definitions, SystemClock().now())
    running_ = asyncio.create_task(timer.run())
    await asyncio.sleep((max(ends.values()) + 1_000 - SystemClock().now()) / 1000)
    timer.stop()
    await running_
    (id_,) = definitions.by_id
    found = []
    for user, end in ends.items():
        view = await store.profiles.person(Identifier("user_id", user), definitions, SystemClock().now())
        assert view is not None
        assert view.person.values[id_].value is False
        found.append(view.person.values[id_].since - end)
    return sorted(found)


def _fill(path: Path, people: int, now: int) -> None:
    connection = apsw.Connection(str(path))
    for pragma in ("synchronous=OFF", "cache_size=-500000"):
        connection.execute(f"PRAGMA {pragma}")
    for first in range(1, people + 1, PORTION):
        given = {"first": first, "last": min(first + PORTION - 1, people), "now": now, "people": people}
        given |= {"events": EVENTS}
        with connection:
            for query in ("profiles", "user_ids", "addresses"):
                connection.execute(SQL[query], given)
            connection.execute(SQL["facts"], given | {"properties": PROPERTIES})
        print(f"  filled {given['last']:,} of {people:,}", file=sys.stderr, end="\r", flush=True)
    print(file=sys.stderr)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _recompute(path: Path, now: int) -> tuple[float, int]:
    """(seconds, members) of the same audience in one statement."""
    connection = connect(path)
    started = time.perf_counter()
    connection.execute(SQL["recompute"], {"since": now - DAYS_30})
    seconds = time.perf_counter() - started
    members: int = connection.execute(SQL["count_members"]).get
    connection.close()
    return seconds, members


def _told() -> Row:
    """Orders of new customers at a fixed rate: from the departure of each until the identify call is at the partner."""
    events = [event(n) | {"userId": f"person-{n}"} for n in range(PACED)]
    sink = free_port()
    with (
        running("bench.sink", str(sink), port=sink),
        plaudit(sink, more=PARTNER.format(sink=sink) + RECENT) as running_,
    ):
        requests = [post("/v1/track", json.dumps(each).encode()) for each in events]
        began = time.time()
        paced(running_.port, requests, RATE)
        while get(sink, "/seen")["told"] < PACED:
            time.sleep(0.05)
        arrived = get(sink, "/told")
        memory = running_.memory()
    took = sorted(arrived[f"person-{n}"] - (began * 1000 + n * 1000 / RATE) for n in range(PACED))
    p50, p99 = took[PACED // 2], took[int(PACED * 0.99)]
    return Row(
        f"order → identify call at the partner, at {RATE} orders/s",
        "",
        "",
        "",
        f"{p50:.1f} ms",
        f"{p99:.1f} ms",
        memory,
    )
