"""SQLite as Plaudit uses it: durable, one writer thread a file, many jobs a commit.

Invariant: a job's future resolves only after the commit that holds it has reached the disk
(`synchronous=FULL` in WAL mode). Jobs that arrive while a commit runs share the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import apsw

from plaudit.errors import DataError, PlauditError, UnavailableError

T = TypeVar("T")
Job = Callable[[apsw.Connection], Any]

BUSY_MS = 10_000
COMMIT_JOBS = 512
ROWS = 64  # the most that a statement has; fewer rows take statements of 32, 16, … 1
_VALUES = re.compile(r"VALUES\s*(\([^()]*\))")


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """An open connection with Plaudit's settings. Raises `DataError`: no such file, not a database, no rights."""
    flags = apsw.SQLITE_OPEN_READWRITE if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        connection = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX)
        connection.set_busy_timeout(BUSY_MS)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=FAST")  # what is taken out leaves nothing in its page
        connection.execute("PRAGMA cache_size=-16384")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.execute("PRAGMA journal_size_limit=67108864")
        if readonly:
            connection.execute("PRAGMA query_only=ON")
    except apsw.Error as error:
        raise data_error(error, path) from None
    return connection


def data_error(error: apsw.Error, path: Path | str) -> PlauditError:
    """Our words for SQLite's: what a full or broken disk means for the one who asked."""
    if isinstance(error, apsw.FullError):
        return UnavailableError(f"the disk that holds {path} is full: free some space", retry_after=30)
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return UnavailableError(f"{path} is busy: another process holds its lock")
    if isinstance(error, apsw.IOError):
        return UnavailableError(f"cannot read or write {path}: {error}", retry_after=30)
    if isinstance(error, apsw.CantOpenError | apsw.PermissionsError | apsw.ReadOnlyError):
        return DataError(f"cannot open {path}: check that it exists and that you may write to it")
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return DataError(f"{path} is damaged or no Plaudit database: restore it from a backup")
    return DataError(f"{path}: {error}")


def rows(connection: apsw.Connection, sql: str, given: Any = ()) -> Iterator[Any]:
    """A query's rows, each a tuple whose types the query decides."""
    return iter(connection.execute(sql, given))


def put_many(connection: apsw.Connection, sql: str, given: Sequence[Sequence[Any]]) -> int:
    """Run a statement that has one `VALUES (?, …)` for many rows; how many rows it changed.

    Many rows a statement, not a statement a row: SQLite's work then runs in one piece beside the event loop,
    where a statement a row would wait for Python's lock each time.
    """
    changed, done, size = 0, 0, ROWS
    while done < len(given):
        while len(given) - done < size:
            size //= 2
        values = list(chain.from_iterable(given[done : done + size]))
        connection.execute(_with_rows(sql, size), values)
        changed += connection.changes()
        done += size
    return changed


@lru_cache
def _with_rows(sql: str, count: int) -> str:
    return _VALUES.sub(lambda match: "VALUES " + ", ".join([match[1]] * count), sql, count=1)


@contextlib.contextmanager
def savepoint(connection: apsw.Connection) -> Iterator[None]:
    """Statements that are undone together on an error; queries that see one state of the file.

    On a full or broken disk SQLite may undo the whole transaction by itself. Nothing is left to undo then, and what
    is raised is still the disk's error.
    """
    connection.execute("SAVEPOINT step")
    try:
        yield
        connection.execute("RELEASE step")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO step")
            connection.execute("RELEASE step")
        raise


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """One immediate transaction: all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class _UndoneError(Exception):
    """Carries a trial's result out of the transaction that must leave no trace."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


class Writer:
    """The one thread that writes to a file. `submit` from the event loop; `close` waits for what was submitted."""

    def __init__(self, path: Path, name: str, prepare: Callable[[apsw.Connection], None]) -> None:
        """`prepare` makes or migrates the schema, before anything else. Raises `DataError`."""
        self._path = path
        self._jobs: queue.SimpleQueue[tuple[Job, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._connection = connect(path)
        try:
            prepare(self._connection)
        except apsw.Error as error:
            raise data_error(error, path) from None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[apsw.Connection], T]) -> asyncio.Future[T]:
        """Run `job` inside the next transaction; its result comes after the commit.

        The future raises what the job raised (its own changes are undone, those of others stand), or
        `UnavailableError` when the disk did not take the commit.
        """
        if self._closed:
            raise UnavailableError("Plaudit is stopping")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((job, future))
        return future

    async def trial(self, job: Callable[[apsw.Connection], T]) -> T:
        """What `job` would come to: it is run, and undone."""

        def undone(connection: apsw.Connection) -> T:
            raise _UndoneError(job(connection))

        try:
            return await self.submit(undone)
        except _UndoneError as trial:
            result: T = trial.result
            return result

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        stop = False
        while not stop:
            taken = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while len(taken) < COMMIT_JOBS:
                    taken.append(self._jobs.get_nowait())
            stop = None in taken
            batch = [item for item in taken if item is not None]
            if batch:
                self._commit(batch)
        self._connection.close()

    def _commit(self, batch: list[tuple[Job, asyncio.Future[Any]]]) -> None:
        results: list[tuple[Any, BaseException | None]] = []
        try:
            with transaction(self._connection):
                for job, _ in batch:
                    results.append(self._one(job, alone=len(batch) == 1))
        except apsw.Error as error:
            failure = data_error(error, self._path)
            results = [(None, failure)] * len(batch)
        except BaseException as error:  # noqa: BLE001 - a lone job's own exception, handed to whoever waits
            results = [(None, error)] * len(batch)
        _deliver(batch, results)

    def _one(self, job: Job, *, alone: bool) -> tuple[Any, BaseException | None]:
        if alone:
            return job(self._connection), None
        try:
            with savepoint(self._connection):  # one job's failure undoes only itself
                result = job(self._connection)
        except (apsw.FullError, apsw.IOError, apsw.CorruptError):
            raise
        except BaseException as error:
            if not self._connection.in_transaction:
                raise  # all is undone, and a further job would run outside of any transaction
            return None, data_error(error, self._path) if isinstance(error, apsw.Error) else error
        return result, None


def _deliver(
    batch: list[tuple[Job, asyncio.Future[Any]]], results: list[tuple[Any, BaseException | None]]
) -> None:
    """Resolve the futures, with one wake-up for each event loop that waits (there is one)."""

    def resolve(pairs: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
        for future, result, error in pairs:
            if not future.done():
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)

    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, BaseException | None]]] = {}
    for (_, future), (result, error) in zip(batch, results, strict=True):
        loops.setdefault(future.get_loop(), []).append((future, result, error))
    for loop, pairs in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is gone, and nobody waits
            loop.call_soon_threadsafe(resolve, pairs)


class Reader:
    """One thread with a connection of its own that only reads."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, job: Callable[[apsw.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, job)

    def _run(self, job: Callable[[apsw.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect(self._path, readonly=True)
            return job(self._connection)
        except apsw.Error as error:
            raise data_error(error, self._path) from None

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, self._close)
        self._pool.shutdown(wait=True)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
