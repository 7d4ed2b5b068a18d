"""What people look at: invitations, attempts, events with their dispositions."""

from __future__ import annotations

from typing import Any

from plaudit.destinations.base import ATTENTION, Outcome, State
from plaudit.spec import dispositions
from plaudit.store.decisions import Selection, bound
from plaudit.store.meeting import decode_order
from plaudit.store.postgres.sql import Connection, queries, rows, value
from plaudit.store.views import (
    AttemptView,
    EventSelection,
    EventView,
    InvitationView,
    bound_events,
    counts,
    event_views,
)

SQL = queries("read")
MANY = 5000  # events: from then on they are found sooner among the newest of all
FEW = (State.QUEUED, State.HELD, State.SENDING, State.CANCELLED)  # each has an index


async def invitations(
    connection: Connection, selection: Selection, limit: int, before: int | None
) -> list[InvitationView]:
    given = bound(selection) | {"limit": limit or None, "before": before}
    of_time = (given["since"], given["until"]) != (None, None)
    of_reason = given["reason"] not in (None, Outcome.ACCEPTED.value)
    of_one = given["order_id"] is not None or given["recipient"] is not None
    if given["state"] in ATTENTION and not of_one:
        query = "invitations_in_attention"
    elif of_one or given["state"] in FEW or of_reason:
        query = "invitations_of_some"
    else:
        query = "invitations_of_time" if of_time else "invitations"
    return [_invitation(row) for row in await rows(connection, SQL[query], given)]


async def invitation(connection: Connection, id_: int) -> InvitationView | None:
    return next((_invitation(row) for row in await rows(connection, SQL["invitation"], {"id": id_})), None)


def _invitation(row: Any) -> InvitationView:
    order = None if row[12] is None else decode_order(row[12])
    return InvitationView(*[*row[:12], order, *row[13:]])


async def attempts(connection: Connection, delivery_id: int) -> list[AttemptView]:
    return [
        AttemptView(*row) for row in await rows(connection, SQL["attempts"], {"delivery_id": delivery_id})
    ]


async def waiting(connection: Connection, destination_id: int, most: int) -> dict[str, int]:
    return dict(await rows(connection, SQL["waiting"], {"destination_id": destination_id, "most": most}))


async def states(connection: Connection) -> dict[str, dict[str, int]]:
    return counts(await rows(connection, SQL["states"]))


async def attention(connection: Connection, what: str | None) -> dict[str, dict[str, int]]:
    return counts(await rows(connection, SQL["attention"], {"what": what}))


async def events(
    connection: Connection, selection: EventSelection, limit: int, before: int | None
) -> list[EventView]:
    """What is rare by an index on it, all else among the newest."""
    given = bound_events(selection) | {"before": before, "limit": limit or None}
    codes, many = given["codes"], {"codes": given["codes"], "most": MANY}
    query = "events"
    if given["order_id"] is None:
        if codes is not None and dispositions.INVITED not in codes:
            query = "events_of_some" if await value(connection, SQL["many_events"], many) < MANY else query
        elif codes is None and given["orders"]:
            few = await value(connection, SQL["many_orders"], {"most": MANY}) < MANY
            query = "events_with_order" if few else query
    return await _views(connection, await rows(connection, SQL[query], given))


async def event(connection: Connection, id_: int) -> EventView | None:
    found = await _views(connection, await rows(connection, SQL["event"], {"id": id_}))
    return found[0] if found else None


async def _views(connection: Connection, found: list[Any]) -> list[EventView]:
    routes = await rows(connection, SQL["dispositions"], {"ids": [row[0] for row in found]})
    return event_views(found, routes)
