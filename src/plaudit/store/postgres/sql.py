"""Statements as this dialect runs them: many rows go in as one array a column.

So a batch is one statement of one shape, whatever its size: it is parsed once a connection and planned with the values
at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.array import ListBinaryDumper
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import StrBinaryDumper

from plaudit.queries import load

Connection = psycopg.AsyncConnection[Any]
Given = Mapping[str, Any]


class _Text(StrBinaryDumper):
    """PostgreSQL's text holds neither U+0000 nor half a character: other people's strings may."""

    def dump(self, obj: str) -> bytes:
        return obj.replace("\0", "\ufffd").encode("utf-8", "replace")


def adapters() -> AdaptersMap:
    """One type each for numbers, strings and lists of them, all binary: many times faster for arrays."""
    found = AdaptersMap(psycopg.adapters)
    found.register_dumper(int, Int8BinaryDumper)
    found.register_dumper(str, _Text)
    found.register_dumper(list, ListBinaryDumper)
    return found


@cache
def queries(name: str) -> dict[str, bytes]:
    """The statements of one of this dialect's files, by name."""
    return {
        query: sql.encode() for query, sql in load("plaudit.store", "sql", "postgres", f"{name}.sql").items()
    }


async def rows(connection: Connection, sql: bytes, given: Given | None = None) -> list[Any]:
    cursor = await connection.execute(sql, given or {}, prepare=True)
    return await cursor.fetchall()


async def change(connection: Connection, sql: bytes, given: Given | None = None) -> int:
    """How many rows a statement put, changed or dropped."""
    return (await connection.execute(sql, given or {}, prepare=True)).rowcount


async def value(connection: Connection, sql: bytes, given: Given | None = None) -> Any:
    """The first column of a query's one row; None if it has none."""
    found = await rows(connection, sql, given)
    return found[0][0] if found else None


def columns(names: str, given: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows as one array for each of their columns, which are named in one string."""
    each = names.split()
    arrays = [list(column) for column in zip(*given, strict=True)] or [[] for _ in each]
    return dict(zip(each, arrays, strict=True))
