"""What a batch's events do at their destinations: deliveries, cancellations, dispositions.

The unique index decides: an order that has its row makes no second one. Statements run over whole batches; only
what is rare (duplicates, cancellations, customers who may be invited once in a while) is looked at one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.spec import dispositions
from plaudit.sqlite import put_many, rows
from plaudit.store.base import EventRow, Route
from plaudit.store.meeting import (
    MADE,
    Known,
    Made,
    Met,
    Place,
    Wish,
    delivery,
    encode,
    existing,
    taken_back_before,
)
from plaudit.store.sqlite import cancel, customers
from plaudit.store.sqlite.customers import Back, Before

EVENTS = load("plaudit.store", "sql", "sqlite", "process.sql")
SQL = load("plaudit.store", "sql", "sqlite", "ledger.sql")


def put_routes(
    connection: apsw.Connection, events: Sequence[EventRow], now: int, counts: Counter[str], vault: Vault
) -> Made:
    """Put all that these events do, and count it; what they made."""
    events = customers.allowed(connection, events, vault)
    wishes = [Wish(r.destination_id, e, r.draft) for e in events for r in e.routes if r.draft is not None]
    cancelling = [(r.destination_id, r.cancellation) for e in events for r in e.routes if r.cancellation]
    for to, by in cancelling:
        cancel.put(connection, to, by)
    made, before, back = _put_wishes(connection, wishes, now)
    gone = cancel.apply_cancellations(connection, list(made.values()), now)
    done = Made()
    routed: list[tuple[int, int, str, str | None, int | None]] = []
    for event in events:
        for route in event.routes:
            met = _met(connection, event, route, made, before, now)
            if met.delivery_id in gone and met.code == dispositions.INVITED:
                met = taken_back_before(gone[met.delivery_id], met.delivery_id)
            elif met.code in MADE:
                done.add(route.destination_id, met.code)
            counts[met.code] += 1
            routed.append((event.id, route.destination_id, *met))
    put_many(connection, EVENTS["put_disposition"], routed)
    customers.step_forward(connection, back, counts, done, now)
    return done


def _met(
    connection: apsw.Connection,
    event: EventRow,
    route: Route,
    made: dict[Place, int],
    before: dict[Place, Met],
    now: int,
) -> Met:
    """What became of an event at one destination."""
    if route.cancellation is not None:
        return cancel.meet_invitation(connection, route.destination_id, route.cancellation, now)
    if route.draft is None:
        return Met(route.code, route.detail, None)
    place = (route.destination_id, event.id)
    if place in made:
        return Met(route.code, route.detail, made[place])
    if place in before:
        return before[place]
    return _existing(connection, Wish(route.destination_id, event, route.draft), now)


def _put_wishes(
    connection: apsw.Connection, wishes: list[Wish], now: int
) -> tuple[dict[Place, int], dict[Place, Met], dict[Place, Back]]:
    """Put a delivery for each draft that has none: the new ones' ids, why others may not have one, which stand back."""
    made: dict[Place, int] = {}
    before: dict[Place, Met] = {}
    back: dict[Place, Back] = {}
    anew: dict[tuple[int, str], Before] = {}  # by destination and address
    if not wishes:
        return made, before, back
    next_id = connection.execute(SQL["last_delivery"]).get + 1
    given = [
        delivery(id_, wish, now)
        for id_, wish in enumerate((w for w in wishes if not w.draft.once_per), next_id)
    ]
    fresh = _there(connection, given)
    made |= {(row[1], row[5]): row[0] for row in given if row[0] in fresh}
    for wish in wishes:
        if wish.draft.once_per:
            place = (wish.to, wish.event.id)
            person = (wish.to, wish.draft.order.email.casefold() if wish.draft.order else "")
            found = customers.earlier(connection, wish, now) or anew.get(person)
            if found is not None:
                before[place] = found.met
                if not found.open:
                    continue
            id_ = connection.execute(SQL["last_delivery"]).get + 1
            if not _there(connection, [delivery(id_, wish, now)]):
                if found is None and (own := customers.perhaps_anew(connection, wish, now)):
                    anew[person] = own
            elif found is None:
                made[place] = id_
            else:
                back[place] = customers.stand_back(connection, id_, found)
    return made, before, back


def _there(connection: apsw.Connection, given: Sequence[tuple[Any, ...]]) -> set[int]:
    """Put deliveries; the ids of those that were not passed over."""
    ids = {row[0] for row in given}
    if put_many(connection, SQL["put_delivery"], given) == len(given):
        return ids
    found: Iterable[Any] = rows(connection, SQL["deliveries_there"], (encode(list(ids)).decode(),))
    return {id_ for (id_,) in found}


def _existing(connection: apsw.Connection, wish: Wish, now: int) -> Met:
    """What became of a draft whose key has its delivery already."""
    key = (wish.to, wish.draft.what.value, wish.draft.key)
    known = Known(*next(rows(connection, SQL["delivery_of_key"], key)))
    met, anew = existing(wish, known, lambda order: cancel.taken_back(connection, known.id, order))
    if anew:
        payload, call, recipient, state, _, due_at, _ = delivery(known.id, wish, now)[6:]
        given = {"payload": payload, "call": call, "recipient": recipient, "event_id": wish.event.id}
        given |= {"id": known.id, "state": state, "due_at": due_at, "now": now}
        connection.execute(SQL["make_anew"], given)
    return met
