"""The console on an installation that holds much: how long each page takes and how large it is, beside one that holds little.

Pages are asked for one after the other, over HTTP, while nothing else is done. `BENCH_PAGES` says how many invitations.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import apsw

from bench.growth import fill
from bench.processes import plaudit
from bench.report import Row
from plaudit.installation import open_store
from plaudit.queries import load
from plaudit.store.access import Role, hashed

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
            found = [
                (page, _page(one.port, page, *little[1:]), _page(other.port, page, *large[1:]))
                for page in PAGES
            ]
            memory = other.memory()
        return [
            Row(
                f"{page}, {large[2]:,} invitations",
                f"{there.size / 1000:.0f} KB",
                f"{here.p50:.1f} ms of {little[2]:,}",
                f"{there.p50 / here.p50:.2f}",
                f"{there.p50:.1f} ms",
                f"{there.worst:.1f} ms",
                memory,
            )
            for page, here, there in found
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
        asyncio.run(_sign_in(data))
        yield folder, order, stored


async def _sign_in(data: Path) -> None:
    store = open_store(data)
    person = await store.access.add_person("bench", Role.ADMIN, "", 1)
    assert person is not None
    now = time.time_ns() // 1_000_000
    await store.access.add_session(hashed(SESSION), person.id, now, now + 3_600_000)
    await store.close()


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
