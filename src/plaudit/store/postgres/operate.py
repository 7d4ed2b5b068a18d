"""What people decide about deliveries, a portion at a time, so that lanes go on meanwhile."""

from __future__ import annotations

from typing import Any

from plaudit.destinations.base import ATTENTION, State
from plaudit.spec import email as emails
from plaudit.store.decisions import DECISIONS, Decided, Forgotten, Selection, bound, by_hand, states_of
from plaudit.store.meeting import decode_order, forgotten
from plaudit.store.postgres.cancel import apply_cancellations, step_forward
from plaudit.store.postgres.sql import Connection, change, queries, rows

SQL = queries("operate")
# Whoever began before a person was suppressed comes to the end first: what is looked for next is all there is.
_WAIT = b"LOCK TABLE deliveries IN SHARE ROW EXCLUSIVE MODE"


async def count(connection: Connection, selection: Selection) -> dict[str, int]:
    return dict(await rows(connection, SQL["counted"], bound(selection)))


async def selected(
    connection: Connection, decided: Decided, after: int, limit: int, selection: Selection
) -> list[int]:
    """The ids of the next ones that a decision is about, without a look at all the others."""
    states = states_of(decided, selection)
    given: dict[str, Any] = bound(selection) | {"after": after, "limit": limit, "states": sorted(states)}
    if given["order_id"] is not None or given["recipient"] is not None:
        return [id_ for (id_,) in await rows(connection, SQL["selected"], given)]
    found: list[int] = []
    destinations = await rows(connection, SQL["destinations_of"], {"destination": given["destination"]})
    for (destination_id,) in destinations:
        for state in sorted(states.intersection(ATTENTION)):
            one = given | {"destination_id": destination_id, "state": state}
            found += [id_ for (id_,) in await rows(connection, SQL["selected_in_attention"], one)]
    if waiting := states.difference(ATTENTION):
        some = given | {"states": sorted(waiting)}
        found += [id_ for (id_,) in await rows(connection, SQL["selected"], some)]
    return sorted(found)[:limit]


async def decide(
    connection: Connection,
    decided: Decided,
    decision: int,
    ids: list[int],
    selection: Selection,
    now: int,
) -> tuple[list[int], set[int]]:
    """Do what a person decided to those that are still in one of its states; their ids and their destinations."""
    then = DECISIONS[decided][1]
    row = {"ids": ids, "states": sorted(states_of(decided, selection)), "then": then.value, "now": now}
    row |= {"decision": decision, "decided": decided.value}
    found = await rows(connection, SQL["decide"], row | by_hand(decided, now))
    done = sorted(id_ for id_, _ in found)
    if then is State.CANCELLED:
        await step_forward(connection, done, now)
    if then is State.QUEUED:  # an order may have been taken back while its invitation was uncertain
        await apply_cancellations(connection, done, now)
    return done, {to for _, to in found} if then is State.QUEUED else set()


async def suppress(connection: Connection, hashed: str, now: int) -> None:
    await change(connection, SQL["suppress"], {"address": hashed, "now": now})


async def allow(connection: Connection, hashed: str) -> bool:
    return await change(connection, SQL["allow"], {"address": hashed}) > 0


async def forget(connection: Connection, address: str, now: int) -> Forgotten:
    """See `Store.forget`. The person is suppressed already, for all that begins from now on."""
    await connection.execute(_WAIT)
    done = Forgotten()
    told: set[int] = set()
    found = await rows(connection, SQL["of_recipient"], {"recipient": emails.recipient(address)})
    for id_, destination_id, key, payload, state in found:
        if payload is None:
            await change(connection, SQL["forget_call"], {"id": id_})
        else:
            if decode_order(payload).email.casefold() != address.casefold():
                continue
            rest = forgotten(payload, key).decode()
            await change(connection, SQL["forget"], {"id": id_, "payload": rest, "now": now})
            done.cancelled += state not in (State.SENDING, State.ACCEPTED, State.CANCELLED)
        await change(connection, SQL["forget_exchanges"], {"id": id_})
        await change(connection, SQL["forget_attempts"], {"id": id_})
        await change(connection, SQL["forget_decided"], {"id": id_})
        done.deliveries += 1
        told.add(destination_id)
    done.told = sorted(told)
    return done
