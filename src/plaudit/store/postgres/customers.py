"""Customers who are not invited: those who were forgotten, and those who may be invited once in a while.

Two processes may be about to invite one customer for two orders. So whoever asks holds the customer until its
transaction ends; what others did is committed then, and seen.

An order that is not invited because its customer is to be for another one stands back for that, as a cancelled
invitation. When that one is cancelled, it is made after all (cancel.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from plaudit.destinations.base import State
from plaudit.secrets import Vault
from plaudit.spec import email
from plaudit.store.base import EventRow
from plaudit.store.meeting import (
    ANEW,
    Made,
    Met,
    Place,
    Wish,
    after_all,
    decode_order,
    invited_before,
    people,
    recount,
    suppressed,
)
from plaudit.store.postgres import cancel
from plaudit.store.postgres.database import AgainError
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows, value

EVENTS = queries("process")
SQL = queries("ledger")
_63_BITS = 2**63 - 1


class Earlier(NamedTuple):
    """The customer has another invitation."""

    id: int
    met: Met
    open: bool  # it may still be cancelled


class Sibling(NamedTuple):
    """The customer has another order in the same batch, which is about to become a delivery."""

    place: Place
    key: str
    id: int | None  # of the row that it has already, and may make anew (meeting.py)


class Back(NamedTuple):
    """A delivery that stands back, and for which one."""

    id: int
    behind: int


Before = Mapping[Place, Earlier | Sibling]


async def allowed(connection: Connection, events: Sequence[EventRow], vault: Vault) -> Sequence[EventRow]:
    """The events, where those of people who were forgotten make nothing."""
    if not await value(connection, SQL["any_suppressed"]):
        return events
    hashed = {place: vault.address(person) for place, person in people(events).items()}
    found = await rows(connection, SQL["suppressed_among"], {"addresses": sorted(set(hashed.values()))})
    gone = {address for (address,) in found}
    return suppressed(events, {place for place, address in hashed.items() if address in gone})


async def wanted(connection: Connection, wishes: Sequence[Wish], now: int) -> tuple[list[Wish], Before]:
    """The wishes that may become deliveries, and why the others may not."""
    asking = [w for w in wishes if w.draft.once_per and w.draft.order is not None]
    if not asking:
        return list(wishes), {}
    await hold(connection, [(w.to, _recipient(w)) for w in asking])
    earlier = await _earlier(connection, asking, now)
    there = await _there(connection, asking)
    chosen = [w for w in wishes if not (w.draft.once_per and w.draft.order is not None)]
    siblings: dict[tuple[int, str], list[Sibling]] = {}
    for wish in chosen:
        _remember(siblings, wish)
    before: dict[Place, Earlier | Sibling] = {}
    taken = {(w.to, w.draft.key) for w in chosen}
    for wish in asking:
        place = (wish.to, wish.event.id)
        others = [s for s in siblings.get((wish.to, _address(wish)), []) if s.key != wish.draft.key]
        if others:
            before[place] = others[-1]
        elif place in earlier:
            before[place] = earlier[place]
        else:
            chosen.append(wish)
            id_, state = there.get(place, (None, State.CANCELLED))
            if state in ANEW and (wish.to, wish.draft.key) not in taken:
                taken.add((wish.to, wish.draft.key))
                _remember(siblings, wish, id_)
    return chosen, before


async def hold(connection: Connection, people: Iterable[tuple[int, int]]) -> None:
    """Be the only one who decides whether these customers (destination, number) are invited."""
    # The two numbers, mixed: one that two customers share only makes them wait.
    locks = sorted({(recipient ^ to * 0x9E3779B97F4A7C15) & _63_BITS for to, recipient in people})
    await rows(connection, SQL["lock_customers"], {"keys": locks})


def standing_back(wishes: Sequence[Wish], before: Before) -> list[Wish]:
    """Those that become deliveries should the others of their customers be cancelled."""
    found = []
    for wish in wishes:
        why = before.get((wish.to, wish.event.id))
        if why is not None and (isinstance(why, Sibling) or why.open):
            found.append(wish)
    return found


async def stand_back(
    connection: Connection, before: Before, made: dict[Place, int], now: int
) -> tuple[dict[Place, Met], dict[Place, Back]]:
    """Why orders are not invited, in words; those that were put and stand back are no longer among the ones made."""
    met: dict[Place, Met] = {}
    back: dict[Place, Back] = {}
    for place, why in before.items():
        behind = why.id or (made.get(why.place) if isinstance(why, Sibling) else None)
        if behind is None:
            raise AgainError  # another process was quicker with that order
        met[place] = why.met if isinstance(why, Earlier) else invited_before(behind, why.key, now)
        if place in made:
            back[place] = Back(made.pop(place), behind)
    if back:
        given = [(*each, met[place].detail) for place, each in back.items()]
        await change(connection, SQL["stand_back"], columns("id behind message", given))
    return met, back


async def step_forward(
    connection: Connection,
    back: Mapping[Place, Back],
    counts: Counter[str],
    done: Made,
    now: int,
) -> None:
    """Say of those that had to stand back in a batch, and do no more at its end, that they were made."""
    if not back:
        return
    await cancel.step_forward(connection, {each.behind for each in back.values()}, now)
    found = await rows(connection, SQL["stepped_forward"], {"ids": [each.id for each in back.values()]})
    forward = {id_ for (id_,) in found}
    made = [(id_, event, to, after_all(by)) for (to, event), (id_, by) in back.items() if id_ in forward]
    await change(connection, EVENTS["made_after_all"], columns("id event_id destination_id detail", made))
    for _, _, to, _ in made:
        done.add(to)
    recount(counts, len(made))


async def _earlier(connection: Connection, wishes: list[Wish], now: int) -> dict[Place, Earlier]:
    """The newest invitation of each one's customer for another order, a short time ago."""
    given = [(_recipient(w), w.to, w.draft.key, now - w.draft.once_per) for w in wishes]
    asked = columns("recipient destination_id order_id since", given)
    found: dict[Place, Earlier] = {}
    for nth, id_, key, payload, created_at, state in await rows(connection, SQL["invited_before"], asked):
        wish = wishes[nth - 1]
        same = payload is not None and decode_order(payload).email.casefold() == _address(wish)
        if same:
            met = invited_before(id_, key, created_at)
            found.setdefault((wish.to, wish.event.id), Earlier(id_, met, state != State.ACCEPTED))
    return found


async def _there(connection: Connection, wishes: list[Wish]) -> dict[Place, tuple[int | None, str]]:
    """Of those whose orders have their deliveries already, these deliveries' ids and states."""
    keys = columns("destination_id what key", [(w.to, w.draft.what.value, w.draft.key) for w in wishes])
    found = await rows(connection, SQL["there"], keys)
    return {(wishes[nth - 1].to, wishes[nth - 1].event.id): (id_, state) for nth, id_, state in found}


def _remember(siblings: dict[tuple[int, str], list[Sibling]], wish: Wish, id_: int | None = None) -> None:
    if wish.draft.order is not None:
        place = (wish.to, wish.event.id)
        siblings.setdefault((wish.to, _address(wish)), []).append(Sibling(place, wish.draft.key, id_))


def _address(wish: Wish) -> str:
    return wish.draft.order.email.casefold() if wish.draft.order is not None else ""


def _recipient(wish: Wish) -> int:
    return email.recipient(_address(wish))
