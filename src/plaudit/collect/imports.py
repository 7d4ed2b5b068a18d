"""Importing archives: many events an entry, straight into the log, and a record of how far each file has come.

Invariant: the record moves after what it tells of is durable. So an import that was killed goes on where it was;
the few events that it may append twice have the same message ids, and are told as duplicates.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from plaudit.clock import Clock, iso
from plaudit.collect.archive import Archive, envelope
from plaudit.errors import DataError, UnavailableError
from plaudit.log.base import Log
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import Store

T = TypeVar("T")
EVENTS = 256  # an entry, which is processed in one piece
BYTES = 256 * 1024
ENTRIES = 8  # a commit
BAD_LINES = 1000  # kept until they are written down
AHEAD = 32  # entries that a running server may be behind, so that live orders do not wait for an archive
QUIET = 1.0  # seconds after which a cursor that stands still means that no server processes
LOOK = 0.02
PAUSE = 2.0  # seconds until a full disk is tried again
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Imported(msgspec.Struct):
    """How far a file has come: lines read, events appended, lines refused and the bytes that they took to tell of."""

    file: str
    source: str
    history: bool
    lines: int = 0
    events: int = 0
    refused: int = 0
    refused_bytes: int = 0
    done: bool = False
    at: str = ""


class Record:
    """What was imported, in one file of the data directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, Imported])
        except FileNotFoundError:
            self._known = {}
        except (OSError, msgspec.DecodeError):
            raise DataError(
                f"cannot read {path}: remove it, and what is imported again is told as duplicates"
            ) from None

    @staticmethod
    def key(fingerprint: str, source: str, *, history: bool) -> str:
        return f"{fingerprint}/{source}/{'history' if history else 'live'}"

    def find(self, key: str) -> Imported | None:
        return self._known.get(key)

    def put(self, key: str, state: Imported) -> None:
        """Durably, and whole or not at all."""
        self._known[key] = state
        new = self._path.with_suffix(".new")
        write(new, 0, msgspec.json.format(msgspec.json.encode(self._known), indent=1))
        new.replace(self._path)


def write(path: Path, start: int, data: bytes) -> None:
    """Durably put `data` in place of all from `start` on."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(start)
        file.truncate()
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


class Importer:
    """Takes archives into the log. `told` hears (file's bytes read, events of this run), `waits` why it waits."""

    def __init__(
        self,
        log: Log,
        store: Store,
        clock: Clock,
        record: Record,
        *,
        waits: Callable[[str], None],
        told: Callable[[int, int], None] = lambda done, count: None,  # noqa: ARG005 - nobody listens
    ) -> None:
        self._log = log
        self._clock = clock
        self._record = record
        self.told = told
        self._waits = waits
        self._pace = _Pace(store)
        self._refused_bytes = 0

    async def run(
        self, archive: Archive, key: str, source_id: int, state: Imported, refused: Path
    ) -> Imported:
        """Import what `state` does not have yet; the state that follows. `refused`: where bad lines are told of."""
        batch = _Batch(state)
        self._refused_bytes = state.refused_bytes
        writing: asyncio.Task[None] | None = None
        before = state.events
        await self._log_ready()
        for number, line in archive.lines():
            if number <= state.lines:
                continue
            if batch.add(number, line, self._clock.now()):
                await asyncio.sleep(0)  # an append under way gets on meanwhile
            if batch.full:
                batch.close()
                if writing is not None:
                    await writing
                done, batch = batch, batch.following()
                writing = asyncio.create_task(self._put(done, key, source_id, refused))
                self.told(archive.read_bytes, done.state.events - before)
        if writing is not None:
            await writing
        batch.state.done = not archive.fault
        batch.close()
        await self._put(batch, key, source_id, refused)
        self.told(archive.read_bytes, batch.state.events - before)
        return batch.state

    async def _log_ready(self) -> None:
        """A log that is older than the cursor (lost, restored) would take events that nobody reads."""
        cursor = await self._pace.cursor()
        if await self._log.head(0) < cursor:
            await self._log.advance(0, cursor)

    async def _put(self, batch: _Batch, key: str, source_id: int, refused: Path) -> None:
        now, state = self._clock.now(), batch.state
        entries = [Entry(source_id, now, events, history=state.history) for events in batch.entries]
        if entries:
            # Begun together, they share a segment: all of them are taken, or none.
            positions = await self._patiently(
                lambda: asyncio.gather(*(self._log.append(entry) for entry in entries))
            )
            await self._patiently(lambda: self._pace.wait(positions[-1]))
        if batch.bad:
            start, told = self._refused_bytes, b"".join(batch.bad)
            await self._patiently(lambda: asyncio.to_thread(write, refused, start, told))
            self._refused_bytes += len(told)
        state.refused_bytes, state.at = self._refused_bytes, iso(now)
        if key:
            await self._patiently(lambda: asyncio.to_thread(self._record.put, key, state))

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """What a full disk does not take is tried until it does."""
        while True:
            try:
                return await step()
            except UnavailableError as error:
                self._waits(str(error))
            except OSError as error:
                if error.errno not in _FULL:
                    raise DataError(f"cannot write {error.filename or 'a file'}: {error.strerror}") from None
                self._waits("the disk is full: free some space")
            await asyncio.sleep(PAUSE)


class _Batch:
    """What is appended together; `state` is how far the file has come with it."""

    def __init__(self, state: Imported) -> None:
        self.state = msgspec.structs.replace(state)
        self.entries: list[list[Envelope]] = []
        self.bad: list[bytes] = []
        self._open: list[Envelope] = []
        self._size = 0

    def add(self, number: int, line: bytes, now: int) -> bool:
        """Take a line; whether it completed an entry."""
        found = envelope(line, now)
        self.state.lines = number
        if found.refused:
            self.bad.append(_told(number, found, line))
            self.state.refused += 1
            return False
        self.state.events += 1
        self._open.append(found)
        self._size += len(found.body)
        if len(self._open) < EVENTS and self._size < BYTES:
            return False
        self.close()
        return True

    def close(self) -> None:
        if self._open:
            self.entries.append(self._open)
            self._open, self._size = [], 0

    @property
    def full(self) -> bool:
        return len(self.entries) >= ENTRIES or len(self.bad) >= BAD_LINES

    def following(self) -> _Batch:
        return _Batch(self.state)


def _told(number: int, found: Envelope, line: bytes) -> bytes:
    text = line[:500].decode("utf-8", "replace")
    row: dict[str, Any] = {"line": number, "code": found.refused, "reason": found.reason, "text": text}
    return msgspec.json.encode(row) + b"\n"


class _Pace:
    """Keeps a running server from falling far behind; where none runs, it keeps out of the way."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursor: int | None = None
        self._moved = float("-inf")

    async def cursor(self) -> int:
        cursor = await self._store.cursor(0)
        if self._cursor is not None and cursor != self._cursor:
            self._moved = asyncio.get_running_loop().time()
        self._cursor = cursor
        return cursor

    async def wait(self, position: int) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(UnavailableError):  # a store in trouble does not process, either
            # Another process moves it, so there is nothing here to wait for but time.
            while (  # noqa: ASYNC110
                position - await self.cursor() > AHEAD and loop.time() - self._moved < QUIET
            ):
                await asyncio.sleep(LOOK)
