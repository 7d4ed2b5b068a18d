"""What people decide about deliveries, a portion at a time, so that lanes go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw
import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import ATTENTION, State
from plaudit.queries import load
from plaudit.spec import email as emails
from plaudit.sqlite import rows
from plaudit.store.decisions import DECISIONS, Decided, Forgotten, Selection
from plaudit.store.sqlite.cancel import apply_cancellations, decode_order

SQL = load("plaudit.store", "sql", "sqlite", "operate.sql")
KEYS = ("state", "order_id", "destination", "source", "reason", "since", "until")

_SAID = {
    Decided.RETRY: "tried again by hand",
    Decided.CANCEL: "cancelled by hand",
    Decided.SENT: "resolved by hand: it had arrived",
    Decided.NOT_SENT: "resolved by hand: it had not arrived, so it is sent again",
    Decided.DROP: "resolved by hand: it had not arrived, and is not sent again",
}


def bound(selection: Selection) -> dict[str, Any]:
    """The selection as a query's parameters."""
    given: dict[str, Any] = {key: selection.get(key) for key in KEYS}
    address = selection.get("email")
    given["recipient"] = None if address is None else emails.recipient(address)
    given["what"] = selection.get("what", "invitation")
    return given


def count(connection: apsw.Connection, selection: Selection) -> dict[str, int]:
    """By the index that fits the selection best."""
    if selection.get("order_id") is not None:
        query = "counted_of_order"
    elif selection.get("email") is not None:
        query = "counted_of_recipient"
    elif selection.get("state") in ATTENTION:
        query = "counted_in_attention"
    elif selection.get("state") in (State.QUEUED, State.HELD):
        query = "counted_waiting"
    else:
        query = "counted"
    return dict(rows(connection, SQL[query], bound(selection)))


def selected(
    connection: apsw.Connection, decided: Decided, after: int, limit: int, selection: Selection
) -> list[int]:
    """The ids of the next ones that a decision is about, without a look at all the others."""
    given = bound(selection) | {"after": after, "limit": limit, "states": _list(_states(decided, selection))}
    for key, query in (("order_id", "selected_of_order"), ("recipient", "selected_of_recipient")):
        if given[key] is not None:
            return [id_ for (id_,) in rows(connection, SQL[query], given)]
    states = _states(decided, selection)
    found: list[int] = []
    for (destination_id,) in connection.execute(SQL["destinations_of"], given).fetchall():
        for state in states.intersection(ATTENTION):
            one = given | {"destination_id": destination_id, "state": state}
            found += [id_ for (id_,) in rows(connection, SQL["selected_in_attention"], one)]
    if waiting := states.difference(ATTENTION):
        some = given | {"states": _list(waiting)}
        found += [id_ for (id_,) in rows(connection, SQL["selected_waiting"], some)]
    return sorted(found)[:limit]


def decide(
    connection: apsw.Connection, decided: Decided, ids: list[int], selection: Selection, now: int
) -> list[int]:
    """Do what a person decided to those that are still in one of its states."""
    then = DECISIONS[decided][1]
    row = {"ids": _list(ids), "states": _list(_states(decided, selection)), "state": then.value, "now": now}
    said = {"reason": "by_hand", "message": f"{_SAID[decided]}; decided at {iso(now)}"}
    done = [id_ for (id_,) in rows(connection, SQL["decide"], row | said)]
    if then is State.QUEUED:  # an order may have been taken back while its invitation was uncertain
        apply_cancellations(connection, done, now)
    return sorted(done)


def _states(decided: Decided, selection: Selection) -> frozenset[str]:
    states = DECISIONS[decided][0]
    if selection.get("state") is not None:
        return frozenset(states & {selection["state"]})
    return frozenset({State.FAILED, State.REFUSED} if decided is Decided.RETRY else states)


def _list(values: Iterable[int | str]) -> str:
    """As a JSON array, which is how a query takes many."""
    return msgspec.json.encode(list(values)).decode()


def forget(connection: apsw.Connection, address: str, now: int) -> Forgotten:
    """See `Store.forget`."""
    done = Forgotten()
    told: set[int] = set()
    found = rows(connection, SQL["of_recipient"], (emails.recipient(address),))
    for id_, destination_id, key, payload, state in list(found):
        if payload is None:
            connection.execute(SQL["forget_call"], (id_,))
        else:
            order = decode_order(payload)
            if order.email.casefold() != address.casefold():
                continue
            rest = {"order_id": key, "email": "", "ordered_at": order.ordered_at}
            connection.execute(SQL["forget"], {"id": id_, "payload": msgspec.json.encode(rest), "now": now})
            connection.execute(SQL["forget_attempts"], (id_,))
            done.cancelled += state not in (State.SENDING, State.ACCEPTED, State.CANCELLED)
        done.deliveries += 1
        told.add(destination_id)
    done.told = sorted(told)
    return done
