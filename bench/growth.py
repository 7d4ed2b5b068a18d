"""The line on an installation that holds much: the same rates, beside those of one that holds little.

The store is filled by SQL, with invitations that were accepted long ago; `BENCH_GROWTH` says how many. Filling is given
up after a while, and the row says how far it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import apsw
import msgspec

from bench.line import batches, event
from bench.load import closed_loop, paced, post
from bench.processes import free_port, get, plaudit, running
from bench.report import Row
from plaudit.log.sqlite import SqliteLog
from plaudit.queries import load
from plaudit.spec.envelope import event_id
from plaudit.spec.order import Order, Product

SQL = load("bench", "growth.sql")
STORED = "100000,2000000"
PORTION = 100_000
PATIENCE = 300.0  # seconds of filling
ROUNDS = 3
ORDERS, BATCH = 30_000, 100
PACED, RATE = 5_000, 500
DAY_MS = 24 * 3_600_000


class Round(NamedTuple):
    """What was measured once."""

    orders: float  # a second, from shop to sink
    p50: float  # ms, order at the vendor
    p99: float
    memory: str


class Grown:
    """An installation with so many invitations stored, and a sink of its own."""

    def __init__(self, folder: str, sink: int, wanted: int) -> None:
        self._folder = folder
        self._sink = sink
        self._sent = 0
        self.rounds: list[Round] = []
        with plaudit(sink, folder=folder):
            pass  # it makes the installation
        self.stored = fill(Path(folder) / "data", wanted)

    @property
    def megabytes(self) -> float:
        return sum(path.stat().st_size for path in (Path(self._folder) / "data").glob("store.db*")) / 1e6

    def measure(self) -> None:
        with plaudit(self._sink, folder=self._folder) as running_:
            self._send(running_.port, 1_000)  # so that all begin warm
            p50, p99 = _latency(running_.port, self._sink, self._sent)
            self._sent += PACED
            rate = self._send(running_.port, ORDERS)
            self.rounds.append(Round(rate, p50, p99, running_.memory()))

    def median(self) -> Round:
        """By its parts: the machine is never quite the same."""
        return Round(
            median(each.orders for each in self.rounds),
            median(each.p50 for each in self.rounds),
            median(each.p99 for each in self.rounds),
            self.rounds[-1].memory,
        )

    def _send(self, port: int, count: int) -> float:
        """Orders in, until the sink has them; how many a second."""
        requests = batches(count // BATCH, BATCH)
        started = time.perf_counter()
        closed_loop(port, requests, 16)
        self._sent += count
        _until(self._sink, self._sent)
        return count / (time.perf_counter() - started)


def growth() -> list[Row]:
    """In turn, so that what else the machine does is the same for all."""
    with contextlib.ExitStack() as stack:
        grown = []
        for wanted in os.environ.get("BENCH_GROWTH", STORED).split(","):
            sink = free_port()
            place = tempfile.TemporaryDirectory(prefix="plaudit-bench-", dir=os.environ.get("BENCH_DIR"))
            stack.enter_context(running("bench.sink", str(sink), port=sink))
            grown.append(Grown(stack.enter_context(place), sink, int(wanted)))
        for _ in range(ROUNDS):
            for each in grown:
                each.measure()
        return [_row(each, grown[0]) for each in grown]


def _row(each: Grown, little: Grown) -> Row:
    found, beside = each.median(), little.median()
    return Row(
        f"orders/s with {each.stored:,} invitations stored ({each.megabytes:,.0f} MB); at {RATE}/s",
        f"{found.orders:,.0f}",
        "" if each is little else f"{beside.orders:,.0f} with {little.stored:,}",
        "" if each is little else f"{found.orders / beside.orders:.2f}",
        f"{found.p50:.1f} ms",
        f"{found.p99:.1f} ms",
        found.memory,
    )


def _latency(port: int, sink: int, before: int) -> tuple[float, float]:
    """(p50, p99) in ms of orders that come at a fixed rate, from their departure to the sink."""
    events = [event(n) for n in range(PACED)]
    requests = [post("/v1/track", json.dumps(e).encode()) for e in events]
    began = time.time()
    paced(port, requests, RATE)
    _until(sink, before + PACED)
    arrived = get(sink, "/times")
    took = sorted(
        arrived[e["properties"]["order_id"]] - (began * 1000 + n * 1000 / RATE)  # type: ignore[index] # made by event()
        for n, e in enumerate(events)
    )
    return took[PACED // 2], took[int(PACED * 0.99)]


def _until(sink: int, count: int) -> None:
    while (seen := get(sink, "/seen"))["count"] < count:
        time.sleep(0.02)
    assert not seen["twice"]


def fill(data: Path, wanted: int) -> int:
    """Put so many accepted invitations into the store, or as many as time allows; how many."""
    connection = apsw.Connection(str(data / "store.db"))
    for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    order = Order(
        order_id="ORDER_ID",
        email="somebody@example.com",
        name="Some Body",
        total=27.5,
        currency="EUR",
        products=[
            Product(sku="sku-1", name="Thing", price=19.0),
            Product(sku="sku-2", name="Other", price=3),
        ],
        ordered_at=1,
    )
    given = {
        "source": connection.execute(SQL["source"]).get,
        "destination": connection.execute(SQL["destination"]).get,
        "payload": msgspec.json.encode(order).decode(),
        "step": event_id(0, 1, 0),
        "now": time.time_ns() // 1_000_000 - 20 * DAY_MS,
    }
    done, started = 0, time.perf_counter()
    while done < wanted and time.perf_counter() - started < PATIENCE:
        span = given | {"first": done + 1, "last": min(done + PORTION, wanted)}
        with connection:
            for query in ("events", "deliveries", "attempts", "dispositions", "cursor"):
                connection.execute(SQL[query], span)
        done = span["last"]
        print(f"  filled {done:,} of {wanted:,}", file=sys.stderr, end="\r", flush=True)
    print(file=sys.stderr)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    asyncio.run(_advance(data, done))
    return done


async def _advance(data: Path, position: int) -> None:
    """The log goes on after what the store has processed; what stood there before has aged out."""
    log = SqliteLog(data / "log.db")
    await log.advance(0, position)
    await log.close()
