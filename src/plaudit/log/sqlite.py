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

from plaudit.queries import load
from plaudit.spec.envelope import Entry, decode, encode
from plaudit.sqlite import Reader, Writer

_SQL = load("plaudit.log", "sqlite.sql")
_TRIM_ROWS = 1000
_POLL = 0.25  # seconds: how soon another process's append is noticed


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

    async def append(self, entry: Entry) -> int:
        row = (entry.received_at, encode(entry))

        def insert(connection: apsw.Connection) -> int:
            connection.execute(_SQL["append"], row)
            return connection.last_insert_rowid()

        position = await self._writer.submit(insert)
        self._newest = max(self._newest, position)
        self._appended.set()
        return position

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
