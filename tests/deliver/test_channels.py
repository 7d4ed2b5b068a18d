"""Every channel against the sandbox, over real connections: the same outcome as the sandbox's own record of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from deliver.flows import NOW, delivery, good, the_order
from plaudit.deliver.drive import drive
from plaudit.deliver.tokens import Tokens
from plaudit.deliver.transport import Transport, transport_for
from plaudit.destinations.base import Channel, Delivery, Outcome, Verdict, What
from plaudit.destinations.catalog import destinations
from plaudit.destinations.trustpilot import terms
from plaudit.sandbox.faults import KINDS, parse
from plaudit.sandbox.review_templates import PRODUCT, SERVICE, TEMPLATES
from plaudit.sandbox.server import Server
from plaudit.spec import wire
from plaudit.spec.envelope import Entry
from plaudit.spec.event import Event
from support import track

KIND = destinations()["trustpilot"]
CHANNELS = ["integration_key", "invitations_api", "afs", "partner"]
UNIT = "5a" * 12


def call(event: dict[str, Any]) -> bytes:
    """An event as it is passed on."""
    body = msgspec.json.encode(event)
    envelope = wire.single(event["type"], wire.decode_single(body), body, NOW, lambda: "m")
    return Event(Entry(0, NOW, [envelope]), envelope).call()


CALL = call(track(messageId="m1"))


def template(kind: str, locale: str) -> str:
    return next(each.id for each in TEMPLATES if (each.type, each.locale) == (kind, locale))


@pytest.fixture
async def vendor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The sandbox with all four channels, whose certificate this machine trusts for the while."""
    async with Server(port=0, smtp_port=0, smtp_users={"me": "right"}) as server:
        trusting = ssl.create_default_context(cadata=server.app.certificate.decode())
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        yield server


def settings(server: Server, channel: str, **more: Any) -> dict[str, Any]:
    own: dict[str, dict[str, Any]] = {
        "integration_key": {"api_key": "demoKey1234", "base_url": server.url},
        "invitations_api": {
            "client_id": "client",
            "client_secret": "secret",
            "business_unit_id": UNIT,
            "business_user_id": "5b" * 12,
            "base_url": server.url,
        },
        "afs": {
            "afs_address": "shop.example+demo1234@invite.trustpilot.com",
            "mail_from": "orders@shop.example",
            "smtp_host": "localhost",
            "smtp_port": server.smtp_port,
            "smtp_user": "me",
            "smtp_password": "right",
        },
        "partner": {"api_key": "demoKey1234", "base_url": f"{server.url}/partner"},
    }
    return good(channel=channel, allow_private=True, **{**own[channel], **more})


class Way:
    """One destination's way out, as its lane has it."""

    def __init__(self, chosen: dict[str, Any]) -> None:
        self.settings = chosen
        self.channel: Channel = KIND.channel(chosen)
        self.transport: Transport = transport_for(KIND, chosen)
        token = self.channel.token
        self.tokens = Tokens(lambda: token(chosen), self.transport) if token else None

    async def drive(self, flow: Any) -> Any:
        return await drive(flow, self.transport, self.tokens)

    async def send(self, what: Delivery | None = None) -> Verdict:
        found: Verdict = await self.drive(self.channel.flow(what or delivery(call=CALL), self.settings))
        return found


