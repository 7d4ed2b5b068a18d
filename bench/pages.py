"""The console on an installation that holds much: how long each page takes and how large it is, beside one that holds little.

Pages are asked for one after the other, over HTTP, while nothing else is done. `BENCH_PAGES` says how many invitations. In a
cluster the same installation, moved, is beside itself as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import apsw
import psycopg

from bench.growth import fill
from bench.processes import free_port, memory_mb, plaudit, running
from bench.report import Row
from plaudit.installation import Place, open_store
from plaudit.queries import load
from plaudit.store.access import Role, hashed
from plaudit.store.base import Store

SQL = load("bench", "pages.sql")
STORED = "1000,1000000"
TIMES = 15
SESSION = "bench"
PAGES = (
    "/",
    "/?span=year",
    "/events",
    "/events?order_id={order}",
    "/events?disposition=duplicate_order",
    "/invitations",
    "/invitations?state=failed",
    "/invitations?state=accepted",
    "/invitations?reason=server_error",
    "/invitations?order_id={order}",
    "/invitations?since=10+days",
    "/invitations/{id}",
    "/connections",
    "/sources/bench",
    "/destinations/trustpilot",
    "/settings/audit",
)


class Page(NamedTuple):
    p50: float  # ms
    worst: float
    size: int  # bytes


def pages() -> list[Row]:
    with contextlib.ExitStack() as stack:
        little, large = (
            stack.enter_context(_filled(int(wanted)))
            for wanted in os.environ.get("BENCH_PAGES", STORED).split(",")
        )
        with plaudit(9, "console", folder=little[0]) as one, plaudit(9, "console", folder=large[0]) as other:
            here, there = _asked(one.port, *little[1:]), _asked(other.port, *large[1:])
            memory = other.memory()
        return _rows(f"{large[2]:,} invitations", here, f"of {little[2]:,}", there, memory)


def cluster_pages() -> list[Row]:
    """On PostgreSQL, beside SQLite."""
    with contextlib.ExitStack() as stack:
        wanted = int(os.environ.get("BENCH_PAGES", STORED).split(",")[-1])
        folder, order, stored = stack.enter_context(_filled(wanted))
        with plaudit(9, "console", folder=folder) as one:
            here = _asked(one.port, order, stored)
        port, process = stack.enter_context(_moved(folder))
        there = _asked(port, order, stored)
        memory = f"{memory_mb(process):.0f} MB"
        return _rows(f"{stored:,} invitations, PostgreSQL", here, "on SQLite", there, memory)


def _rows(what: str, here: list[Page], of: str, there: list[Page], memory: str) -> list[Row]:
    return [
        Row(
            f"{page}, {what}",
            f"{large.size / 1000:.0f} KB",
            f"{little.p50:.1f} ms {of}",
            f"{large.p50 / little.p50:.2f}",
            f"{large.p50:.1f} ms",
            f"{large.worst:.1f} ms",
            memory,
        )
        for page, little, large in zip(PAGES, here, there, strict=True)
    ]


@contextlib.contextmanager
def _filled(wanted: int) -> Iterator[tuple[str, str, int]]:
    """An installation with so many invitations, and somebody who is signed in; its folder, an order's id, how many."""
    with tempfile.TemporaryDirectory(prefix="plaudit-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        with plaudit(9, folder=folder):
            pass  # it makes the installation
        data = Path(folder) / "data"
        stored = fill(data, wanted)
        connection = apsw.Connection(str(data / "store.db"))
        with connection:
            for query in ("some_failed", "some_twice", "tallies"):
                connection.execute(SQL[query], {"stored": stored, "now": time.time_ns() // 1_000_000})
        order = str(connection.execute(SQL["order"], {"stored": stored}).get)
        connection.close()
        asyncio.run(_sign_in(open_store(data)))
        yield folder, order, stored


@contextlib.contextmanager
def _moved(folder: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The installation in a cluster of its own, with a console on a port."""
    from natsd import Servers
    from postgres import PostgresServer

    with contextlib.ExitStack() as stack:
        data = Path(folder) / "data"
        nats = stack.enter_context(Servers(Path(folder) / "nats"))
        postgres = PostgresServer(shared_buffers="256MB")
        stack.callback(postgres.remove)
        postgres.start()
        os.environ["PLAUDIT_SECRET_KEY"] = (data / "secret.key").read_text().strip()
        stack.callback(os.environ.pop, "PLAUDIT_SECRET_KEY")
        ways = ["--to", postgres.url(), "--to-log", nats.url(), "--data", str(data), "--yes"]
        subprocess.run([sys.executable, "-m", "plaudit", "move", *ways], check=True)
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # which it would do by itself in time
        asyncio.run(_sign_in(open_store(Place(store=postgres.url(), log=nats.url()))))
        port = free_port()
        where = f"--port {port} --store {postgres.url()} --log {nats.url()} --log-level warning"
        command = ("plaudit", "serve", "--role", "console", *where.split())
        yield port, stack.enter_context(running(*command, port=port))


async def _sign_in(store: Store) -> None:
    await store.access.add_person("bench", Role.ADMIN, "", 1)  # or they are there: they were moved
    (person,) = await store.access.people()
    now = time.time_ns() // 1_000_000
    await store.access.add_session(hashed(SESSION), person.id, now, now + 3_600_000)
    await store.close()


def _asked(port: int, order: str, stored: int) -> list[Page]:
    return [_page(port, page, order, stored) for page in PAGES]


def _page(port: int, page: str, order: str, stored: int) -> Page:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    path = page.format(order=order, id=stored // 2)
    took, size = [], 0
    for _ in range(TIMES):
        began = time.perf_counter()
        connection.request(
            "GET", path, headers={"cookie": f"plaudit_session={SESSION}", "accept": "text/html"}
        )
        answer = connection.getresponse()
        size = len(answer.read())
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status == 200, (path, answer.status)
    connection.close()
    return Page(median(took), max(took), size)
