"""Customers who may be invited once in a while: which drafts of a batch may become deliveries.

Two processes may be about to invite one customer for two orders. So whoever asks holds the customer until its
transaction ends; what others did is committed then, and seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from plaudit.spec import email
from plaudit.store.meeting import Met, Wish, decode_order, invited_before
from plaudit.store.postgres.database import AgainError
from plaudit.store.postgres.sql import Connection, columns, queries, rows

SQL = queries("ledger")
Place = tuple[int, int]  # destination, event
_63_BITS = 2**63 - 1


class Sibling(NamedTuple):
    """The customer has another order in the same batch, which is about to become a delivery."""

    place: Place
    key: str


async def wanted(
    connection: Connection, wishes: Sequence[Wish], now: int
) -> tuple[list[Wish], dict[Place, Met | Sibling]]:
    """The wishes that may become deliveries, and why the others may not."""
    asking = [w for w in wishes if w.draft.once_per and w.draft.order is not None]
    if not asking:
        return list(wishes), {}
    # A destination's number and a customer's, mixed: one that two of them share only makes them wait.
    locks = sorted({(_recipient(w) ^ w.to * 0x9E3779B97F4A7C15) & _63_BITS for w in asking})
    await rows(connection, SQL["lock_customers"], {"keys": locks})
    earlier = await _earlier(connection, asking, now)
    there = await _there(connection, asking)
    chosen = [w for w in wishes if not (w.draft.once_per and w.draft.order is not None)]
    siblings: dict[tuple[int, str], list[Sibling]] = {}
    for wish in chosen:
        _remember(siblings, wish)
    before: dict[Place, Met | Sibling] = {}
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
            if place not in there and (wish.to, wish.draft.key) not in taken:
                taken.add((wish.to, wish.draft.key))
                _remember(siblings, wish)
    return chosen, before


def said(before: dict[Place, Met | Sibling], made: dict[Place, int], now: int) -> dict[Place, Met]:
    """In words, now that the siblings have their ids."""
    found: dict[Place, Met] = {}
    for place, why in before.items():
        if isinstance(why, Met):
            found[place] = why
        elif why.place in made:
            found[place] = invited_before(made[why.place], why.key, now)
        else:
            raise AgainError  # another process was quicker with that order
    return found


async def _earlier(connection: Connection, wishes: list[Wish], now: int) -> dict[Place, Met]:
    """The newest invitation of each one's customer for another order, a short time ago."""
    given = [(_recipient(w), w.to, w.draft.key, now - w.draft.once_per) for w in wishes]
    asked = columns("recipient destination_id order_id since", given)
    found: dict[Place, Met] = {}
    for nth, id_, key, payload, created_at in await rows(connection, SQL["invited_before"], asked):
        wish = wishes[nth - 1]
        same = payload is not None and decode_order(payload).email.casefold() == _address(wish)
        if same:
            found.setdefault((wish.to, wish.event.id), invited_before(id_, key, created_at))
    return found


async def _there(connection: Connection, wishes: list[Wish]) -> set[Place]:
    """Those whose orders have their deliveries already."""
    keys = columns("destination_id what key", [(w.to, w.draft.what.value, w.draft.key) for w in wishes])
    found = await rows(connection, SQL["there"], keys)
    return {(wishes[nth - 1].to, wishes[nth - 1].event.id) for (nth,) in found}


def _remember(siblings: dict[tuple[int, str], list[Sibling]], wish: Wish) -> None:
    if wish.draft.order is not None:
        place = (wish.to, wish.event.id)
        siblings.setdefault((wish.to, _address(wish)), []).append(Sibling(place, wish.draft.key))


def _address(wish: Wish) -> str:
    return wish.draft.order.email.casefold() if wish.draft.order is not None else ""


def _recipient(wish: Wish) -> int:
    return email.recipient(_address(wish))
