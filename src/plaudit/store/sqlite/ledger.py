"""The ledger's turns: claim what is due, record what attempts came to, recover what a dead process left.

Invariant: a row is 'sending' on disk before its request leaves, so no crash can hide an attempt.
"""

from __future__ import annotations

from itertools import islice, zip_longest

import apsw
import msgspec

from plaudit.destinations.base import Fault, Outcome, State
from plaudit.queries import load
from plaudit.sqlite import put_many, rows
from plaudit.store.base import BY_HAND, Claimed, Settled
from plaudit.store.meeting import INTERRUPTED, INTERRUPTED_SAID
from plaudit.store.sqlite import config, tallies
from plaudit.store.sqlite.cancel import apply_cancellations
from plaudit.store.tallies import of_turn

SQL = load("plaudit.store", "sql", "sqlite", "deliver.sql")
_decode_claimed = msgspec.json.Decoder(list[Claimed]).decode


def turn(
    connection: apsw.Connection,
    destination_id: int,
    settled: list[Settled],
    limit: int,
    owner: str,
    now: int,
    lease_until: int,
) -> list[Claimed]:
    counted = of_turn(destination_id, tallies.settling(connection, settled, owner), now)
    put_many(
        connection,
        SQL["settle"],
        [
            (s.id, s.attempt, owner, s.state.value, s.reason, s.message, s.due_at, s.finished_at)
            for s in settled
        ],
    )
    exchanges = _put_exchanges(connection, settled)
    put_many(
        connection,
        SQL["put_attempt"],
        [
            (
                s.id,
                s.attempt,
                s.started_at,
                s.finished_at,
                s.outcome.value,
                s.reason,
                s.message,
                s.status,
                s.fault.value,
                exchanges.get(s.exchanges),
            )
            for s in settled
        ],
    )
    tallies.put(connection, counted)
    # An order that was cancelled during an attempt must not be tried again.
    apply_cancellations(connection, [s.id for s in settled if s.state is State.QUEUED], now)
    _cancel_forgotten(connection, [s.id for s in settled if s.state is not State.ACCEPTED], now)
    if limit <= 0:
        return []
    claimed = _due(connection, destination_id, limit, now)
    if claimed:
        ids = msgspec.json.encode([c.id for c in claimed]).decode()
        lease = {"ids": ids, "owner": owner, "now": now, "lease_until": lease_until}
        connection.execute(SQL["claim"], lease)
    return claimed


def _put_exchanges(connection: apsw.Connection, settled: list[Settled]) -> dict[bytes, int]:
    """Their ids: the attempts of one page share one."""
    new = {s.exchanges: s.finished_at for s in settled if s.exchanges}
    if not new:
        return {}
    put_many(connection, SQL["put_exchange"], [(at, content) for content, at in new.items()])
    last = connection.last_insert_rowid()  # there is one writer, so that they follow each other
    return dict(zip(new, range(last - len(new) + 1, last + 1), strict=True))


def _due(connection: apsw.Connection, destination_id: int, limit: int, now: int) -> list[Claimed]:
    """What is due, from each source in turn: the backlog of one does not keep another's new orders waiting."""
    at = {"destination_id": destination_id}
    by_source = [
        _decode_claimed(
            connection.execute(SQL["due"], at | {"source_id": id_, "limit": limit, "now": now}).get
        )
        for (id_,) in connection.execute(SQL["waiting_sources"], at).fetchall()
    ]
    if len(by_source) == 1:
        return by_source[0]
    in_turn = (each for row in zip_longest(*by_source) for each in row if each is not None)
    return list(islice(in_turn, limit))


def release(connection: apsw.Connection, claimed: list[Claimed], owner: str, now: int) -> None:
    connection.executemany(SQL["release"], [(now, c.id, owner) for c in claimed])


def pause(
    connection: apsw.Connection, destination_id: int, reason: str, message: str, now: int, version: int
) -> None:
    given = {"id": destination_id, "reason": reason, "message": message, "now": now, "version": version}
    connection.execute(SQL["pause"], given)
    if reason == BY_HAND:
        config.touch(connection)


def resume(connection: apsw.Connection, destination_id: int, reason: str | None) -> None:
    connection.execute(SQL["resume"], {"id": destination_id, "reason": reason})
    if reason is None:
        config.touch(connection)


def unblock(connection: apsw.Connection, destination_id: int, now: int) -> int:
    connection.execute(SQL["unblock"], {"destination_id": destination_id, "now": now})
    return connection.changes()


def next_due(connection: apsw.Connection, destination_id: int) -> int | None:
    due: int | None = connection.execute(SQL["next_due"], {"destination_id": destination_id}).get
    return due


def recover(connection: apsw.Connection, owner: str, alone: bool, now: int, resend: list[int]) -> int:
    given = {"now": now, "alone": alone, "owner": owner}
    found = list(rows(connection, SQL["abandoned"], given))
    for id_, destination_id, attempts, started_at in found:
        state = State.QUEUED if destination_id in resend else State.UNCERTAIN
        connection.execute(
            SQL["recover"], (state.value, INTERRUPTED, INTERRUPTED_SAID, now, now, id_, attempts)
        )
        outcome, fault = Outcome.UNCERTAIN.value, Fault.OURS.value
        attempt = (id_, attempts, started_at, now, outcome, INTERRUPTED, INTERRUPTED_SAID, 0, fault, None)
        connection.execute(SQL["put_attempt"], attempt)
    apply_cancellations(connection, [row[0] for row in found if row[1] in resend], now)
    _cancel_forgotten(connection, [row[0] for row in found], now)
    return len(found)


def _cancel_forgotten(connection: apsw.Connection, ids: list[int], now: int) -> None:
    """Whom Plaudit forgot during an attempt cannot be invited by another one."""
    if ids:
        connection.execute(SQL["cancel_forgotten"], {"ids": msgspec.json.encode(ids).decode(), "now": now})
