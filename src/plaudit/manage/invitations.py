"""Looking at invitations: lists, one order's whole story, and of whom it is, which is recorded."""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit.destinations.base import Delivery, What
from plaudit.manage import dry, events, shapes
from plaudit.manage.context import Context
from plaudit.manage.deciding import Conditions, selection
from plaudit.manage.given import Cursor, Limit, OfId, Page, Text, not_found
from plaudit.manage.masking import masked_order
from plaudit.spec.order import Order
from plaudit.store.access import Who
from plaudit.store.views import EventView, InvitationView


class FindInvitations(Conditions, kw_only=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class SearchInvitations(FindInvitations, kw_only=True):
    email: Text | None = None


class Invitations(msgspec.Struct):
    data: list[shapes.Invitation]
    next: str | None


class Story(msgspec.Struct):
    """One order's: what was read from its event, each attempt, what people decided, and the events that are about it,
    the newest first.
    """

    invitation: shapes.Invitation
    order: Order | None
    history: list[shapes.Attempt]
    events: list[shapes.Event]
    decisions: list[shapes.Decision]


class Revealed(msgspec.Struct):
    """Of whom it is, each attempt in the clear, the requests as they would be made now (the second where the vendor
    asks for more), and the events about it that the log still has, as they came.
    """

    invitation: shapes.Invitation
    order: Order | None
    history: list[shapes.Attempt]
    requests: list[dict[str, Any]]
    events: list[events.RawEvent]


EVENTS = 50  # of one order that a story has


async def find(context: Context, who: Who, given: FindInvitations) -> Invitations:
    """The newest first."""
    del who
    before = Page(limit=given.limit, cursor=given.cursor).before
    chosen = selection(given)
    found = await context.store.invitations(limit=given.limit + 1, before=before, **chosen)
    data = [shapes.invitation(row, masked=True) for row in found[: given.limit]]
    return Invitations(data, str(data[-1].id) if len(found) > given.limit else None)


async def search(context: Context, who: Who, given: SearchInvitations) -> Invitations:
    """The same, also by address, which stands in no URL then."""
    return await find(context, who, given)


async def story(context: Context, who: Who, given: OfId) -> Story:
    del who
    row = await _row(context, given.id)
    attempts = await context.store.attempts(row.id)
    about = await _events(context, row)
    return Story(
        shapes.invitation(row, masked=True),
        masked_order(row.order) if row.order is not None else None,
        [shapes.attempt(each, row, masked=True) for each in attempts],
        [shapes.event(each) for each in about],
        [shapes.decision(each) for each in await context.store.decisions(row.id)],
    )


async def reveal(context: Context, who: Who, given: OfId) -> Revealed:
    """The asking is recorded before it is answered."""
    row = await _row(context, given.id)
    await context.record(who, "reveal", f"invitation {row.id}")
    history = [shapes.attempt(each, row, masked=False) for each in await context.store.attempts(row.id)]
    return Revealed(
        shapes.invitation(row, masked=False),
        row.order,
        history,
        await _requests(context, row, masked=False),
        [
            raw
            for each in await _events(context, row)
            if (raw := await events.raw(context, each.id)) is not None
        ],
    )


async def requests(context: Context, who: Who, given: OfId) -> list[dict[str, Any]]:
    """The requests as they would be made now, with of whom it is masked."""
    del who
    return await _requests(context, await _row(context, given.id), masked=True)


async def _requests(context: Context, row: InvitationView, *, masked: bool) -> list[dict[str, Any]]:
    """Empty: of whom is forgotten, or its destination was taken out."""
    if row.order is None or not row.order.email:
        return []
    order, call = shapes.content(row, masked=masked)
    for destination in (await context.store.configuration()).destinations:
        kind = context.kinds.get(destination.type)
        if destination.name == row.destination and kind is not None:
            delivery = Delivery(row.id, What(row.what), order, (call or "").encode(), context.clock.now())
            return dry.requests(kind, delivery, destination.settings)
    return []


async def _row(context: Context, id_: int) -> InvitationView:
    row = await context.store.invitation(id_)
    if row is None:
        raise not_found("invitation", id_)
    return row


async def _events(context: Context, row: InvitationView) -> list[EventView]:
    """About its order; a call has none."""
    if row.what != What.INVITATION:
        return []
    return await context.store.events(order_id=row.order_id, limit=EVENTS)
