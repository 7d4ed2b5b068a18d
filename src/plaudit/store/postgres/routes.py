"""What a batch's events do at their destinations: deliveries, cancellations, dispositions.

The unique index decides: an order that has its row makes no second one. Statements run over whole batches; what is
decided about a delivery that is there is decided here, on a row that this transaction holds (meeting.py), and written
for all of them at the end. The lock order is in process.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from plaudit.destinations.base import State, What
from plaudit.secrets import Vault
from plaudit.spec import dispositions
from plaudit.spec.cancellation import Cancellation, covers
from plaudit.spec.order import Order
from plaudit.store.base import EventRow, Route
from plaudit.store.meeting import (
    MADE,
    REASONS,
    Known,
    Made,
    Met,
    Place,
    Wish,
    delivery,
    existing,
    meet,
    taken_back_before,
)
from plaudit.store.postgres import cancel, customers
from plaudit.store.postgres.database import AgainError
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows

EVENTS = queries("process")
SQL = queries("ledger")
Key = tuple[int, str, str]  # destination, what, key

DELIVERY = (
    "destination_id what key source_id event_id payload call recipient state created_at due_at updated_at"
)
_GUARD = -1  # in place of an event's id
_ANEW = "id payload call recipient event_id state due_at updated_at"
_DISPOSITION = "event_id destination_id code detail delivery_id"


async def put_routes(
    connection: Connection, events: Sequence[EventRow], now: int, counts: Counter[str], vault: Vault
) -> Made:
    """Put all that these events do, and count it; what they made."""
    done = Made()
    if not events:
        return done
    events = await customers.allowed(connection, events, vault)
    wishes = [Wish(r.destination_id, e, r.draft) for e in events for r in e.routes if r.draft is not None]
    cancelling = [(r.destination_id, r.cancellation) for e in events for r in e.routes if r.cancellation]
    await cancel.put(connection, cancelling)
    wanted, before = await customers.wanted(connection, wishes, now)
    standing = customers.standing_back(wishes, before)
    made = await _put_deliveries(connection, [*wanted, *standing], cancelling, now)
    met_before, back = await customers.stand_back(connection, before, made, now)
    gone = await cancel.apply_cancellations(connection, list(made.values()), now)
    left = [w for w in wishes if (w.to, w.event.id) not in made and (w.to, w.event.id) not in met_before]
    there = await _There.look(connection, left, cancelling)
    routed: dict[Place, tuple[Any, ...]] = {}
    for event in events:
        for route in event.routes:
            place = (route.destination_id, event.id)
            met = _made(route, made.get(place)) or met_before.get(place) or there.met(event, route, now)
            if met.delivery_id in gone and met.code == dispositions.INVITED:
                met = taken_back_before(gone[met.delivery_id], met.delivery_id)
            elif met.code in MADE:
                done.add(route.destination_id, met.code)
            counts[met.code] += 1
            routed[place] = (event.id, route.destination_id, *met)
    await there.write(connection, now)
    await change(connection, EVENTS["put_dispositions"], columns(_DISPOSITION, routed.values()))
    await customers.step_forward(connection, back, counts, done, now)
    return done


def _made(route: Route, id_: int | None) -> Met | None:
    """What became of a route that made its delivery, or that can make none."""
    if route.cancellation is not None:
        return None
    return Met(route.code, route.detail, id_) if id_ is not None or route.draft is None else None


async def _put_deliveries(
    connection: Connection, wishes: Sequence[Wish], cancelling: Iterable[tuple[int, Cancellation]], now: int
) -> dict[Place, int]:
    """Put a delivery for each draft whose key has none; the new ones' ids.

    A cancellation and its order may be committed by two processes at the same time, and neither would see the other's.
    So a cancellation takes the place of its order's delivery in the unique index, too, and leaves it again: whoever
    comes second waits, and then sees what the first one did.
    """
    keys = {(wish.to, wish.draft.key) for wish in wishes if wish.draft.what is What.INVITATION}
    guards = {(to, by.order_id) for to, by in cancelling} - keys
    given = [delivery(0, wish, now)[1:] for wish in wishes]
    given += [
        (to, What.INVITATION.value, key, 0, _GUARD, None, None, None, State.CANCELLED.value, now, now, now)
        for to, key in guards
    ]
    if not given:
        return {}
    given = [(*row[:5], _text(row[5]), _text(row[6]), *row[7:]) for row in given]
    put = await rows(connection, SQL["put_deliveries"], columns(DELIVERY, given))
    if over := [id_ for id_, _, event_id in put if event_id == _GUARD]:
        await change(connection, SQL["drop_guards"], {"ids": over})
    return {(to, event_id): id_ for id_, to, event_id in put if event_id != _GUARD}


class _There:
    """The deliveries that a batch meets, held by this transaction, and what becomes of them."""

    def __init__(
        self, ids: dict[Key, int], known: dict[int, Known], cancelled: dict[int, list[Cancellation]]
    ) -> None:
        self._ids = ids
        self._known = known
        self._kept = cancelled
        self._anew: dict[int, tuple[Any, ...]] = {}
        self._cancelled: dict[int, Cancellation] = {}

    @classmethod
    async def look(
        cls, connection: Connection, wishes: Sequence[Wish], cancelling: Iterable[tuple[int, Cancellation]]
    ) -> _There:
        drafts = {(w.to, w.draft.what.value, w.draft.key) for w in wishes}
        keys = sorted(drafts | {(to, What.INVITATION.value, by.order_id) for to, by in cancelling})
        ids: dict[Key, int] = {}
        known: dict[int, Known] = {}
        kept: dict[int, list[Cancellation]] = {}
        if keys:
            asked = columns("destination_id what key", keys)
            for nth, id_, state, reason, created_at, payload, event_id in await rows(
                connection, SQL["lock_deliveries"], asked
            ):
                ids[keys[nth - 1]] = id_
                known[id_] = Known(id_, state, reason, created_at, payload and payload.encode(), event_id)
            for id_, _, _, *by in await rows(connection, SQL["cancelled_among"], {"ids": list(known)}):
                kept.setdefault(id_, []).append(Cancellation(*by))
        if not drafts <= ids.keys():
            raise AgainError  # a call aged out, or its person was forgotten, since its second one was passed over
        return cls(ids, known, kept)

    def met(self, event: EventRow, route: Route, now: int) -> Met:
        """What became of a cancellation, or of a draft whose key has its delivery already."""
        to = route.destination_id
        if route.cancellation is not None:
            by = route.cancellation
            known = self._known.get(self._ids.get((to, What.INVITATION.value, by.order_id), 0))
            met, cancels = meet(known, by)
            if known is not None and cancels:
                self._cancelled[known.id] = by
                self._known[known.id] = known._replace(state=State.CANCELLED, reason=REASONS[by.event])
            return met
        assert route.draft is not None  # noqa: S101 - put_routes has looked
        wish = Wish(to, event, route.draft)
        known = self._known[self._ids[to, route.draft.what.value, route.draft.key]]
        met, anew = existing(wish, known, lambda order: self._taken_back(known.id, order))
        if anew:
            self._make_anew(wish, known, now)
        return met

    def _taken_back(self, id_: int, order: Order) -> bool:
        return any(covers(by, order) for by in self._kept.get(id_, []))

    def _make_anew(self, wish: Wish, known: Known, now: int) -> None:
        payload, call, recipient, state, _, due_at, _ = delivery(known.id, wish, now)[6:]
        row = (known.id, _text(payload), _text(call), recipient, wish.event.id, state, due_at, now)
        self._anew[known.id] = row
        self._cancelled.pop(known.id, None)
        self._known[known.id] = known._replace(
            state=state, reason=None, payload=payload, event_id=wish.event.id
        )

    async def write(self, connection: Connection, now: int) -> None:
        """What is made anew first: a cancellation that is left came after it."""
        if self._anew:
            await change(connection, SQL["make_anew"], columns(_ANEW, self._anew.values()))
        await cancel.cancel(connection, self._cancelled, now)


def _text(json: bytes | None) -> str | None:
    return None if json is None else json.decode("utf-8", "replace")
