"""Looking at events: lists with what became of each, and the event as it came, which is recorded."""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit.manage import shapes
from plaudit.manage.context import Context
from plaudit.manage.given import OfId, Page, Text, not_found
from plaudit.manage.masking import masked_json
from plaudit.manage.problems import ProblemError
from plaudit.spec import dispositions
from plaudit.spec.envelope import place
from plaudit.spec.halves import mended
from plaudit.store.access import Who
from plaudit.store.views import EventSelection

ORDERS, REFUSED = "orders", "refused"


class FindEvents(Page, kw_only=True):
    """`disposition`: one; or `refused`, all that were refused; or `orders`, all that name an order."""

    source: Text | None = None
    disposition: Text | None = None
    order_id: Text | None = None


class Events(msgspec.Struct):
    data: list[shapes.Event]
    next: str | None


class EventDetail(msgspec.Struct):
    """With what it says, of whom masked; null when the log does not have it any more."""

    event: shapes.Event
    body: Any


class RawEvent(msgspec.Struct):
    """The event as it came. `json` is null where it is none; then `text` has it."""

    id: int
    json: Any
    text: str


def selection(given: FindEvents) -> EventSelection:
    """Raises `ProblemError`: a disposition that is none."""
    code, known = given.disposition, [ORDERS, REFUSED, *dispositions.SENTENCES]
    if code is not None and code not in known:
        raise ProblemError(400, "bad_request", f"disposition must be one of {', '.join(known)}")
    found: EventSelection = {"source": given.source, "order_id": given.order_id, "orders": code == ORDERS}
    if code != ORDERS:
        found["disposition"] = dispositions.REFUSED if code == REFUSED else code
    return found


async def find(context: Context, who: Who, given: FindEvents) -> Events:
    """The newest first."""
    del who
    found = await context.store.events(**selection(given), limit=given.limit + 1, before=given.before)
    data = [shapes.event(row) for row in found[: given.limit]]
    return Events(data, str(data[-1].id) if len(found) > given.limit else None)


async def one(context: Context, who: Who, given: OfId) -> EventDetail:
    del who
    row = await context.store.event(given.id)
    if row is None:
        raise not_found("event", given.id)
    came = await raw(context, given.id)
    return EventDetail(shapes.event(row), masked_json(came.json) if came is not None else None)


async def reveal(context: Context, who: Who, given: OfId) -> RawEvent:
    """The event's own bytes, while the log has them. The asking is recorded before it is answered."""
    if await context.store.event(given.id) is None:
        raise not_found("event", given.id)
    await context.record(who, "reveal", f"event {given.id}")
    came = await raw(context, given.id)
    if came is None:
        raise ProblemError(410, "gone", "the log does not have this event any more")
    return came


async def ahead(context: Context, id_: int) -> int | None:
    """How many entries of the log are processed before this event is; 0: it is. None: this process has no log."""
    partition, position, _ = place(id_)
    if context.log is None or partition >= context.log.partitions:
        return None
    return max(position - await context.store.cursor(partition), 0)


async def names(context: Context, id_: int) -> list[str]:
    """By what the event's customer may be known: to look up their profile with, and not to be shown."""
    came = await raw(context, id_)
    found = came.json if came is not None else None
    said = [found.get(key) for key in ("userId", "anonymousId")] if isinstance(found, dict) else []
    return [str(each) for each in said if isinstance(each, str | int) and str(each).strip()]


async def _body(context: Context, id_: int) -> bytes | None:
    partition, position, index = place(id_)
    if context.log is not None and partition < context.log.partitions:
        for at, entry in await context.log.read(partition, position - 1, 1):
            if at == position and index < len(entry.events):
                return entry.events[index].body
    return None


async def raw(context: Context, id_: int) -> RawEvent | None:
    """Nothing is recorded here: who shows it does that. None: the log does not have it any more."""
    body = await _body(context, id_)
    if body is None:
        return None
    text = body.decode("utf-8", "replace")
    try:
        return RawEvent(id_, msgspec.json.decode(mended(body)), text)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return RawEvent(id_, None, text)
