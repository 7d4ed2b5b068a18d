"""Telling other processes that there is something to deliver, and hearing of it.

Only ever to be quicker: what was missed while a connection was away, a lane finds by itself a moment later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

import psycopg

from plaudit.errors import PlauditError
from plaudit.store.postgres.database import Database
from plaudit.store.postgres.sql import Connection

PATIENCE = 1.0  # seconds between two tries to listen again
QUIET = 30.0  # seconds after which a silent connection is asked whether it is there
_A_NOTE = 500  # ids; a notification has room for 8,000 bytes

_CHANNEL = b"SELECT 'plaudit_' || md5(current_schema())"  # several installations may share a database


async def tell(database: Database, destination_ids: Collection[int]) -> None:
    """Say that these have new deliveries.

    After the commit, not in it: PostgreSQL lets only one transaction with a notification commit at a time, and that
    would be the disk's time for each of them.
    """

    async def notify(connection: Connection) -> None:
        ids = sorted(destination_ids)
        for at in range(0, len(ids), _A_NOTE):
            note = ",".join(str(id_) for id_ in ids[at : at + _A_NOTE])
            await connection.execute(
                b"SELECT pg_notify('plaudit_' || md5(current_schema()), %s)", (note,), prepare=True
            )

    if destination_ids:
        with contextlib.suppress(PlauditError):
            await database.once(notify)


async def listen(database: Database, heard: Callable[[set[int]], None]) -> None:
    """Call `heard` with what others tell, through restarts of the server, until the database is closed."""
    while not database.closed:
        with contextlib.suppress(PlauditError):
            async with database.apart() as connection:
                await _hear(connection, database, heard)
        if not database.closed:
            await asyncio.sleep(PATIENCE)


async def _hear(connection: Connection, database: Database, heard: Callable[[set[int]], None]) -> None:
    row = await (await connection.execute(_CHANNEL)).fetchone()
    if row is None:
        return
    await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(row[0])))
    while not database.closed:
        async for note in connection.notifies(timeout=QUIET):
            heard({int(id_) for id_ in note.payload.split(",") if id_.isdigit()})
        await connection.execute(b"SELECT 1")
