"""`POST /destinations/trustpilot`: the contract that Segment uses towards a partner, and its webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Line
from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.sandbox.server import Server
from support import API_KEY, ORDER, Reply, config, http, until

SECRET = "sharedSecret"
SIGNED = f"""
[destinations.signed]
type = "trustpilot"
[destinations.signed.settings]
api_key = "anotherIntegrationKey"
webhook_secret = "{SECRET}"
base_url = "SANDBOX"
allow_private = true
"""


@pytest.fixture
async def line(tmp_path: Path, sandbox: Server) -> AsyncIterator[Line]:
    plaudit = Plaudit(Options(data=tmp_path / "data", port=0))
    text = config(sandbox.url) + SIGNED.replace("SANDBOX", sandbox.url)
    await plaudit.start(parse(text, destinations()))
    yield Line(plaudit, sandbox)
    await plaudit.stop()


def event(**changes: Any) -> dict[str, Any]:
    """As Segment passes one on."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": "ajs-1",
        "anonymousId": "a1",
        "userId": "u1",
        "properties": ORDER,
        "context": {"library": {"name": "analytics.js"}},
        "integrations": {},
        "originalTimestamp": "2026-11-23T10:00:00.000Z",
        "timestamp": "2026-11-23T10:00:05.000Z",
        "sentAt": "2026-11-23T09:00:00.000Z",
        "receivedAt": "2026-11-23T10:00:06.000Z",
        "version": 2,
        **changes,
    }


async def post(
    line: Line, body: Any, *, place: str = "trustpilot", key: str | None = API_KEY, **headers: str
) -> Reply:
    url = f"{line.plaudit.url}/destinations/{place}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await asyncio.to_thread(http, url, body, key=key, headers=named)


async def dispositions(line: Line) -> list[str]:
    return [e.disposition for e in await line.plaudit.store.events()]


async def test_an_event_from_segment_becomes_an_invitation(line: Line) -> None:
    settings = base64.b64encode(b'{"customSettingOne":"value"}').decode()
    reply = await post(line, event(), User_Agent="Segment.io/1.0", X_Segment_Settings=settings)
    assert (reply.status, reply.body) == (200, {"success": True})
    (invitation,) = await until(lambda: line.plaudit.store.invitations(state="accepted"))
    assert (invitation.destination, invitation.order_id) == ("trustpilot", ORDER["order_id"])
    (view,) = await line.plaudit.store.events()
    assert (view.source, view.message_id) == ("segment/trustpilot", "ajs-1")
    # Segment has corrected the time already.
    assert view.timestamp == 1_795_428_005_000


async def test_only_its_own_destination_gets_it_and_once(line: Line) -> None:
    for _ in range(2):
        assert (await post(line, event())).status == 200
    await until(lambda: line.plaudit.store.events(disposition="duplicate_message"))
    assert len(await line.plaudit.store.invitations()) == 1


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"properties": {"order_id": "1"}, "userId": "u1"}, 400, "email is missing"),
        ({"properties": {"email": "a@example.com"}}, 400, "order_id is missing"),
        ({"event": None}, 400, "needs the event's name"),
        ({"type": "page"}, 501, "not supported"),
        ({"type": "alias", "previousId": "p"}, 501, "not supported"),
        ({"type": "delete"}, 400, "type is unknown"),
        ({"type": "identify"}, 200, ""),
        ({"event": "Order Refunded", "properties": {"order_id": "9"}}, 200, ""),
        ({"event": "Product Viewed"}, 200, ""),
    ],
)
async def test_the_answer_says_what_becomes_of_an_event_which_is_kept_in_any_case(
    line: Line, changes: dict[str, Any], status: int, said: str
) -> None:
    reply = await post(line, event(**changes))
    assert reply.status == status and said in reply.body.get("message", "")
    assert len(await until(line.plaudit.store.events)) == 1


@pytest.mark.parametrize(
    ("body", "said"), [(b"", "not JSON"), (b"[]", "must be a JSON object"), (b'{"type":"track"', "not JSON")]
)
async def test_what_is_no_event_is_a_400_with_a_message(line: Line, body: bytes, said: str) -> None:
    reply = await post(line, body)
    assert reply.status == 400 and said in reply.body["message"]


@pytest.mark.parametrize(
    ("key", "place", "status"),
    [
        (None, "trustpilot", 401),
        ("nobodysKey", "trustpilot", 401),
        (API_KEY, "yotpo", 404),
        (API_KEY, "signed", 401),
    ],
)
async def test_who_has_no_key_stays_out(line: Line, key: str | None, place: str, status: int) -> None:
    reply = await post(line, event(), key=key, place=place)
    assert reply.status == status and reply.body["message"]
    assert await line.plaudit.store.events() == []


async def test_settings_must_be_base64_of_an_object(line: Line) -> None:
    for bad in ("%%%", base64.b64encode(b"[1]").decode()):
        reply = await post(line, event(), X_Segment_Settings=bad)
        assert reply.status == 400 and "X-Segment-Settings" in reply.body["message"]


async def test_segments_webhook_is_known_by_its_signature(line: Line) -> None:
    body = json.dumps(event()).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    assert (await post(line, body, key=None, X_Signature=signature)).status == 200
    (invitation,) = await until(lambda: line.plaudit.store.invitations(state="accepted"))
    assert invitation.destination == "signed"
    forged = await post(line, body + b" ", key=None, X_Signature=signature)
    assert forged.status == 401 and "X-Signature" in forged.body["message"]


async def test_a_destination_with_a_secret_takes_no_unsigned_event(line: Line) -> None:
    reply = await post(line, event(), key="anotherIntegrationKey")
    assert reply.status == 401 and "X-Signature is missing" in reply.body["message"]


async def test_any_casing_is_read(line: Line) -> None:
    odd = {
        "Type": "track",
        "EVENT": "Order Completed",
        "message_id": "m1",
        "user_id": "u1",
        "Properties": ORDER,
    }
    assert (await post(line, odd)).status == 200
    await until(lambda: line.plaudit.store.invitations(state="accepted"))
    assert (await line.plaudit.store.events())[0].message_id == "m1"


async def test_only_post(line: Line) -> None:
    reply = await asyncio.to_thread(http, f"{line.plaudit.url}/destinations/trustpilot", method="PUT")
    assert reply.status == 405 and "takes POST" in reply.body["message"]
