"""What people look at: invitations, attempts, events with their dispositions."""

from __future__ import annotations

from plaudit.store.decisions import Selection, bound
from plaudit.store.meeting import decode_order
from plaudit.store.postgres.sql import Connection, queries, rows
from plaudit.store.views import AttemptView, EventView, InvitationView, counts, event_views

SQL = queries("read")


async def invitations(connection: Connection, selection: Selection, limit: int) -> list[InvitationView]:
    given = bound(selection) | {"limit": limit or None}
    return [
        InvitationView(*[*row, decode_order(payload) if payload is not None else None])
        for *row, payload in await rows(connection, SQL["invitations"], given)
    ]


async def attempts(connection: Connection, delivery_id: int) -> list[AttemptView]:
    return [
        AttemptView(*row) for row in await rows(connection, SQL["attempts"], {"delivery_id": delivery_id})
    ]


async def states(connection: Connection) -> dict[str, dict[str, int]]:
    return counts(await rows(connection, SQL["states"]))


async def attention(connection: Connection) -> dict[str, dict[str, int]]:
    return counts(await rows(connection, SQL["attention"]))


async def events(
    connection: Connection, source: str | None, disposition: str | None, order_id: str | None, limit: int
) -> list[EventView]:
    given = {"source": source, "disposition": disposition, "order_id": order_id, "limit": limit or None}
    found = await rows(connection, SQL["events"], given)
    routes = await rows(connection, SQL["dispositions"], {"ids": [row[0] for row in found]})
    return event_views(found, routes)
