"""What people decide about deliveries, a portion at a time, so that lanes go on meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

import apsw
import msgspec

from plaudit.destinations.base import ATTENTION, State
from plaudit.queries import load
from plaudit.spec import email as emails
from plaudit.sqlite import rows
from plaudit.store.decisions import DECISIONS, Decided, Forgotten, Selection, bound, by_hand, states_of
from plaudit.store.meeting import decode_order, forgotten
from plaudit.store.sqlite.cancel import apply_cancellations, step_forward

SQL = load("plaudit.store", "sql", "sqlite", "operate.sql")


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
    given = bound(selection) | {
        "after": after,
        "limit": limit,
        "states": _list(states_of(decided, selection)),
    }
    for key, query in (("order_id", "selected_of_order"), ("recipient", "selected_of_recipient")):
        if given[key] is not None:
            return [id_ for (id_,) in rows(connection, SQL[query], given)]
    states = states_of(decided, selection)
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
    connection: apsw.Connection,
    decided: Decided,
    decision: int,
    ids: list[int],
    selection: Selection,
    now: int,
) -> list[int]:
    """Do what a person decided to those that are still in one of its states, and keep what they were."""
    then = DECISIONS[decided][1]
    row = {"ids": _list(ids), "states": _list(states_of(decided, selection)), "state": then.value, "now": now}
    connection.execute(SQL["keep"], row | {"decision": decision, "decided": decided.value})
    done = [id_ for (id_,) in rows(connection, SQL["decide"], row | by_hand(decided, now))]
    if then is State.CANCELLED:
        step_forward(connection, done, now)
    if then is State.QUEUED:  # an order may have been taken back while its invitation was uncertain
        apply_cancellations(connection, done, now)
    return sorted(done)


def _list(values: Iterable[int | str]) -> str:
    """As a JSON array, which is how a query takes many."""
    return msgspec.json.encode(list(values)).decode()


def forget(connection: apsw.Connection, address: str, hashed: str, now: int) -> Forgotten:
    """See `Store.forget`."""
    connection.execute(SQL["suppress"], (hashed, now))
    done = Forgotten()
    told: set[int] = set()
    found = rows(connection, SQL["of_recipient"], (emails.recipient(address),))
    for id_, destination_id, key, payload, state in list(found):
        if payload is None:
            connection.execute(SQL["forget_call"], (id_,))
        else:
            if decode_order(payload).email.casefold() != address.casefold():
                continue
            row = {"id": id_, "payload": forgotten(payload, key), "now": now}
            connection.execute(SQL["forget"], row)
            done.cancelled += state not in (State.SENDING, State.ACCEPTED, State.CANCELLED)
        connection.execute(SQL["forget_exchanges"], (id_,))
        connection.execute(SQL["forget_attempts"], (id_,))
        connection.execute(SQL["forget_decided"], (id_,))
        done.deliveries += 1
        told.add(destination_id)
    done.told = sorted(told)
    return done


def allow(connection: apsw.Connection, hashed: str) -> bool:
    connection.execute(SQL["allow"], (hashed,))
    return connection.changes() > 0
