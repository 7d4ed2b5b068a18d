"""A store as the first schema made it, with an invitation in every state: for the migration to the next one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw

from plaudit.destinations.base import State
from plaudit.sqlite import connect, transaction
from plaudit.store.sqlite.schema import migrations

COPIES = 40  # of each state: more than one page of rows
LAST_ID = 5000  # rows with higher ids than are there have gone
LEASE = ("dead process", 99)


def make(path: Path) -> None:
    """The file, closed."""
    connection = connect(path)
    number, sql = migrations()[0]
    with transaction(connection):
        connection.execute(sql)
        connection.pragma("user_version", number)
    with transaction(connection):
        connection.execute(
            "INSERT INTO destinations VALUES (1, 'trustpilot', 'trustpilot', x'00', 1, 5, 7, 'r', 'm')"
        )
        connection.execute("INSERT INTO sources VALUES (1, 'shop', x'00', 1, 5)")
        connection.execute("INSERT INTO connections VALUES (1, 1)")
        connection.execute("INSERT INTO cursors VALUES ('process', 0, 77)")
        for number in range(COPIES * len(State)):
            _row(connection, number + 1, list(State)[number % len(State)])
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'invitations'", (LAST_ID,))
    connection.close()


def _row(connection: apsw.Connection, id_: int, state: State) -> None:
    order = {"order_id": f"o{id_}", "email": f"c{id_}@example.com", "name": "Zoë " * 20, "ordered_at": id_}
    owner, until = LEASE if state is State.SENDING else (None, None)
    row = (
        id_,
        f"o{id_}",
        id_ * 10,
        json.dumps(order).encode(),
        state.value,
        "why",
        "words",
        1,
        id_,
        owner,
        until,
    )
    connection.execute(
        "INSERT INTO invitations (id, destination_id, order_id, source_id, event_id, payload, state, reason, message, "
        "attempts, created_at, due_at, first_attempt_at, updated_at, lease_owner, lease_until) "
        "VALUES (?, 1, ?, 1, ?, ?, ?, ?, ?, ?, ?, 11, 12, 13, ?, ?)",
        row,
    )
    connection.execute("INSERT INTO attempts VALUES (?, 1, 3, 4, 'retry', 'dns', 'words', 0)", (id_,))
    connection.execute(
        "INSERT INTO events VALUES (?, 1, ?, 'track', 'Order Completed', 1, 1, ?, NULL, NULL, 1)",
        (id_ * 10, f"m{id_}", f"o{id_}"),
    )
    connection.execute("INSERT INTO dispositions VALUES (?, 1, 'invited', NULL, ?)", (id_ * 10, id_))


_KEPT = "source_id, event_id, payload, state, reason, message, attempts, created_at, due_at, first_attempt_at, updated_at, lease_owner, lease_until"


def content(connection: apsw.Connection) -> dict[str, Any]:
    """All that must be the same before and after, in either schema."""
    new = connection.pragma("user_version") > 1
    table, key, of = (
        ("deliveries", "key", "delivery_id") if new else ("invitations", "order_id", "invitation_id")
    )
    queries = {
        "rows": f"SELECT id, destination_id, {key}, {_KEPT} FROM {table} ORDER BY id",
        "attempts": f"SELECT {of}, number, started_at, finished_at, outcome, reason, message, status FROM attempts ORDER BY 1, 2",
        "dispositions": f"SELECT event_id, destination_id, code, detail, {of} FROM dispositions ORDER BY 1, 2",
        "events": "SELECT * FROM events ORDER BY id",
        "cursors": "SELECT * FROM cursors",
        "paused": "SELECT id, name, type, settings, active, created_at, paused_at, paused_reason FROM destinations",
        "sequence": f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'",
    }
    return {name: connection.execute(sql).fetchall() for name, sql in queries.items()}
