"""Counting what happens, and what was counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plaudit.store.postgres.sql import Connection, change, columns, queries, rows
from plaudit.store.tallies import HOUR_MS, Row, Tallied

SQL = queries("tallies")


async def put(connection: Connection, given: Sequence[Row]) -> None:
    """The last thing that a transaction locks: rows that only its like locks."""
    if given:
        await change(connection, SQL["put_tallies"], columns("step at shard what code number", given))


async def read(
    connection: Connection, step: int, since: int, until: int, destination_id: int | None
) -> list[Tallied]:
    given: dict[str, Any] = {"step": step, "since": since, "until": until}
    query = "tallies"
    if destination_id is not None:
        query, given["destination_id"] = "tallies_of", destination_id
    return [Tallied(*row) for row in await rows(connection, SQL[query], given)]


async def prune(connection: Connection, before: int) -> None:
    await change(connection, SQL["prune_tallies"], {"step": HOUR_MS, "before": before})
