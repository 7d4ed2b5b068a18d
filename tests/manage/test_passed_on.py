"""An order whose event is passed on as it came: its requests hold that event, masked until somebody asks."""

from __future__ import annotations

import json

import msgspec

from conformance.rows import draft, event, order
from plaudit.manage import invitations
from plaudit.manage.context import Context
from plaudit.manage.given import OfId
from plaudit.spec import dispositions
from plaudit.store.access import COMMAND
from plaudit.store.base import Route, Wanted

CALL = {"event": "Order Completed", "context": {"traits": {"email": "customer1@example.com"}}}
SETTINGS = {"api_key": "partnerKey", "channel": "partner", "base_url": "https://partner.example/segment"}


async def test_the_next_request_is_the_event(context: Context) -> None:
    there = Wanted({"shop": "testWriteKey"}, {"partner": ("trustpilot", SETTINGS, ["shop"])})
    await context.store.apply(there, now=500)
    made = msgspec.structs.replace(draft(order(1)), call=json.dumps(CALL).encode())
    row = event(1)._replace(routes=[Route(1, dispositions.INVITED, None, made)])
    await context.store.commit(0, 0, 1, [row], now=1000)
    (invitation,) = (await invitations.find(context, COMMAND, invitations.FindInvitations())).data
    given = OfId(id=invitation.id)

    (masked,) = await invitations.requests(context, COMMAND, given)
    assert masked["body"]["event"] == "Order Completed"
    assert masked["body"]["context"]["traits"]["email"] == "c…@example.com"
    assert masked["headers"]["authorization"] == "Basic •••"
    (clear,) = (await invitations.reveal(context, COMMAND, given)).requests
    assert clear["body"] == CALL

    await context.store.forget("customer1@example.com", now=2000)
    assert await invitations.requests(context, COMMAND, given) == []
    assert (await invitations.reveal(context, COMMAND, given)).requests == []
