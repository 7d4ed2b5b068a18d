"""Bringing a database to the newest schema: the migrations that it has not had, in order, in one transaction.

Any number of processes may start at once: the first one migrates, the others wait for it. While a cluster is brought
from one version to the next, old and new processes work on one database:

- `NNNN_pre_what.sql` is safe while older code runs: it adds what older code does not see (a table, an index, a column
  that may be null or has a default). Older code also starts on a schema that has more of them than it knows.
- `NNNN_post_what.sql` needs the new code everywhere. The notes of a release that has one say so: stop all processes of
  the version before, then start the new one. Older code does not start on it.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

from plaudit.errors import DataError
from plaudit.store.postgres.sql import Connection

_NAME = re.compile(r"(\d{4})_(pre|post)_\w+\.sql")
# A name of its own: a database may be shared with others.
_BOOK = b"""
CREATE TABLE plaudit_migrations (
  number bigint PRIMARY KEY,
  kind   text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
# Not to_regclass: in a transaction that waited for the lock it may still answer as before.
_THERE = b"SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'plaudit_migrations'"
_LOCK = b"SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('migrate'))"


class Migration(NamedTuple):
    number: int
    kind: str  # pre or post
    sql: str


def migrations() -> list[Migration]:
    """In order."""
    found = []
    for file in files("plaudit.store").joinpath("sql", "postgres").iterdir():
        match = _NAME.fullmatch(file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    return sorted(found)


async def migrate(connection: Connection, known: list[Migration] | None = None) -> None:
    """Raises `DataError`: the database was changed by a newer Plaudit, or is of another kind than is needed."""
    known = migrations() if known is None else known
    if _check(await _done(connection), known):
        return
    await _examine(connection)
    async with connection.transaction():
        await connection.execute(b"SET LOCAL statement_timeout = '15min'; SET LOCAL lock_timeout = '15min'")
        await connection.execute(_LOCK)
        done = await _done(connection)
        if _check(done, known):
            return
        if not done:
            await connection.execute(_BOOK)
        for number, kind, sql in known:
            if number not in done:
                await connection.execute(sql.encode())
                await connection.execute(
                    b"INSERT INTO plaudit_migrations (number, kind) VALUES (%s, %s)", (number, kind)
                )


async def _done(connection: Connection) -> dict[int, str]:
    if await (await connection.execute(_THERE)).fetchone() is None:
        return {}
    return dict(await (await connection.execute(b"SELECT number, kind FROM plaudit_migrations")).fetchall())


def _check(done: dict[int, str], known: list[Migration]) -> bool:
    """Whether the schema is as this code needs it. Raises `DataError`: it has gone where this code cannot follow."""
    newest = known[-1].number
    if any(number > newest and kind == "post" for number, kind in done.items()):
        raise DataError("this database was changed by a newer Plaudit: run that one, or restore a backup")
    return all(number in done for number, _, _ in known)


async def _examine(connection: Connection) -> None:
    cursor = await connection.execute(b"SHOW server_encoding")
    found = await cursor.fetchone()
    if found is None or found[0] != "UTF8":
        raise DataError(
            "the database's encoding is not UTF8: make it with 'createdb --encoding=UTF8 --template=template0'"
        )
