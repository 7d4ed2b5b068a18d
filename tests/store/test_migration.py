"""An installation of the first schema becomes one of this one, with nothing lost."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec

from conformance.rows import order
from plaudit.destinations.base import State
from plaudit.secrets import vault
from plaudit.sqlite import connect
from plaudit.store.sqlite import SqliteStore
from plaudit.store.sqlite.schema import migrations

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
