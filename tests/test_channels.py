"""From an SDK's call to the vendor by each channel, and from one Plaudit to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.sandbox.server import Server
from plaudit.store.views import InvitationView
from support import ORDER, WRITE_KEY, http, track, until

UNIT, USER = "507f191e810c19729de860ea", "5f0c3ad1f3a2b10001a2b3c4"
CHANNELS = {
    "invitations_api": f"""
client_id = "client"
client_secret = "secret"
business_unit_id = "{UNIT}"
business_user_id = "{USER}"
reviews = "both"
send_after = "7 days"
product_send_after = "14 days"
tags = ["web", "trait:plan"]
base_url = "SANDBOX"
""",
    "afs": """
afs_address = "shop.example.com+abc123def@invite.trustpilot.com"
mail_from = "orders@shop.example.com"
smtp_host = "127.0.0.1"
smtp_port = SMTP
smtp_security = "none"
rules = [{ event_locale = "de*", tags = ["german"] }]
""",
    "partner": """
api_key = "partnerKey1234"
base_url = "SANDBOX/partner"
""",
}
Open = Callable[..., Any]


@pytest.fixture
async def vendor() -> AsyncIterator[Server]:
    async with Server(port=0, smtp_port=0) as server:
        yield server


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Open]:
    """Starts a Plaudit with a source and a destination of these settings; several may run."""
    async with AsyncExitStack() as stack:

        async def open_(name: str, settings: str) -> Plaudit:
            plaudit = Plaudit(Options(data=tmp_path / name, port=0))
            text = (
                f'[sources.shop]\nwrite_key = "{WRITE_KEY}"\n'
                '[destinations.trustpilot]\ntype = "trustpilot"\nsources = ["shop"]\n'
                f"[destinations.trustpilot.settings]\nallow_private = true\n{settings}"
            )
            await plaudit.start(parse(text, destinations()))
            stack.push_async_callback(plaudit.stop)
            return plaudit

        yield open_


def settings(channel: str, vendor: Server) -> str:
    text = CHANNELS[channel].replace("SANDBOX", vendor.url).replace("SMTP", str(vendor.smtp_port))
    return f'channel = "{channel}"\n{text}'


async def send(plaudit: Plaudit, path: str, event: dict[str, Any]) -> None:
    reply = await asyncio.to_thread(http, f"{plaudit.url}/v1/{path}", event, key=WRITE_KEY)
    assert reply.status == 200


async def accepted(plaudit: Plaudit, what: str = "invitation") -> InvitationView:
    (found,) = await until(lambda: plaudit.store.invitations(what=what, state="accepted"))
    return found  # type: ignore[no-any-return] # `until` hands on what it got


ANN = {"context": {"traits": {"plan": "gold"}, "locale": "de-DE"}}


@pytest.mark.parametrize("channel", CHANNELS)
async def test_an_order_reaches_the_vendor_once(channel: str, vendor: Server, opened: Open) -> None:
    plaudit = await opened("one", settings(channel, vendor))
    for _ in range(2):
        await send(plaudit, "track", track(**ANN))
    await accepted(plaudit)
    await until(lambda: plaudit.store.events(disposition="duplicate_order"))
    (record,) = vendor.app.recorder.newest()
    received = record.received
    assert (received.channel, record.accepted, record.posts) == (channel, 1, 1)
    assert (received.reference_id, received.recipient_email) == (ORDER["order_id"], ORDER["email"])
    assert received.recipient_name == "John Johnson"


async def test_the_rich_channels_carry_what_the_settings_say(vendor: Server, opened: Open) -> None:
    api = await opened("api", settings("invitations_api", vendor))
    await send(api, "track", track(**ANN))
    await accepted(api)
    (record,) = vendor.app.recorder.newest()
    received = record.received
    assert (received.wishes.locale, received.wishes.tags) == ("de-DE", ("web", "plan-gold"))
    assert received.wishes.preferred_send_time < received.wishes.product_preferred_send_time
    assert "Monopoly" in received.products.decode()
    mail = await opened("mail", settings("afs", vendor))
    await send(mail, "track", track({**ORDER, "order_id": "2"}, **ANN))
    await accepted(mail)
    record = next(vendor.app.recorder.newest(reference_id="2"))
    assert (record.received.wishes.locale, record.received.wishes.tags) == ("de-DE", ("german",))


async def test_a_token_is_asked_for_once(vendor: Server, opened: Open) -> None:
    plaudit = await opened("api", settings("invitations_api", vendor) + "rate_limit = 0\n")
    for number in range(30):
        await send(plaudit, "track", track({**ORDER, "order_id": str(number)}))
    await until(lambda: vendor.app.recorder.stats().accepted == 30)
    assert vendor.app.recorder.stats().tokens == 1


async def test_a_partner_gets_identify_calls_too(vendor: Server, opened: Open) -> None:
    plaudit = await opened("one", settings("partner", vendor))
    call = {"userId": "u1", "messageId": "m1", "traits": {"email": "ann@example.com", "vip": True}}
    for _ in range(2):
        await send(plaudit, "identify", call)
    await accepted(plaudit, "identify")
    (sent,) = (await asyncio.to_thread(http, f"{vendor.url}/sandbox/calls")).body
    assert (sent["message_id"], sent["user_id"], sent["traits"]) == ("m1", "u1", call["traits"])


async def test_from_plaudit_to_plaudit_to_the_vendor(vendor: Server, opened: Open) -> None:
    key = f'api_key = "oneIntegrationKey"\nbase_url = "{vendor.url}"\n'
    second = await opened("second", key)
    first = await opened(
        "first",
        f'channel = "partner"\napi_key = "oneIntegrationKey"\nbase_url = "{second.url}/destinations/trustpilot"\n',
    )
    await send(first, "track", track(messageId="m1", timestamp="2026-11-20T10:00:00.000Z", **ANN))
    await accepted(first)
    await accepted(second)
    ((here,), (there,)) = await first.store.events(), await second.store.events()
    assert (there.source, there.message_id, there.timestamp) == ("segment/trustpilot", "m1", here.timestamp)
    (record,) = vendor.app.recorder.newest()
    assert record.received.recipient_email == ORDER["email"] and record.accepted == 1


async def test_what_the_next_one_refuses_is_told(vendor: Server, opened: Open) -> None:
    """The second Plaudit does not know the key: the first one pauses, and says why in the other's words."""
    second = await opened("second", f'api_key = "oneIntegrationKey"\nbase_url = "{vendor.url}"\n')
    first = await opened(
        "first",
        f'channel = "partner"\napi_key = "wrongKey"\nbase_url = "{second.url}/destinations/trustpilot"\n',
    )
    await send(first, "track", track())
    (blocked,) = await until(lambda: first.store.invitations(state="blocked"))
    assert "unknown API Key" in blocked.message
