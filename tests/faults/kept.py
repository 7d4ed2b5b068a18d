"""What must hold of the files of a `Life`, wherever it was interrupted: they are opened as a new process would."""

from __future__ import annotations

from pathlib import Path

import apsw

from plaudit.destinations.base import State
from plaudit.log.sqlite import SqliteLog
from plaudit.spec.envelope import place
from plaudit.sqlite import connect
from plaudit.store.sqlite import SqliteStore

from .life import ENDS, LOG, STORE, VAULT, Told


async def check_log(folder: Path, told: Told) -> None:
    """Everything that was answered is there, in order, and once more at most what was never answered."""
    log = SqliteLog(folder / LOG)
    entries = await log.read(0, 0, 10_000)
    head = await log.head(0)
    await log.close()
    _sound(folder / LOG)
    there = [entry.events[0].message_id for _, entry in entries]
    positions = [position for position, _ in entries]
    assert positions == sorted(set(positions)) and (not positions or positions[-1] <= head)
    assert head >= max(len(told.appended), told.cursor), "an answered event is lost"
    left = iter(there)
    wanted = told.appended[told.may_go :]
    assert all(message_id in left for message_id in wanted), "an answered event is lost, or out of order"


async def check_store(folder: Path, told: Told) -> None:
    """Each commit as a whole or not at all; one row an order; no request that the ledger does not know of."""
    store = SqliteStore(folder / STORE, VAULT)
    rows = {row.order_id: row for row in await store.invitations()}
    total = len(await store.invitations())
    cursor = await store.cursor(0)
    histories = {order: await store.attempts(row.id) for order, row in rows.items()}
    await store.close()
    connection = _sound(folder / STORE)
    assert total == len(rows), "an order has two rows"
    assert cursor >= told.cursor, "the cursor went back"
    newest = connection.execute("SELECT coalesce(max(id), 0) FROM events").get
    assert not newest or place(newest)[1] == cursor, "a part of a batch"
    ids = connection.execute("SELECT id FROM deliveries ORDER BY id").get
    top = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").get
    assert ids is None or top >= connection.execute("SELECT max(id) FROM deliveries").get
    for order, attempt in told.sent.items():
        row = rows[order]
        assert row.attempts >= attempt, f"order {order} was sent, and the ledger does not know"
        ended = told.ended.get(order, (0, State.SENDING))
        numbers = {each.number: each for each in histories[order]}
        if ended[0] == attempt:
            outcome = next(outcome for outcome, state in ENDS if state is ended[1])
            assert numbers[attempt].outcome == outcome, "an outcome that was recorded is lost"
        elif row.attempts == attempt and attempt not in numbers:
            assert row.state == State.SENDING, f"order {order} is {row.state}, and its request is out"
    connection.close()


def _sound(path: Path) -> apsw.Connection:
    connection = connect(path)
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    assert not connection.execute("PRAGMA foreign_key_check").fetchall()
    return connection
