"""What an invitation's requests look like, with of whom it is masked: for whoever may look, so nothing is recorded."""

from __future__ import annotations

from typing import Any

from plaudit.destinations.base import Delivery, What
from plaudit.manage import dry
from plaudit.manage.context import Context
from plaudit.manage.given import not_found
from plaudit.manage.shapes import masked_order


async def requests_of(context: Context, id_: int) -> list[dict[str, Any]]:
    """The requests as they would be made now: the second where the vendor asks for more. Empty: of whom is forgotten,
    or its destination was taken out.
    """
    row = await context.store.invitation(id_)
    if row is None:
        raise not_found("invitation", id_)
    if row.order is None or not row.order.email:
        return []
    for destination in (await context.store.configuration()).destinations:
        kind = context.kinds.get(destination.type)
        if destination.name == row.destination and kind is not None:
            delivery = Delivery(row.id, What(row.what), masked_order(row.order), b"", context.clock.now())
            return dry.requests(kind, delivery, destination.settings)
    return []
