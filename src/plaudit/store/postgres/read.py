"""What people look at: invitations, attempts, events with their dispositions."""

from __future__ import annotations

from typing import Any

from plaudit.destinations.base import ATTENTION
from plaudit.store.decisions import Selection, bound
from plaudit.store.meeting import decode_order
from plaudit.store.postgres.sql import Connection, queries, rows
from plaudit.store.views import AttemptView, EventView, InvitationView, counts, event_views

SQL = queries("read")


async def invitations(
    connection: Connection, selection: Selection, limit: int, before: int | None
) -> list[InvitationView]:
    given = bound(selection) | {"limit": limit or None, "before": before}
    of_time = (given["since"], given["until"]) != (None, None)
    by_other = given["order_id"] is not None or given["recipient"] is not None or given["state"] in ATTENTION
    query = "invitations_of_time" if of_time and not by_other else "invitations"
    return [_invitation(row) for row in await rows(connection, SQL[query], given)]


async def invitation(connection: Connection, id_: int) -> InvitationView | None:
    return next((_invitation(row) for row in await rows(connection, SQL["invitation"], {"id": id_})), None)


def _invitation(row: Any) -> InvitationView:
    *fields, payload = row
    return InvitationView(*[*fields, decode_order(payload) if payload is not None else None])


async def attempts(connection: Connection, delivery_id: int) -> list[AttemptView]:
    return [
        AttemptView(*row) for row in await rows(connection, SQL["attempts"], {"delivery_id": delivery_id})
    ]


async def states(connection: Connection) -> dict[str, dict[str, int]]:
    return counts(await rows(connection, SQL["states"]))


async def attention(connection: Connection, what: str | None) -> dict[str, dict[str, int]]:
    return counts(await rows(connection, SQL["attention"], {"what": what}))


async def events(
    connection: Connection,
    source: str | None,
    disposition: str | None,
    order_id: str | None,
    limit: int,
    before: int | None,
) -> list[EventView]:
    given = {"source": source, "disposition": disposition, "order_id": order_id, "before": before}
    return await _views(connection, await rows(connection, SQL["events"], given | {"limit": limit or None}))


async def event(connection: Connection, id_: int) -> EventView | None:
    found = await _views(connection, await rows(connection, SQL["event"], {"id": id_}))
    return found[0] if found else None


async def _views(connection: Connection, found: list[Any]) -> list[EventView]:
    routes = await rows(connection, SQL["dispositions"], {"ids": [row[0] for row in found]})
    return event_views(found, routes)
