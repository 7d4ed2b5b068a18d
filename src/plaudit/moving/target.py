"""The PostgreSQL database that an installation moves to. All is put into a schema of its own, beside what is there.

Statements are made here and not in a .sql file: most of them name a table of tables.py.

Invariant: nothing is where a cluster looks for it before all of it is there, has been compared, and is put in place in
one transaction. How far the move has come is kept in the transaction of what it did, so it goes on from anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from plaudit.errors import DataError, InUseError
from plaudit.moving.tables import CONFIGURATION, TABLES, Row, Summing, Table
from plaudit.store import profiles
from plaudit.store.base import READER
from plaudit.store.postgres import trouble
from plaudit.store.postgres.schema import migrate

SCHEMA = "plaudit_moving"
_CHUNK = 5000
_PATIENCE = 6.0  # seconds until a server has noticed that an earlier move was killed


class Begun(msgspec.Struct):
    """How far a table has come: the key of its last row."""

    rows: int = 0
    last: list[Any] | None = None


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Target]:
    """Raises `PlauditError`, here and for whatever fails inside."""
    where = "the database"
    try:
        where = trouble.place(dict(conninfo_to_dict(url)))
        connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, application_name="plaudit move", connect_timeout=10
        )
        async with connection:
            await connection.execute(
                "SET synchronous_commit = on; SET idle_in_transaction_session_timeout = '10min'"
            )
            yield Target(connection, where)
    except psycopg.Error as error:
        raise trouble.said(error, where) from None


class Target:
    """`state` first, then `begin`, and `finish` at the end."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], where: str) -> None:
        self._connection = connection
        self.where = where
        self._home = ""  # the schema where a cluster looks

    async def state(self) -> tuple[bool, str]:
        """(whether an installation is there, the id of the move that was begun or '')."""
        home = await self._one("SELECT current_schema()")
        if home is None or home == SCHEMA:
            raise DataError(
                f"{self.where} has no schema to make tables in: make the one that search_path names"
            )
        self._home = str(home)
        names = [*(table.name for table in TABLES), "plaudit_migrations"]
        there = await self._one(
            "SELECT count(*) FROM pg_tables WHERE schemaname = %s AND tablename = ANY (%s)",
            (self._home, names),
        )
        begun = ""
        if await self._one("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.moving",)):
            begun = await self._one(f"SELECT value FROM {SCHEMA}.moving WHERE key = 'id'") or ""  # noqa: S608 - our name
        return bool(there), begun

    async def alone(self) -> None:
        """Raises `InUseError`: another move works on it."""
        ours = "SELECT pg_try_advisory_lock(hashtext('plaudit'), hashtext('move'))"
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while not await self._one(ours):
            if asyncio.get_running_loop().time() > deadline:
                raise InUseError(f"another 'plaudit move' works on {self.where}: wait for it, or stop it")
            await asyncio.sleep(0.2)

    async def begin(self, id_: str, begun: str) -> None:
        """Make the tables beside, unless they are there."""
        if not begun:  # what a move left that was killed before it had a name is nobody's
            await self._connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        await self._connection.execute(f"SET search_path = {SCHEMA}")
        await migrate(self._connection)
        if not begun:
            async with self._connection.transaction():
                await self._connection.execute(
                    "CREATE TABLE moving (key text PRIMARY KEY, value text NOT NULL)"
                )
                await self._connection.execute("DELETE FROM meta")
                await self.keep("id", id_)

    async def keep(self, key: str, value: str) -> None:
        await self._connection.execute(
            "INSERT INTO moving VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    async def kept(self, key: str) -> str | None:
        found: str | None = await self._one("SELECT value FROM moving WHERE key = %s", (key,))
        return found

    async def begun(self, table: Table) -> Begun:
        kept = await self.kept(f"table {table.name}")
        return msgspec.json.decode(kept, type=Begun) if kept else Begun()

    async def put(self, table: Table, rows: list[Row], begun: Begun) -> None:
        """Some rows, and how far the table has come with them."""
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), _names(table))
        async with self._connection.transaction():
            async with self._connection.cursor() as cursor, cursor.copy(into) as copy:
                for row in rows:
                    await copy.write_row(row)
            await self.keep(f"table {table.name}", msgspec.json.encode(begun).decode())

    async def empty(self, names: set[str]) -> set[str]:
        """Forget tables that are to be put anew; which ones, since some go together."""
        if names & CONFIGURATION:
            names = names | CONFIGURATION
        together = sql.SQL(", ").join(sql.Identifier(name) for name in sorted(names))
        async with self._connection.transaction():
            await self._connection.execute(sql.SQL("TRUNCATE {}").format(together))
            await self._connection.execute(
                "DELETE FROM moving WHERE key = ANY (%s)", ([f"table {name}" for name in names],)
            )
        return names

    async def add_up(self, table: Table, clear: Callable[[Row], Row], told: Callable[[int], None]) -> Summing:
        """All rows of a table. `told` hears of each few thousand."""
        summing = Summing()
        select = sql.SQL("SELECT {} FROM {}").format(_names(table), sql.Identifier(table.name))
        async with self._connection.transaction(), self._connection.cursor("moving") as cursor:
            await cursor.execute(select)
            while found := await cursor.fetchmany(_CHUNK):
                summing.add(clear(row) for row in found)
                told(len(found))
        return summing

    async def finish(self, last_ids: dict[str, int], position: int) -> None:
        """Put all of it where a cluster looks, in one transaction. `position`: partition 0 goes on after it.

        `last_ids`: by sequence, the highest that there ever was.
        """
        for table in TABLES:  # so that its first plans are good ones
            await self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table.name)))
        async with self._connection.transaction():
            for reader in (READER, profiles.READER):
                await self._connection.execute(
                    "INSERT INTO cursors VALUES (%s, 0, %s) ON CONFLICT (reader, partition)"
                    " DO UPDATE SET position = greatest(cursors.position, excluded.position)",
                    (reader, position),
                )
            for name, last in last_ids.items():
                if last:
                    await self._connection.execute("SELECT setval(%s, %s)", (name, last))
            for name in ("sources", "destinations", "definitions", "sync_runs", "people", "tokens", "audit"):
                await self._connection.execute(
                    sql.SQL(
                        "SELECT setval(pg_get_serial_sequence({}, 'id'), max(id)) FROM {} HAVING max(id) > 0"
                    ).format(sql.Literal(name), sql.Identifier(name))
                )
            await self._connection.execute("DROP TABLE moving")
            cursor = await self._connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", (SCHEMA,)
            )
            for (name,) in await cursor.fetchall():
                move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
                await self._connection.execute(
                    move.format(sql.Identifier(SCHEMA, name), sql.Identifier(self._home))
                )
            await self._connection.execute(f"DROP SCHEMA {SCHEMA}")  # fails if anything was left in it

    async def _one(self, query: str, given: tuple[Any, ...] = ()) -> Any:
        cursor = await self._connection.execute(query.encode(), given or None)
        found = await cursor.fetchone()
        return found[0] if found else None


def _names(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in table.columns)
