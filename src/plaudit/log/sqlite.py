"""The log in one SQLite file, with one partition.

Invariant: `append` returns after its commit is on disk. Entries that arrive together become one row, a
segment; so the cost of a commit does not depend on how many share it.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import apsw
import msgspec

from plaudit.errors import UnavailableError
from plaudit.queries import load
from plaudit.spec import envelope
from plaudit.spec.envelope import Entry, encode
from plaudit.sqlite import Reader, Writer, rows

_SQL = load("plaudit.log", "sqlite.sql")
_TRIM_SEGMENTS = 500
_POLL = 0.25  # seconds between looks for what another process appended, while that one is quiet
_POLL_BUSY = 0.002  # and just after it appended something


_Pending = tuple[asyncio.Future[int], int, bytes]  # who waits, when it came (ms), the encoded entry


def _prepare(connection: apsw.Connection) -> None:
    connection.execute(_SQL["schema"])


class SqliteLog:
    """See `Log`."""

    partitions = 1

    def __init__(self, path: Path, quiet: float = _POLL) -> None:
        """`quiet`: how many seconds may pass between looks for what other processes appended."""
        self._writer = Writer(path, "log-writer", prepare=_prepare)
        self._reader = Reader(path, "log-reader")
        self._appended = asyncio.Event()
        self._newest = 0
        self._quiet = self._poll = quiet
        self._pending: list[_Pending] = []

    async def open(self) -> None:
        """Its file is open already."""

    async def append(self, entry: Entry) -> int:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._pending.append((future, entry.received_at, encode(entry)))
        if len(self._pending) == 1:
            loop.call_soon(self._flush)
        return await future

    def _flush(self) -> None:
        """Hand over what came in this turn of the event loop, as one segment."""
        pending, self._pending = self._pending, []
        received_at, count = max(at for _, at, _ in pending), len(pending)
        segment = envelope.array([entry for *_, entry in pending])

        def insert(connection: apsw.Connection) -> int:
            head: int = connection.execute(_SQL["head"]).get or 0
            connection.execute(_SQL["append"], (head + 1, head + count, received_at, segment))
            return head + 1

        try:
            self._writer.submit(insert).add_done_callback(lambda job: self._settle(pending, job))
        except UnavailableError as error:
            for future, *_ in pending:
                _fail(future, error)

    def _settle(self, pending: list[_Pending], job: asyncio.Future[int]) -> None:
        """The segment is on disk, or was not taken: tell those who wait."""
        error = job.exception()
        if error is not None:
            for future, *_ in pending:
                _fail(future, error)
            return
        first = job.result()
        self._newest = max(self._newest, first + len(pending) - 1)
        self._appended.set()
        for position, (future, *_) in enumerate(pending, first):
            if not future.done():
                future.set_result(position)

    async def read(self, partition: int, after: int, limit: int) -> list[tuple[int, Entry]]:
        del partition  # there is one

        def select(connection: apsw.Connection) -> list[tuple[int, Entry]]:
            found: list[tuple[int, Entry]] = []
            for first, segment in rows(connection, _SQL["read"], {"after": after}):
                entries = enumerate(envelope.decode_array(segment), first)
                found += [(position, entry) for position, entry in entries if position > after]
                if len(found) >= limit:
                    break
            return found[:limit]

        return await self._reader.run(select)

    async def head(self, partition: int) -> int:
        del partition
        return await self._reader.run(lambda connection: connection.execute(_SQL["head"]).get or 0)

    async def advance(self, partition: int, position: int) -> None:
        del partition

        def skip(connection: apsw.Connection) -> None:
            head: int = connection.execute(_SQL["head"]).get or 0
            if head < position:
                connection.execute(_SQL["append"], (position, position, 0, envelope.array([])))

        await self._writer.submit(skip)

    async def wait(self, partition: int, after: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._newest <= after:
            left = deadline - loop.time()
            if left <= 0:
                return
            self._appended.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._appended.wait(), min(left, self._poll))
                return
            head = await self.head(partition)
            # Where another process appends, looking often while it is at work costs less than its orders waiting.
            self._poll = _POLL_BUSY if head > self._newest else min(self._poll * 1.2, self._quiet)
            self._newest = max(self._newest, head)

    async def trim(self, partition: int, through: int, before: int) -> int:
        del partition
        total = 0
        while True:  # small steps, so that appends in between never wait long
            gone, more = await self._writer.submit(lambda connection: _trim(connection, through, before))
            total += gone
            if not more:
                return total

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()


def _trim(connection: apsw.Connection, through: int, before: int) -> tuple[int, bool]:
    """(entries that went, whether there may be more to go)."""
    given = {"limit": _TRIM_SEGMENTS, "through": through, "before": before}
    old = list(rows(connection, _SQL["old"], given))
    connection.execute(_SQL["trim"], (msgspec.json.encode([first for first, _ in old]).decode(),))
    return sum(last - first + 1 for first, last in old), len(old) == _TRIM_SEGMENTS


def _fail(future: asyncio.Future[int], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
