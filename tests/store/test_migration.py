"""An installation of the first schema becomes one of this one, with nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import msgspec
import psycopg

from conformance.rows import order
from plaudit.destinations.base import State
from plaudit.secrets import vault
from plaudit.sqlite import connect
from plaudit.store.postgres import PostgresStore, schema
from plaudit.store.sqlite import SqliteStore
from plaudit.store.sqlite.schema import migrations
from plaudit.store.tallies import DAY_MS, HOUR_MS

ROW = (
    "INSERT INTO invitations (id, destination_id, order_id, source_id, event_id, payload, state, attempts, created_at, "
    "due_at, updated_at) VALUES (?, 1, ?, 1, ?, ?, ?, 1, 5, 6, 7)"
)


def first_schema(path: Path) -> apsw.Connection:
    connection = connect(path)
    connection.execute(migrations()[0][1])
    connection.pragma("user_version", 1)
    return connection


async def test_the_ledger_of_the_first_schema_goes_on(tmp_path: Path) -> None:
    connection = first_schema(tmp_path / "store.db")
    connection.execute(
        "INSERT INTO destinations (name, type, settings, active, created_at) VALUES ('trustpilot', 'trustpilot', x'', 1, 1)"
    )
    for number, state in enumerate(State, 1):
        payload = msgspec.json.encode(order(number))
        connection.execute(ROW, (number, str(number), number, payload, state.value))
    connection.execute(ROW, (99, "gone", 99, b"{}", "accepted"))
    connection.execute("DELETE FROM invitations WHERE id = 99")
    connection.execute("INSERT INTO attempts VALUES (1, 1, 2, 3, 'retry', 'server_error', 'said', 500)")
    connection.execute("INSERT INTO dispositions VALUES (1, 1, 'invited', NULL, 1)")
    connection.close()

    store = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    found = await store.invitations()
    assert {i.order_id: i.state for i in found} == {str(n): s.value for n, s in enumerate(State, 1)}
    assert all(i.order == order(int(i.order_id)) and i.id == int(i.order_id) for i in found)
    assert [i.order_id for i in await store.invitations(email="Customer3@example.com")] == ["3"]
    (attempt,) = await store.attempts(1)
    assert (attempt.outcome, attempt.status, attempt.fault) == ("retry", 500, "vendor")
    await store.close()
    again = connect(tmp_path / "store.db")
    # An id that was ever given is never given again.
    assert again.execute("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").get == 99
    again.close()


# What there was is counted, once, as if it had been counted when it happened.
OLD_ROWS = (
    (
        "INSERT INTO events (id, source_id, message_id, type, received_at, timestamp, order_id, disposition, first) VALUES "
        "(1, 1, 'a', 'track', 90000000, 1, 'o1', NULL, {yes}), (2, 1, 'b', 'track', 90000001, 1, NULL, 'bad_request', {no})"
    ),
    "INSERT INTO dispositions (event_id, destination_id, code) VALUES (1, 1, 'invited'), (1, 2, 'invited')",
    (
        "INSERT INTO deliveries (id, destination_id, what, key, source_id, event_id, state, created_at, due_at, updated_at) "
        "VALUES (1, 1, 'invitation', 'o1', 1, 1, 'accepted', 90000002, 0, 180000000), "
        "(2, 2, 'invitation', 'o1', 1, 1, 'queued', 90000002, 0, 90000002)"
    ),
)
COUNTED = [
    *((DAY_MS, "event", "", 2), (DAY_MS, "fate", "bad_request", 1), (DAY_MS, "fate", "invited", 2)),
    *((DAY_MS, "made", "1", 1), (DAY_MS, "made", "2", 1), (DAY_MS, "order", "", 1)),
    (2 * DAY_MS, "ended", "accepted", 1),
]


def nobody(*_: Any) -> None:
    return None


async def test_what_there_was_is_counted(tmp_path: Path) -> None:
    connection = first_schema(tmp_path / "store.db")
    connection.create_scalar_function("recipient", nobody, 1, deterministic=True)
    tallies = next(number for number, sql in migrations() if "CREATE TABLE tallies" in sql)
    for number, sql in migrations()[1 : tallies - 1]:
        connection.execute(sql)
        connection.pragma("user_version", number)
    for sql in OLD_ROWS:
        connection.execute(sql.format(yes=1, no=0))
    connection.close()
    store = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    assert await store.tallies(DAY_MS, 0, 9 * DAY_MS) == COUNTED
    hours = await store.tallies(HOUR_MS, 0, 9 * DAY_MS)
    assert [t[1:] for t in hours] == [t[1:] for t in COUNTED] and hours[0].at == 25 * HOUR_MS
    await store.close()


async def test_what_there_was_is_counted_by_postgresql(tmp_path: Path, in_schema: Callable[..., str]) -> None:
    async with await psycopg.AsyncConnection.connect(in_schema(), autocommit=True) as connection:
        tallies = next(m.number for m in schema.migrations() if "CREATE TABLE tallies" in m.sql)
        await schema.migrate(connection, schema.migrations()[: tallies - 1])
        for sql in OLD_ROWS:
            await connection.execute(sql.format(yes="true", no="false").encode())
    store = PostgresStore(in_schema(), vault(tmp_path))
    assert await store.tallies(DAY_MS, 0, 9 * DAY_MS) == COUNTED
    assert [t[1:] for t in await store.tallies(HOUR_MS, 0, 9 * DAY_MS)] == [t[1:] for t in COUNTED]
    await store.close()
