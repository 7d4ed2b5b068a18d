"""Orders that were taken back, and what that does to their invitations (meeting.py says what is decided)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from plaudit.spec.cancellation import Cancellation, covers
from plaudit.store.meeting import REASONS, WAITING, after_all, decode_order, said
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows

EVENTS = queries("process")
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
        await step_forward(connection, cancelled, now)


async def step_forward(connection: Connection, cancelled: Collection[int], now: int) -> None:
    """Make the invitations whose orders had to stand back for these; of each customer the first, for the others wait."""
    waiting = await rows(connection, SQL["standing_back"], {"ids": list(cancelled)})
    if not waiting:
        return
    first: dict[int, int] = {}
    for id_, behind, *_ in waiting:
        first.setdefault(behind, id_)
    forward = [(id_, event_id, to, after_all(by)) for id_, by, to, event_id in waiting if first[by] == id_]
    others = [(id_, first[by]) for id_, by, *_ in waiting if first[by] != id_]
    await change(connection, SQL["step_forward"], {"ids": list(first.values()), "now": now})
    await change(connection, SQL["stand_behind"], columns("id behind", others))
    await change(connection, EVENTS["made_after_all"], columns("id event_id destination_id detail", forward))
    await apply_cancellations(connection, list(first.values()), now)  # they too may have been taken back
