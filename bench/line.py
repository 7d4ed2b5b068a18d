"""The line under load: accepting, from order to invitation, and at rest."""

from __future__ import annotations

import json
import time
import uuid

from bench import floors
from bench.load import Result, closed_loop, paced, post
from bench.processes import cpu_seconds, free_port, get, plaudit, running
from bench.report import Row
from plaudit.cli.demo import ORDER
from plaudit.deliver.concurrency import MOST

CONNECTIONS = 64


def event(number: int, name: str = "Order Completed") -> dict[str, object]:
    """An order as the SDKs send it (about 1,000 bytes)."""
    return {
        "type": "track",
        "event": name,
        "messageId": f"bench-{uuid.uuid4()}",
        "userId": f"user-{number}",
        "timestamp": "2026-11-23T18:40:00.000Z",
        "sentAt": "2026-11-23T18:40:00.100Z",
        "context": {"library": {"name": "analytics-node", "version": "2.0.0"}, "locale": "en-US"},
        "properties": ORDER
        | {"order_id": f"order-{uuid.uuid4().hex}", "email": f"customer{number}@example.com"},
    }


def singles(count: int, name: str = "Order Completed") -> list[bytes]:
    return [post("/v1/track", json.dumps(event(n, name)).encode()) for n in range(count)]


def batches(requests: int, size: int, name: str = "Order Completed") -> list[bytes]:
    return [
        post("/v1/batch", json.dumps({"batch": [event(n * size + i, name) for i in range(size)]}).encode())
        for n in range(requests)
    ]


SHAPES = {"": (), ", collecting in a process of its own": ("collect", "process,deliver")}


def accept_single() -> list[Row]:
    """One event a request, durable before the 200; processed at the same time, though they make no invitations."""
    floor = floors.server(singles(60_000, "Product Viewed"), CONNECTIONS)
    rows = []
    for shape, roles in SHAPES.items():
        with plaudit(9, *roles) as running_:
            closed_loop(running_.port, singles(2000, "Product Viewed"), CONNECTIONS)
            result = closed_loop(running_.port, singles(60_000, "Product Viewed"), CONNECTIONS)
            memory = running_.memory()
        rows.append(
            _row(
                f"accept, 1 event a request (requests/s){shape}",
                result,
                result.rate,
                floor.rate,
                "server doing nothing",
                memory,
            )
        )
    return rows


def accept_batches() -> list[Row]:
    size, count = 100, 2000
    requests = batches(count, size, "Product Viewed")
    floor = floors.inserts(requests[0], 20_000, 8) * size
    rows = []
    for shape, roles in SHAPES.items():
        with plaudit(9, *roles) as running_:
            result = closed_loop(running_.port, requests, 16)
            memory = running_.memory()
        rows.append(
            _row(
                f"accept, batches of 100 (events/s){shape}",
                result,
                result.rate * size,
                floor,
                "SQLite inserting",
                memory,
            )
        )
    return rows


def orders() -> list[Row]:
    """Orders in, in batches of 100 as SDKs send them, until the sink has them all: one POST an order."""
    size, count = 100, 500
    body = b'{"recipientEmail":"customer@example.com","x":"' + b"y" * 300 + b'"}'
    rows = []
    for shape, roles in SHAPES.items():
        requests = batches(count, size)
        sink = free_port()
        with running("bench.sink", str(sink), port=sink):
            floor = floors.posts(sink, body, 40_000, MOST)
            with plaudit(sink, *roles) as running_:
                started = time.perf_counter()
                result = closed_loop(running_.port, requests, 16)
                taken = time.perf_counter() - started
                while (seen := get(sink, "/seen"))["count"] < size * count:
                    time.sleep(0.02)
                rate = size * count / (time.perf_counter() - started)
                memory = running_.memory()
        assert not seen["twice"]
        what = f"order in → invitation accepted (orders/s; all taken after {taken:.1f} s){shape}"
        rows.append(_row(what, result, rate, floor, "client posting", memory))
    return rows


def latency() -> list[Row]:
    """At 500 orders a second: from the request's departure to its arrival at the sink."""
    count = 5_000
    events = [event(n) for n in range(count)]
    sink = free_port()
    with running("bench.sink", str(sink), port=sink), plaudit(sink) as running_:
        closed_loop(running_.port, singles(200), 4)
        requests = [post("/v1/track", json.dumps(e).encode()) for e in events]
        began = time.time()
        answers = paced(running_.port, requests, 500)
        while get(sink, "/seen")["count"] < count + 200:
            time.sleep(0.05)
        arrived = get(sink, "/times")
        memory = running_.memory()
    references = [e["properties"]["order_id"] for e in events]  # type: ignore[index] # made by event()
    took = sorted(arrived[reference] - (began * 1000 + n * 2) for n, reference in enumerate(references))
    p50, p99 = took[count // 2], took[int(count * 0.99)]
    return [
        Row(
            "answer to an order, at 500 orders/s",
            "",
            "",
            "",
            f"{answers.p50:.1f} ms",
            f"{answers.p99:.1f} ms",
            memory,
        ),
        Row("order → at the vendor, at 500 orders/s", "", "", "", f"{p50:.1f} ms", f"{p99:.1f} ms"),
    ]


def idle() -> list[Row]:
    with plaudit(9) as running_:
        (process,) = running_.processes
        time.sleep(2)
        before, started = cpu_seconds(process), time.perf_counter()
        time.sleep(20)
        share = (cpu_seconds(process) - before) / (time.perf_counter() - started) * 100
        return [Row("at rest (% of a core)", f"{share:.2f}", memory=running_.memory())]


def _row(what: str, result: Result, rate: float, floor: float, beside: str, memory: str) -> Row:
    assert not result.refused, f"{what}: {result.refused} requests refused"
    return Row(
        what,
        f"{rate:,.0f}",
        f"{floor:,.0f} {beside}",
        f"{rate / floor:.2f}",
        f"{result.p50:.1f} ms",
        f"{result.p99:.1f} ms",
        memory,
    )
