"""The ledger's turns: claim what is due, record what attempts came to, recover what a dead process left.

Invariant: a row is 'sending' on disk before its request leaves, so no crash can hide an attempt.
"""

from __future__ import annotations

import apsw
import msgspec

from plaudit.destinations.base import Outcome, State
from plaudit.queries import load
from plaudit.sqlite import put_many
from plaudit.store.base import Claimed, Settled

SQL = load("plaudit.store", "sql", "sqlite", "deliver.sql")
_decode_claimed = msgspec.json.Decoder(list[Claimed]).decode

INTERRUPTED = "interrupted"
_INTERRUPTED = "Plaudit stopped during the attempt: it cannot be known whether the invitation was made"


def turn(
    connection: apsw.Connection,
    destination_id: int,
    settled: list[Settled],
    limit: int,
    owner: str,
    now: int,
    lease_until: int,
) -> list[Claimed]:
    put_many(
        connection,
        SQL["settle"],
        [
            (s.id, s.attempt, owner, s.state.value, s.reason, s.message, s.due_at, s.finished_at)
            for s in settled
        ],
    )
    put_many(
        connection,
        SQL["put_attempt"],
        [
            (s.id, s.attempt, s.started_at, s.finished_at, s.outcome.value, s.reason, s.message, s.status)
            for s in settled
        ],
    )
    if limit <= 0:
        return []
    due = {"destination_id": destination_id, "limit": limit, "now": now}
    claimed = _decode_claimed(connection.execute(SQL["due"], due).get)
    if claimed:
        ids = msgspec.json.encode([c.id for c in claimed]).decode()
        lease = {"ids": ids, "owner": owner, "now": now, "lease_until": lease_until}
        connection.execute(SQL["claim"], lease)
    return claimed


def release(connection: apsw.Connection, claimed: list[Claimed], owner: str, now: int) -> None:
    connection.executemany(SQL["release"], [(now, c.id, owner) for c in claimed])


def pause(connection: apsw.Connection, destination_id: int, reason: str, message: str, now: int) -> None:
    connection.execute(SQL["pause"], (now, reason, message, destination_id))


def unblock(connection: apsw.Connection, destination_id: int, now: int) -> int:
    connection.execute(SQL["unblock"], {"destination_id": destination_id, "now": now})
    return connection.changes()


def next_due(connection: apsw.Connection, destination_id: int) -> int | None:
    due: int | None = connection.execute(SQL["next_due"], (destination_id,)).get
    return due


def recover(connection: apsw.Connection, owner: str, alone: bool, now: int, resend: list[int]) -> int:
    rows = connection.execute(SQL["abandoned"], {"now": now, "alone": alone, "owner": owner}).fetchall()
    for id_, destination_id, attempts, started_at in rows:
        state = State.QUEUED if destination_id in resend else State.UNCERTAIN
        connection.execute(SQL["recover"], (state.value, INTERRUPTED, _INTERRUPTED, now, now, id_, attempts))
        attempt = (id_, attempts, started_at, now, Outcome.UNCERTAIN.value, INTERRUPTED, _INTERRUPTED, 0)
        connection.execute(SQL["put_attempt"], attempt)
    return len(rows)