@pytest.fixture(params=CHANNELS)
async def way(vendor: Server, request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    found = Way(settings(vendor, request.param))
    yield found
    await found.transport.close()


async def test_an_order_is_invited(vendor: Server, way: Way) -> None:
    verdict = await way.send()
    assert verdict.outcome is Outcome.ACCEPTED, verdict
    (record,) = vendor.app.recorder.newest()
    assert (record.received.channel, record.accepted, record.received.wishes.note) == (
        way.channel.name,
        1,
        "",
    )
    assert record.received.reference_id == the_order().order_id
    assert record.received.recipient_email == "test@example.com"


async def test_the_settings_are_checked_without_an_invitation(vendor: Server, way: Way) -> None:
    if way.channel.check is None:
        assert way.channel.name == "partner"  # whose contract has no question without an effect
        return
    verdict = await way.drive(way.channel.check(way.settings))
    assert verdict.outcome is Outcome.ACCEPTED, verdict
    assert vendor.app.recorder.stats().invitations == 0


FAULTS = {
    "429": Outcome.RETRY,
    "503=30": Outcome.RETRY,
    "500": Outcome.RETRY,
    "reset": Outcome.UNCERTAIN,
    "reset-after": Outcome.UNCERTAIN,
    "400": Outcome.REFUSED,
    "403": Outcome.BLOCKED,
    "251": Outcome.BLOCKED,
    "401": Outcome.BLOCKED,
    "403-html": Outcome.RETRY,
    "1014": Outcome.BLOCKED,
    "501": Outcome.REFUSED,
    "421": Outcome.RETRY,
    "451": Outcome.RETRY,
    "535": Outcome.BLOCKED,
    "550": Outcome.BLOCKED,
    "554": Outcome.REFUSED,
}


@pytest.mark.parametrize(
    ("way", "fault"),
    [(channel, fault) for fault in FAULTS for channel in KINDS[parse(fault).name].channels],
    indirect=["way"],
)
async def test_what_goes_wrong_there_is_known_here(vendor: Server, way: Way, fault: str) -> None:
    if way.tokens is not None:  # so that the fault is for the call
        assert isinstance(await way.tokens.get(), str)
    outcome = FAULTS[fault]
    if (way.channel.name, fault) == ("afs", "reset"):
        outcome = Outcome.RETRY  # before the mail was there, and so it is known
    vendor.app.faults.replace([parse(fault)])
    verdict = await way.send()
    assert verdict.outcome is outcome, verdict
    taken = [record for record in vendor.app.recorder.newest() if record.accepted]
    assert bool(taken) is (fault == "reset-after")


async def test_a_token_that_expired_is_no_trouble(vendor: Server) -> None:
    way = Way(settings(vendor, "invitations_api"))
    await way.send()
    vendor.app.faults.replace([parse("token-expiredx1")])
    assert (await way.send(delivery(the_order(order_id="2")))).outcome is Outcome.ACCEPTED
    assert vendor.app.recorder.stats().tokens == 2
    await way.transport.close()


async def test_many_workers_share_one_token(vendor: Server) -> None:
    way = Way(settings(vendor, "invitations_api"))
    orders = [delivery(the_order(order_id=f"o{n}")) for n in range(64)]
    verdicts = await asyncio.gather(*(way.send(each) for each in orders))
    assert {verdict.outcome for verdict in verdicts} == {Outcome.ACCEPTED}
    assert vendor.app.recorder.stats().tokens == 1
    await way.transport.close()


@pytest.mark.parametrize("channel", ["invitations_api", "afs"])
async def test_all_wishes_arrive(vendor: Server, channel: str) -> None:
    wanted = {
        "reviews": "both",
        "template_id": template(SERVICE, "de-DE"),
        "product_template_id": template(PRODUCT, "de-DE"),
        "locale": "de-DE",
        "tags": ["shop", "trait:vip"],
        "send_after": "2 days",
        "product_send_after": "5 days",
        "sender_name": "The Shop",
        "sender_email": "shop@example.com",
        "reply_to": "help@example.com",
    }
    way = Way(settings(vendor, channel, **wanted))
    order = the_order(traits={"vip": True}, name="Zoë </script> & Co")
    assert (await way.send(delivery(order))).outcome is Outcome.ACCEPTED
    (record,) = vendor.app.recorder.newest()
    wishes = record.received.wishes
    assert record.received.recipient_name == "Zoë </script> & Co Johnson"
    assert set(wishes.invites) == {"service", "product"} and wishes.tags == ("shop", "vip")
    assert (wishes.locale, wishes.template_id, wishes.note) == ("de-DE", wanted["template_id"], "")
    assert wishes.preferred_send_time == "2026-11-25T18:40:00"
    assert wishes.product_preferred_send_time == "2026-11-28T18:40:00"
    assert (wishes.sender_name, wishes.reply_to) == ("The Shop", "help@example.com")
    assert len(msgspec.json.decode(record.received.products)) == len(terms.articles(order, {}))
    await way.transport.close()


async def test_a_template_that_is_not_there_is_found_by_the_check(vendor: Server) -> None:
    way = Way(settings(vendor, "invitations_api", template_id="ff" * 12))
    assert way.channel.check is not None
    verdict = await way.drive(way.channel.check(way.settings))
    assert (verdict.outcome, verdict.reason) == (Outcome.BLOCKED, "template_unknown")
    assert "Bewertung des Service" in verdict.message
    await way.transport.close()


async def test_the_vendor_forgets_who_is_to_be_forgotten(vendor: Server) -> None:
    way = Way(settings(vendor, "invitations_api"))
    await way.send()
    assert way.channel.forget is not None
    verdict = await way.drive(way.channel.forget(["TEST@example.com", "b@c.example"], way.settings))
    assert verdict.outcome is Outcome.ACCEPTED
    assert list(vendor.app.recorder.newest()) == []
    await way.transport.close()


@pytest.mark.parametrize("fault", ["", "202-first"])
async def test_a_page_of_orders_is_taken_but_for_those_that_are_wrong(vendor: Server, fault: str) -> None:
    vendor.app.faults.replace([parse(fault)] if fault else [])
    way = Way(settings(vendor, "integration_key"))
    orders = [the_order(order_id=f"o{n}") for n in range(20)]
    orders[7].email = "no address"
    assert way.channel.page is not None
    page = [Delivery(n, order=order) for n, order in enumerate(orders)]
    verdicts = await way.drive(way.channel.page(page, way.settings))
    assert [n for n, v in enumerate(verdicts) if v.outcome is not Outcome.ACCEPTED] == [7]
    assert verdicts[7].outcome is Outcome.REFUSED
    assert sum(record.accepted for record in vendor.app.recorder.newest()) == 19
    await way.transport.close()


async def test_calls_are_passed_on_and_a_repeated_one_counts_once(vendor: Server) -> None:
    way = Way(settings(vendor, "partner", partner_settings={"shop": "north"}))
    identify = {"type": "identify", "messageId": "m2", "userId": "u1", "traits": {"plan": "gold"}}
    for _ in range(2):
        assert (
            await way.send(Delivery(1, what=What.IDENTIFY, call=call(identify)))
        ).outcome is Outcome.ACCEPTED
    assert vendor.app.recorder.stats().repeated == 1
    assert len(list(vendor.app.recorder.newest_calls())) == 1
    page = call({"type": "page", "messageId": "m3", "userId": "u1"})
    verdict = await way.send(Delivery(2, what=What.IDENTIFY, call=page))
    assert (verdict.outcome, verdict.reason) == (Outcome.REFUSED, "unsupported")
    await way.transport.close()
