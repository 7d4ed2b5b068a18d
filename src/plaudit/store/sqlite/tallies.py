"""Counting what happens, and what was counted."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from plaudit.queries import load
from plaudit.sqlite import put_many, rows
from plaudit.store.base import Settled
from plaudit.store.tallies import HOUR_MS, Row, Tallied

SQL = load("plaudit.store", "sql", "sqlite", "tallies.sql")


def put(connection: apsw.Connection, given: Sequence[Row]) -> None:
    if given:
        put_many(connection, SQL["put_tallies"], given)


def settling(connection: apsw.Connection, settled: list[Settled], owner: str) -> list[tuple[str, int]]:
    """The states that follow from attempts which are about to be settled, and when their deliveries were made."""
    if not settled:
        return []
    ids = msgspec.json.encode([s.id for s in settled]).decode()
    known = {row[:2]: row[2] for row in rows(connection, SQL["settling"], {"ids": ids, "owner": owner})}
    return [(s.state.value, known[s.id, s.attempt]) for s in settled if (s.id, s.attempt) in known]


def read(
    connection: apsw.Connection, step: int, since: int, until: int, destination_id: int | None
) -> list[Tallied]:
    given = {"step": step, "since": since, "until": until, "destination_id": destination_id}
    query = "tallies" if destination_id is None else "tallies_of"
    return [Tallied(*row) for row in rows(connection, SQL[query], given)]


def prune(connection: apsw.Connection, before: int) -> None:
    connection.execute(SQL["prune_tallies"], {"step": HOUR_MS, "before": before})
