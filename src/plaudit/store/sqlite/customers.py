"""Customers who are not invited: those who were forgotten, and those who may be invited once in a while.

An order that is not invited because its customer is to be for another one stands back for that, as a cancelled
invitation. When that one is cancelled, it is made after all (cancel.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import apsw

from plaudit.destinations.base import State
from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.spec import email
from plaudit.sqlite import rows
from plaudit.store.base import EventRow
from plaudit.store.meeting import (
    ANEW,
    Known,
    Made,
    Met,
    Place,
    Wish,
    after_all,
    decode_order,
    encode,
    invited_before,
    people,
    recount,
    suppressed,
)
from plaudit.store.sqlite import cancel

EVENTS = load("plaudit.store", "sql", "sqlite", "process.sql")
SQL = load("plaudit.store", "sql", "sqlite", "ledger.sql")


class Before(NamedTuple):
    """Another invitation of the customer, and what it means for the order."""

    id: int
    met: Met
    open: bool  # it may still be cancelled


class Back(NamedTuple):
    """A delivery that stands back, and for which one."""

    id: int
    behind: int


def allowed(connection: apsw.Connection, events: Sequence[EventRow], vault: Vault) -> Sequence[EventRow]:
    """The events, where those of people who were forgotten make nothing."""
    if not connection.execute(SQL["any_suppressed"]).get:
        return events
    hashed = {place: vault.address(person) for place, person in people(events).items()}
    asked = (encode(list(set(hashed.values()))).decode(),)
    gone = {address for (address,) in rows(connection, SQL["suppressed_among"], asked)}
    return suppressed(events, {place for place, address in hashed.items() if address in gone})


def earlier(connection: apsw.Connection, wish: Wish, now: int) -> Before | None:
    """Which other order the customer was invited for a short time ago, if any."""
    order = wish.draft.order
    if order is None:
        return None
    given = {
        "recipient": email.recipient(order.email),
        "destination_id": wish.to,
        "order_id": order.order_id,
        "since": now - wish.draft.once_per,
    }
    for id_, key, payload, created_at, state in rows(connection, SQL["invited_before"], given):
        if payload and decode_order(payload).email.casefold() == order.email.casefold():
            return Before(id_, invited_before(id_, key, created_at), state != State.ACCEPTED)
    return None


def perhaps_anew(connection: apsw.Connection, wish: Wish, now: int) -> Before | None:
    """The order's own invitation that is there, if this event may make it anew (meeting.py)."""
    key = (wish.to, wish.draft.what.value, wish.draft.key)
    known = Known(*next(rows(connection, SQL["delivery_of_key"], key)))
    if known.state not in ANEW:
        return None
    return Before(known.id, invited_before(known.id, wish.draft.key, now), open=True)


def stand_back(connection: apsw.Connection, id_: int, before: Before) -> Back:
    given = {"id": id_, "message": before.met.detail, "behind": before.id}
    connection.execute(SQL["stand_back"], given)
    return Back(id_, before.id)


def step_forward(
    connection: apsw.Connection,
    back: Mapping[Place, Back],
    counts: Counter[str],
    done: Made,
    now: int,
) -> None:
    """Say of those that had to stand back in a batch, and do no more at its end, that they were made."""
    if not back:
        return
    cancel.step_forward(connection, {each.behind for each in back.values()}, now)
    asked = (encode([each.id for each in back.values()]).decode(),)
    forward = {id_ for (id_,) in rows(connection, SQL["stepped_forward"], asked)}
    for (to, event_id), (id_, behind) in back.items():
        if id_ in forward:
            event = {"id": id_, "event_id": event_id, "destination_id": to, "detail": after_all(behind)}
            connection.execute(EVENTS["made_after_all"], event)
            done.add(to)
    recount(counts, len(forward))
