"""Lanes under load: a backlog that goes out in pages, and a good destination beside bad ones."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time

from bench import floors
from bench.line import batches, event
from bench.load import closed_loop, paced, post
from bench.processes import free_port, get, plaudit, running
from bench.report import Row

OTHERS = """
[sources.others]
write_key = "othersKey"
[destinations.{name}]
type = "trustpilot"
sources = ["others"]
[destinations.{name}.settings]
api_key = "{name}IntegrationKey"
base_url = "http://127.0.0.1:{port}"
allow_private = true
"""
OTHERS_KEY = "b3RoZXJzS2V5Og=="


def backlog() -> list[Row]:
    """Orders that waited while nothing was delivered, until the sink has them all; in pages of 20, and one by one."""
    size, count = 100, 500
    rows = []
    body = b'{"recipientEmail":"customer@example.com","x":"' + b"y" * 300 + b'"}'
    for what, more in (("in pages of 20", ""), ("one POST an order", "pages = false\n")):
        sink = free_port()
        with (
            tempfile.TemporaryDirectory(prefix="plaudit-bench-") as folder,
            running("bench.sink", str(sink), port=sink),
        ):
            floor = floors.posts(sink, body, 20_000, 64)
            with plaudit(sink, "collect,process", more=more, folder=folder) as filling:
                closed_loop(filling.port, batches(count, size), 16)
                while b"plaudit_log_lag 0.0" not in filling.metrics():
                    time.sleep(0.05)
            time.sleep(6)  # from five seconds on it counts as a backlog
            started = time.perf_counter()
            with plaudit(sink, "deliver", folder=folder) as running_:
                while (seen := get(sink, "/seen"))["count"] < size * count:
                    time.sleep(0.02)
                rate = size * count / (time.perf_counter() - started)
                memory = running_.memory()
            assert not seen["twice"]
        rows.append(
            Row(
                f"backlog → accepted, {what} (orders/s)",
                f"{rate:,.0f}",
                f"{floor:,.0f} client posting",
                f"{rate / floor:.2f}",
                memory=memory,
            )
        )
    return rows


def isolation() -> list[Row]:
    """The p99 of a good destination at 300 orders/s, beside three good ones, and beside a dead, a slow and a tar pit."""
    alone = _beside({"first": "0", "second": "0", "third": "0"})
    beside = _beside({"slow": "2", "tarpit": "never", "dead": ""})
    rows = [
        Row(f"order → at the vendor, 300 orders/s, {what}", "", "", "", f"{p50:.1f} ms", f"{p99:.1f} ms")
        for what, (p50, p99) in (
            ("beside three good ones", alone),
            ("beside a dead, a slow and a tar-pitting destination", beside),
        )
    ]
    return [*rows, Row("  p99 beside the bad / beside the good", "", "", f"{beside[1] / alone[1]:.2f}")]


def _beside(bad: dict[str, str]) -> tuple[float, float]:
    """(p50, p99) in ms; as many orders go to each of the bad ones as to the good one."""
    count, rate = 9_000, 300
    sink = free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(running("bench.sink", str(sink), port=sink))
        more = ""
        for name, answers in bad.items():
            port = free_port()
            if answers:
                stack.enter_context(running("bench.sink", str(port), answers, port=port))
            section = OTHERS.format(name=name, port=port)
            more += section if "[sources.others]" not in more else section.partition('"othersKey"\n')[2]
        running_ = stack.enter_context(plaudit(sink, more=more))
        # As many requests in both cases: the others' orders go to a source that leads nowhere when there are no bad ones.
        key = OTHERS_KEY if bad else "YmVuY2hLZXk6"
        events = [event(n) for n in range(count)]
        theirs = [event(n, "Order Completed" if bad else "Product Viewed") for n in range(count)]
        requests = []
        for mine, other in zip(events, theirs, strict=True):
            requests += [
                post("/v1/track", json.dumps(mine).encode()),
                post("/v1/track", json.dumps(other).encode(), key),
            ]
        began = time.time()
        paced(running_.port, requests, rate * 2)
        while get(sink, "/seen")["count"] < count:
            time.sleep(0.05)
        arrived = get(sink, "/times")
    took = sorted(
        arrived[e["properties"]["order_id"]] - (began * 1000 + n * 1000 / rate)  # type: ignore[index] # made by event()
        for n, e in enumerate(events)
    )
    return took[count // 2], took[int(count * 0.99)]
