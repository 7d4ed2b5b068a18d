"""Orders that were taken back, and what that does to their invitations (meeting.py says what is decided)."""

from __future__ import annotations

from collections.abc import Collection

import apsw
import msgspec

from plaudit.destinations.base import What
from plaudit.queries import load
from plaudit.spec.cancellation import Cancellation, covers
from plaudit.spec.order import Order
from plaudit.sqlite import rows
from plaudit.store.meeting import REASONS, WAITING, Known, Met, after_all, decode_order, meet, said

EVENTS = load("plaudit.store", "sql", "sqlite", "process.sql")
SQL = load("plaudit.store", "sql", "sqlite", "ledger.sql")


def put(connection: apsw.Connection, destination_id: int, cancellation: Cancellation) -> None:
    row = {"destination_id": destination_id, **msgspec.structs.asdict(cancellation)}
    connection.execute(SQL["put_cancellation"], row)


def apply_cancellations(
    connection: apsw.Connection, ids: Collection[int], now: int
) -> dict[int, Cancellation]:
    """Cancel those of these deliveries whose orders were taken back; by what, by delivery."""
    if not ids or not connection.execute(SQL["any_cancellation"]).get:
        return {}
    cancelled: dict[int, Cancellation] = {}
    found = list(rows(connection, SQL["cancelled_among"], (msgspec.json.encode(list(ids)).decode(),)))
    for id_, state, payload, *cancellation in found:
        by = Cancellation(*cancellation)
        if state in WAITING and payload is not None and covers(by, decode_order(payload)):
            _cancel(connection, id_, by, now)
            cancelled[id_] = by
    return cancelled


def meet_invitation(connection: apsw.Connection, destination_id: int, by: Cancellation, now: int) -> Met:
    """What a cancellation that has been put does to the order's invitation."""
    key = (destination_id, What.INVITATION.value, by.order_id)
    row = next(rows(connection, SQL["delivery_of_key"], key), None)
    known = None if row is None else Known(*row)
    met, cancels = meet(known, by)
    if known is not None and cancels:
        _cancel(connection, known.id, by, now)
    return met


def taken_back(connection: apsw.Connection, id_: int, order: Order) -> bool:
    """Whether a cancellation that is kept covers this order of a delivery."""
    found = rows(connection, SQL["cancelled_among"], (msgspec.json.encode([id_]).decode(),))
    return any(covers(Cancellation(*row[3:]), order) for row in found)


def _cancel(connection: apsw.Connection, id_: int, by: Cancellation, now: int) -> None:
    row = {"id": id_, "reason": REASONS[by.event], "message": said(by), "now": now}
    connection.execute(SQL["cancel"], row)
    step_forward(connection, [id_], now)


def step_forward(connection: apsw.Connection, cancelled: Collection[int], now: int) -> None:
    """Make the invitations whose orders had to stand back for these; of each customer the first, for the others wait."""
    first: dict[int, int] = {}
    waiting = list(rows(connection, SQL["standing_back"], (msgspec.json.encode(list(cancelled)).decode(),)))
    for id_, behind, destination_id, event_id in waiting:
        if behind in first:
            connection.execute(SQL["stand_behind"], (first[behind], id_))
            continue
        first[behind] = id_
        connection.execute(SQL["step_forward"], {"id": id_, "now": now})
        event = {"id": id_, "event_id": event_id, "destination_id": destination_id}
        connection.execute(EVENTS["made_after_all"], event | {"detail": after_all(behind)})
    apply_cancellations(connection, list(first.values()), now)  # they too may have been taken back
