"""The log in one SQLite file, with one partition.

Invariant: `append` returns after its commit is on disk; appends that arrive together share one. Positions
never come again, also after a trim (AUTOINCREMENT), because cursors and event ids rest on them.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import apsw

from plaudit.errors import UnavailableError
from plaudit.queries import load
from plaudit.spec.envelope import Entry, decode, encode
from plaudit.sqlite import Reader, Writer

_SQL = load("plaudit.log", "sqlite.sql")
_TRIM_ROWS = 1000
_POLL = 0.25  # seconds: how soon another process's append is noticed


_Pending = tuple[asyncio.Future[int], tuple[int, bytes]]  # who waits, and the row


def _prepare(connection: apsw.Connection) -> None:
    connection.execute(_SQL["schema"])


class SqliteLog:
    """See `Log`."""

    partitions = 1

    def __init__(self, path: Path) -> None:
        self._writer = Writer(path, "log-writer", prepare=_prepare)
        self._reader = Reader(path, "log-reader")
        self._appended = asyncio.Event()
        self._newest = 0
        self._pending: list[_Pending] = []

    async def append(self, entry: Entry) -> int:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._pending.append((future, (entry.received_at, encode(entry))))
        if len(self._pending) == 1:
            loop.call_soon(self._flush)
        return await future

    def _flush(self) -> None:
        """Hand over what came in this turn of the event loop, as one job."""
        pending, self._pending = self._pending, []
        rows = [row for _, row in pending]

        def insert(connection: apsw.Connection) -> int:
            connection.executemany(_SQL["append"], rows)
            return connection.last_insert_rowid()

        try:
            self._writer.submit(insert).add_done_callback(lambda job: self._settle(pending, job))
        except UnavailableError as error:
            for future, _ in pending:
                _fail(future, error)

    def _settle(self, pending: list[_Pending], job: asyncio.Future[int]) -> None:
        """It is on disk, or was not taken: tell those who wait. One job's positions follow on each other."""
        error = job.exception()
        if error is not None:
            for future, _ in pending:
                _fail(future, error)
            return
        self._newest = max(self._newest, job.result())
        self._appended.set()
        for position, (future, _) in enumerate(pending, job.result() - len(pending) + 1):
            if not future.done():
                future.set_result(position)

    async def read(self, partition: int, after: int, limit: int) -> list[tuple[int, Entry]]:
        del partition  # there is one

        def select(connection: apsw.Connection) -> list[tuple[int, Entry]]:
            rows: Any = connection.execute(_SQL["read"], (after, limit))
            return [(position, decode(entry)) for position, entry in rows]

        return await self._reader.run(select)

    async def head(self, partition: int) -> int:
        del partition
        return await self._reader.run(lambda connection: connection.execute(_SQL["head"]).get or 0)

    async def wait(self, partition: int, after: int, seconds: float) -> None:
        del partition
        deadline = asyncio.get_running_loop().time() + seconds
        while self._newest <= after:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._appended.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._appended.wait(), min(left, _POLL))
            if self._newest <= after:
                self._newest = max(self._newest, await self.head(0))

    async def trim(self, partition: int, through: int, before: int) -> int:
        del partition

        def delete(connection: apsw.Connection) -> int:
            connection.execute(_SQL["trim"], (through, _TRIM_ROWS, before))
            return connection.changes()

        gone = total = await self._writer.submit(delete)
        while gone == _TRIM_ROWS:  # small steps, so that appends in between never wait long
            gone = await self._writer.submit(delete)
            total += gone
        return total

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()


def _fail(future: asyncio.Future[int], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
