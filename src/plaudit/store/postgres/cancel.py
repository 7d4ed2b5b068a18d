"""Orders that were taken back, and what that does to their invitations (meeting.py says what is decided)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from plaudit.spec.cancellation import Cancellation, covers
from plaudit.store.meeting import REASONS, WAITING, decode_order, said
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows

SQL = queries("ledger")
_COLUMNS = "destination_id order_id at event amount"


async def put(connection: Connection, given: Iterable[tuple[int, Cancellation]]) -> None:
    """Keep cancellations. Two of one order and one time go one after the other: a statement puts a row once."""
    left = list(given)
    while left:
        now: dict[tuple[int, str, int], tuple[int, str, int, str, float | None]] = {}
        later: list[tuple[int, Cancellation]] = []
        for to, by in left:
            if (to, by.order_id, by.at) in now:
                later.append((to, by))
            else:
                now[to, by.order_id, by.at] = (to, by.order_id, by.at, by.event, by.amount)
        await change(connection, SQL["put_cancellations"], columns(_COLUMNS, now.values()))
        left = later


async def apply_cancellations(
    connection: Connection, ids: Collection[int], now: int
) -> dict[int, Cancellation]:
    """Cancel those of these deliveries whose orders were taken back; by what, by delivery. They must be locked."""
    if not ids:
        return {}
    cancelled: dict[int, Cancellation] = {}
    for id_, state, payload, *cancellation in await rows(
        connection, SQL["cancelled_among"], {"ids": list(ids)}
    ):
        by = Cancellation(*cancellation)
        if state in WAITING and payload is not None and covers(by, decode_order(payload)):
            cancelled.setdefault(id_, by)
    await cancel(connection, cancelled, now)
    return cancelled


async def cancel(connection: Connection, cancelled: dict[int, Cancellation], now: int) -> None:
    """Cancel deliveries, which must be locked, by what is said of each."""
    if cancelled:
        given = [(id_, REASONS[by.event], said(by)) for id_, by in cancelled.items()]
        await change(connection, SQL["cancel"], columns("id reason message", given) | {"now": now})
