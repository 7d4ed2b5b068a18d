"""Undoing what people decided, a portion at a time, so that lanes go on meanwhile (undoing.py says what comes back)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw
import msgspec

from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.sqlite import rows
from plaudit.store import undoing
from plaudit.store.decisions import DecidedView, Decision, Undone
from plaudit.store.sqlite import config
from plaudit.store.sqlite.cancel import apply_cancellations
from plaudit.store.undoing import Kept, Left, Rules

SQL = load("plaudit.store", "sql", "sqlite", "undo.sql")
PRUNE_ROWS = 1000


def undo(
    connection: apsw.Connection,
    decision: int,
    only: int | None,
    after: int,
    limit: int,
    now: int,
    vault: Vault,
) -> Undone:
    """See `Store.undo`."""
    asked = {"decision": decision, "only": only, "after": after, "limit": limit}
    found = [Kept(*row) for row in rows(connection, SQL["kept"], asked)]
    if not found:
        return Undone({}, {})
    rules = undoing.rules(config.read(connection, vault))
    others = _others(connection, found, rules, now)
    told = {id_ for id_, *place in undoing.telling(found) if _is_told(connection, id_, *place)}
    back, left = undoing.judge(found, rules, others, told, now)
    connection.executemany(SQL["restore"], [(*row[1:], now, row.id) for row in back])
    ids = [row.id for row in back]
    gone = apply_cancellations(connection, ids, now)
    connection.execute(
        SQL["undone"], {"decision": decision, "ids": msgspec.json.encode(ids).decode(), "now": now}
    )
    left |= dict.fromkeys(gone, Left.TAKEN_BACK.value)
    return Undone({row.id: row.state for row in back if row.id not in gone}, left)


def _others(
    connection: apsw.Connection, found: list[Kept], rules: Mapping[int, Rules], now: int
) -> list[tuple[int, Any]]:
    """Payloads of other invitations of the customers for whom that matters."""
    others = []
    for row in undoing.asking(found, rules):
        since = rules.get(row.to or 0, Rules()).since(now)
        given = {"id": row.id, "destination_id": row.to, "recipient": row.recipient, "since": since}
        others += [(row.id, payload) for (payload,) in rows(connection, SQL["others"], given)]
    return others


def _is_told(connection: apsw.Connection, id_: int, definition: int, destination: int, profile: int) -> bool:
    given = {"id": id_, "definition": definition, "destination": destination, "profile": profile}
    return bool(connection.execute(SQL["told"], given).get)


def decision(connection: apsw.Connection, id_: int) -> Decision | None:
    return undoing.summary(next(rows(connection, SQL["decision"], (id_,)), None))


def decisions(connection: apsw.Connection, delivery_id: int) -> list[DecidedView]:
    return [undoing.view(Kept(*row)) for row in rows(connection, SQL["kept_of_delivery"], (delivery_id,))]


def prune(connection: apsw.Connection, before: int) -> int:
    connection.execute(SQL["prune"], {"before": before, "limit": PRUNE_ROWS})
    return connection.changes()
