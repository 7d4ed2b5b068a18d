"""The cluster under load, all of it on this one machine: three NATS servers, PostgreSQL, and two processes.

So the numbers say what the engines cost, and not what several machines can do.
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench import floors
from bench.line import batches, singles
from bench.load import Result, closed_loop
from bench.processes import CONFIG, free_port, get, running
from bench.report import Row
from plaudit.deliver.concurrency import MOST

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # where the servers of the tests are


def cluster() -> list[Row]:
    """Accepting single events, and orders in until a sink has accepted them all, in batches of 100."""
    from natsd import Servers
    from postgres import PostgresServer

    size, count = 100, 200
    body = b'{"recipientEmail":"customer@example.com","x":"' + b"y" * 300 + b'"}'
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plaudit-bench-")))
        nats = stack.enter_context(Servers(folder / "nats"))
        postgres = PostgresServer(fsync="on", full_page_writes="on", shared_buffers="256MB")
        stack.callback(postgres.remove)
        postgres.start()
        os.environ |= {
            "PLAUDIT_STORE": postgres.url(),
            "PLAUDIT_LOG": nats.url(),
            "PLAUDIT_SECRET_KEY": base64.b64encode(bytes(32)).decode(),
        }
        sink, port, other = free_port(), free_port(), free_port()
        (folder / "plaudit.toml").write_text(CONFIG.format(sink=sink))
        stack.enter_context(running("bench.sink", str(sink), port=sink))
        floor = floors.posts(sink, body, 20_000, MOST)
        words = ["--log-level", "warning", "--data", str(folder / "data")]
        file = ["--config", str(folder / "plaudit.toml")]
        stack.enter_context(
            running("plaudit", "serve", "--role", "collect", "--port", str(port), *file, *words, port=port)
        )
        stack.enter_context(
            running("plaudit", "serve", "--role", "process,deliver", "--port", str(other), *words, port=other)
        )
        closed_loop(port, singles(500, "Product Viewed"), 64)
        alone = closed_loop(port, singles(10_000, "Product Viewed"), 64)
        time.sleep(5)
        started = time.perf_counter()
        together = closed_loop(port, batches(count, size), 16)
        while (seen := get(sink, "/seen"))["count"] < size * count:
            time.sleep(0.02)
        rate = size * count / (time.perf_counter() - started)
        assert not seen["twice"]
    return [
        _row("cluster: accept, 1 event a request (requests/s)", alone, alone.rate, 0),
        _row("cluster: order in → invitation accepted (orders/s)", together, rate, floor),
    ]


def _row(what: str, result: Result, rate: float, floor: float) -> Row:
    assert not result.refused, f"{what}: {result.refused} requests refused"
    beside = (f"{floor:,.0f} client posting", f"{rate / floor:.2f}") if floor else ("", "")
    return Row(what, f"{rate:,.0f}", *beside, f"{result.p50:.1f} ms", f"{result.p99:.1f} ms")
