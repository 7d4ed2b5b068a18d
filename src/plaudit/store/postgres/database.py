"""Connections to one database, and transactions on them.

Invariant: a transaction's result is returned only after its commit; it is run again only when surely nothing of it
was kept. A connection that is given back in the middle of anything is closed.

A pool of our own, since it must say at once, and why, when a server is away, and find it when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from plaudit.errors import DataError, UnavailableError
from plaudit.store.postgres import trouble
from plaudit.store.postgres.sql import Connection, adapters

T = TypeVar("T")
Job = Callable[[Connection], Awaitable[T]]

MOST = 8  # connections of one process
TRIES = 6  # of a transaction that others are in the way of
WAIT = 20.0  # seconds for a connection of the pool
UNDO = 5.0  # seconds for a rollback
TURN = 60.0  # seconds for a transaction, as seen from here

# What an address does not say itself. A machine that vanishes is noticed in about 20 seconds.
_DEFAULTS = {
    "application_name": "plaudit",
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
# Of each session. A process that is stopped in the middle of a transaction must not keep others waiting for long.
# Plans are made with the values at hand: sizes differ too much for one that fits all, and statistics of a table that
# has just begun to fill would stay in it. What is committed is on disk, whatever the server's default.
_SESSION = b"""
SELECT set_config('statement_timeout', '30s', false), set_config('lock_timeout', '10s', false),
  set_config('idle_in_transaction_session_timeout', '5s', false), set_config('plan_cache_mode', 'force_custom_plan', false),
  set_config('jit', 'off', false),
  CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""
# What a transaction sees is what is committed when each of its statements begins: the unique keys rely on it.
_BEGIN = b"BEGIN ISOLATION LEVEL READ COMMITTED"
# For people: one moment's state, and patience.
_BEGIN_LOOK = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '10min'"


class AgainError(Exception):
    """A job found that others changed what it builds on: its transaction is undone, and run again."""


class Database:
    """`run`, `trial` and `look` from one event loop. `prepare` sees to the schema, before anything else."""

    def __init__(self, url: str, prepare: Job[None]) -> None:
        """Raises `DataError`: no address of a PostgreSQL database."""
        given = _read(url)
        self._address = make_conninfo("", **_DEFAULTS | given)
        self.where = trouble.place(given)
        self._prepare = prepare
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._room = asyncio.Semaphore(MOST)
        self._idle: list[Connection] = []
        self.closed = False

    async def run(self, job: Job[T]) -> T:
        """A transaction. Raises `UnavailableError`: then it is not known whether it came to its end."""
        return await self._transact(_BEGIN, job, b"COMMIT", TURN)

    async def trial(self, job: Job[T]) -> T:
        """What a job would come to: it is run, and undone."""
        return await self._transact(_BEGIN, job, b"ROLLBACK", TURN)

    async def look(self, job: Job[T]) -> T:
        """Queries that see one state of the database, for people; they may take long."""
        return await self._transact(_BEGIN_LOOK, job, b"ROLLBACK", 10 * TURN)

    async def once(self, job: Job[T]) -> T:
        """A single statement, which is its own transaction, and may be run twice."""
        return await self._transact(None, job, None, TURN)

    @contextlib.asynccontextmanager
    async def apart(self) -> AsyncIterator[Connection]:
        """A connection beside the pool, for as long as it is wanted. psycopg's errors come through as ours."""
        await self._ensure()
        connection = await self._connect()
        try:
            yield connection
        except psycopg.Error as error:
            raise trouble.said(error, self.where) from None
        finally:
            await connection.close()

    async def close(self) -> None:
        self.closed = True
        await self._drop_idle()

    async def _transact(self, begin: bytes | None, job: Job[T], end: bytes | None, seconds: float) -> T:
        await self._ensure()
        renewed = False
        for tried in range(TRIES):
            try:
                async with asyncio.timeout(seconds), self._taken() as (connection, fresh):
                    return await _once(connection, begin, job, end)
            except AgainError:
                pass
            except TimeoutError:
                raise UnavailableError(f"{self.where} took too long to answer") from None
            except _LostError as lost:
                if lost.ended or renewed or fresh:
                    raise trouble.said(lost.error, self.where) from None
                renewed = (
                    True  # the server was started anew since the connection was made, and so are the others
                )
                await self._drop_idle()
            except psycopg.Error as error:
                if not trouble.again(error):
                    raise trouble.said(error, self.where) from None
            if tried:
                await asyncio.sleep(0.01 * 2**tried)
        raise UnavailableError(f"{self.where} had too many doing the same at once")

    @contextlib.asynccontextmanager
    async def _taken(self) -> AsyncIterator[tuple[Connection, bool]]:
        """A connection from the pool, and whether it is a new one."""
        try:
            async with asyncio.timeout(WAIT):
                await self._room.acquire()
        except TimeoutError:
            raise UnavailableError(f"all connections to {self.where} are in use") from None
        try:
            fresh = not self._idle
            connection = await self._connect() if fresh else self._idle.pop()
            try:
                yield connection, fresh
            finally:
                await self._give_back(connection)
        finally:
            self._room.release()

    async def _give_back(self, connection: Connection) -> None:
        if not self.closed and connection.info.transaction_status is TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _drop_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()

    async def _ensure(self) -> None:
        """See to the schema, once."""
        if self.closed:
            raise UnavailableError("Plaudit is stopping")
        if self._prepared:
            return
        async with self._preparing:
            if not self._prepared:
                async with self._taken() as (connection, _):
                    try:
                        await self._prepare(connection)
                    except psycopg.Error as error:
                        raise trouble.said(error, self.where) from None
                self._prepared = True

    async def _connect(self) -> Connection:
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._address, autocommit=True, context=_adapters
            )
        except psycopg.Error as error:
            raise trouble.said(error, self.where) from None
        try:
            await connection.execute(_SESSION)
        except BaseException as error:
            await connection.close()
            if isinstance(error, psycopg.Error):
                raise trouble.said(error, self.where) from None
            raise
        return connection


def _read(url: str) -> dict[str, Any]:
    """The parts of an address that it gives. Raises `DataError`, in words that quote none of it."""
    given: dict[str, Any] | None = None
    with contextlib.suppress(psycopg.Error):
        given = {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
    if given is None or not re.fullmatch(r"[\d,]*", str(given.get("port", ""))):
        raise DataError("--store is no address of a database: postgresql://user:password@host:5432/database")
    return given


class _LostError(Exception):
    """The connection broke. `ended`: during the commit, so that nobody knows what became of it."""

    def __init__(self, error: psycopg.Error, *, ended: bool) -> None:
        super().__init__()
        self.error = error
        self.ended = ended


async def _once(connection: Connection, begin: bytes | None, job: Job[T], end: bytes | None) -> T:
    """One transaction, undone on any error."""
    ending = False
    try:
        if begin is not None:
            await connection.execute(begin)
        result = await job(connection)
        ending = True
        if end is not None:
            await connection.execute(end)
    except BaseException as error:
        if isinstance(error, psycopg.Error) and connection.closed:
            raise _LostError(error, ended=ending and end == b"COMMIT") from None
        if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            with contextlib.suppress(psycopg.Error, TimeoutError):
                async with asyncio.timeout(UNDO):
                    await connection.execute(b"ROLLBACK")
        raise
    return result


_adapters = adapters()
