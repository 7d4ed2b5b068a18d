"""The ledger's turns: claim what is due, record what attempts came to, recover what a dead process left.

Invariant: a row is 'sending' on disk before its request leaves, so no crash can hide an attempt. Rows are locked in
the order of their ids, or not waited for (process.py has the whole order).
"""

from __future__ import annotations

import msgspec

from plaudit.destinations.base import Fault, Outcome, State, What
from plaudit.spec.order import Order
from plaudit.store.base import BY_HAND, Claimed, Settled
from plaudit.store.meeting import INTERRUPTED, INTERRUPTED_SAID, decode_order
from plaudit.store.postgres import config, tallies
from plaudit.store.postgres.cancel import apply_cancellations
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows, value
from plaudit.store.tallies import of_turn

SQL = queries("deliver")
_ATTEMPT = "id number started_at finished_at outcome reason message status fault exchange_id"
_decode = msgspec.json.Decoder(Order).decode


async def turn(
    connection: Connection,
    destination_id: int,
    settled: list[Settled],
    limit: int,
    owner: str,
    now: int,
    lease_until: int,
) -> list[Claimed]:
    if settled:
        await _settle(connection, destination_id, settled, owner, now)
    if limit <= 0:
        return []
    lease = {
        "destination_id": destination_id,
        "lane": f"lane:{destination_id}",
        "limit": limit,
        "owner": owner,
        "now": now,
        "lease_until": lease_until,
    }
    return [
        Claimed(id_, What(what), None if payload is None else _decode(payload), attempt, first, due_at, call)
        for id_, what, payload, attempt, first, due_at, call in await rows(connection, SQL["claim"], lease)
    ]


async def _settle(
    connection: Connection, destination_id: int, settled: list[Settled], owner: str, now: int
) -> None:
    exchanges = await _put_exchanges(connection, settled)
    ended = {
        (s.id, s.attempt): (
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
            s.state.value,
            s.due_at,
        )
        for s in settled
    }
    given = columns(f"{_ATTEMPT} state due_at", ended.values())
    changed = await rows(connection, SQL["settle"], given | {"owner": owner})
    ended_now = [(state, made_at) for state, made_at, what in changed if what == What.INVITATION]
    await change(connection, SQL["put_attempts"], given)
    # An order that was cancelled during an attempt must not be tried again.
    await apply_cancellations(connection, [s.id for s in settled if s.state is State.QUEUED], now)
    await _cancel_forgotten(connection, [s.id for s in settled if s.state is not State.ACCEPTED], now)
    await tallies.put(connection, of_turn(destination_id, ended_now, now))


async def _put_exchanges(connection: Connection, settled: list[Settled]) -> dict[bytes, int]:
    """Their ids: the attempts of one page share one."""
    new = {s.exchanges: s.finished_at for s in settled if s.exchanges}
    if not new:
        return {}
    given = columns("at content", [(at, content.decode()) for content, at in new.items()])
    ids = [id_ for (id_,) in await rows(connection, SQL["put_exchanges"], given)]
    return dict(zip(new, ids, strict=True))


async def release(connection: Connection, claimed: list[Claimed], owner: str, now: int) -> None:
    if claimed:
        given = columns("id number", [(c.id, c.attempt) for c in claimed])
        await change(connection, SQL["release"], given | {"owner": owner, "now": now})


async def pause(
    connection: Connection, destination_id: int, reason: str, message: str, now: int, version: int
) -> None:
    given = {"destination_id": destination_id, "reason": reason, "message": message, "now": now}
    given |= {"version": version}
    await change(connection, SQL["pause"], given)
    if reason == BY_HAND:
        await config.touch(connection)


async def resume(connection: Connection, destination_id: int, reason: str | None) -> None:
    await change(connection, SQL["resume"], {"destination_id": destination_id, "reason": reason})
    if reason is None:
        await config.touch(connection)


async def unblock(connection: Connection, destination_id: int, now: int) -> int:
    return await change(connection, SQL["unblock"], {"destination_id": destination_id, "now": now})


async def next_due(connection: Connection, destination_id: int) -> int | None:
    due: int | None = await value(connection, SQL["next_due"], {"destination_id": destination_id})
    return due


async def recover(connection: Connection, owner: str, alone: bool, now: int, resend: list[int]) -> int:
    found = await rows(connection, SQL["abandoned"], {"now": now, "alone": alone, "owner": owner})
    if not found:
        return 0
    states = [(id_, (State.QUEUED if to in resend else State.UNCERTAIN).value) for id_, to, _, _ in found]
    given = columns("id state", states)
    said = {"reason": INTERRUPTED, "message": INTERRUPTED_SAID, "now": now}
    await change(connection, SQL["recover"], given | said)
    attempts = [
        (
            id_,
            number,
            started,
            now,
            Outcome.UNCERTAIN.value,
            INTERRUPTED,
            INTERRUPTED_SAID,
            0,
            Fault.OURS.value,
            None,
        )
        for id_, _, number, started in found
    ]
    await change(connection, SQL["put_attempts"], columns(_ATTEMPT, attempts))
    await apply_cancellations(connection, [row[0] for row in found if row[1] in resend], now)
    await _cancel_forgotten(connection, [row[0] for row in found], now)
    return len(found)


async def _cancel_forgotten(connection: Connection, ids: list[int], now: int) -> None:
    """Whom Plaudit forgot during an attempt cannot be invited by another one."""
    if not ids:
        return
    found = await rows(connection, SQL["forgotten_among"], {"ids": ids})
    gone = [id_ for id_, payload in found if not decode_order(payload).email]
    if gone:
        await change(connection, SQL["cancel_forgotten"], {"ids": gone, "now": now})
