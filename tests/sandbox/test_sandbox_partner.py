"""The partner endpoint: what Segment sends one, and what it is answered (segment.md 3.2, 3.3)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from .client import EVENT, KEY, ORDER, Client, basic, given

ORDER_EVENT: dict[str, Any] = {**EVENT, "type": "track", "event": "Order Completed", "properties": ORDER}


def settings_header(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


async def test_an_order_is_an_invitation() -> None:
    client = Client()
    properties = {
        **ORDER,
        "name": "Ada",
        "surname": "Lovelace",
        "total": 27.5,
        "revenue": 25,
        "currency": "USD",
        "shipping": 3,
        "products": [
            {"product_id": "7", "name": "Engine", "url": "https://s.example/p", "price": 19, "quantity": 1},
            {"sku": "AE-2", "name": "Cards"},
        ],
    }
    event = {**ORDER_EVENT, "properties": properties, "context": {"library": {"name": "analytics.js"}}}
    reply = await client.partner(event=event)
    assert (reply.status, reply.body) == (200, b"")
    [row] = await client.rows()
    assert (row["channel"], row["key"], row["reference_id"]) == ("partner", "dem…", "1001")
    assert (row["recipient_name"], row["total_cost"], row["currency"]) == ("Ada Lovelace", 27.5, "USD")
    assert [(p["name"], p["sku"]) for p in row["products"]] == [("Engine", "7"), ("Cards", "AE-2")]
    assert (row["source"], row["invites"]) == ("analytics.js", ["service"])
    assert await client.calls() == []


@pytest.mark.parametrize("event", ["order completed", "Order_Completed", "OrderCompleted", "Completed Order"])
async def test_the_event_has_the_names_that_segment_knows(event: str) -> None:
    assert (await Client().partner(event={**ORDER_EVENT, "event": event})).status == 200


async def test_identify_is_a_call() -> None:
    client = Client()
    traits = {"order_completed_last_30days": True, "email": "ada@example.com"}
    context = {"personas": {"computation_class": "audience"}}
    assert (await client.partner(event={**EVENT, "traits": traits, "context": context})).status == 200
    client.clock.time += 1000
    assert (
        await client.partner(event={**EVENT, "messageId": "m-2", "userId": None, "anonymousId": "a"})
    ).status == 200
    newest, oldest = await client.calls()
    assert newest["message_id"] == "m-2" and newest["anonymous_id"] == "a" and newest["traits"] == {}
    assert oldest == {
        "channel": "partner",
        "key": "dem…",
        "type": "identify",
        "message_id": "m-1",
        "user_id": "user-1",
        "anonymous_id": "",
        "traits": traits,
        "context": context,
        "event": "",
        "properties": {},
        "received_at": "2026-11-23T18:40:00.000Z",
        "posts": 1,
        "accepted": 1,
        "answer": "200",
    }
    assert [call["message_id"] for call in (await client.get("/sandbox/calls?user=user-1")).json] == ["m-1"]
    assert len((await client.get("/sandbox/calls?limit=1")).json) == 1
    assert (await client.stats())["calls"] == 2
    html = (await client.get("/")).body.decode()
    assert "order_completed_last_30days" in html and "user-1" in html


async def test_what_an_audience_tracks_is_a_call() -> None:
    client = Client()
    said = {
        "type": "track",
        "event": "Audience Entered",
        "properties": {"audience_key": "recent", "recent": True},
    }
    assert (
        await client.partner(event={**EVENT, **said})
    ).status == 501  # nothing says that it is an audience's
    personas = {"personas": {"computation_class": "audience"}}
    assert (
        await client.partner(event={**EVENT, **said, "messageId": "m-2", "context": personas})
    ).status == 200
    [call] = await client.calls()
    assert (call["event"], call["properties"]) == ("Audience Entered", said["properties"])
    assert "audience_key" in (await client.get("/")).body.decode()


async def test_a_repeated_message_is_answered_counted_and_recorded_once() -> None:
    client = Client()
    for event in (EVENT, {**ORDER_EVENT, "messageId": "m-2"}):
        assert [(await client.partner(event=event)).status for _ in range(3)] == [200] * 3
    stats = await client.stats()
    assert (stats["repeated"], stats["calls"], stats["accepted"], stats["twice"]) == (4, 1, 1, 0)
    assert [row["posts"] for row in [*await client.rows(), *await client.calls()]] == [1, 1]
    assert (await client.partner("otherkey1")).status == 200
    assert (await client.stats())["calls"] == 2


async def test_a_message_that_was_refused_is_no_repeat() -> None:
    client = Client("503x1")
    assert [(await client.partner()).status for _ in range(2)] == [503, 200]
    [call] = await client.calls()
    assert (call["posts"], call["accepted"], call["answer"]) == (2, 1, "200")
    assert (await client.stats())["repeated"] == 0


@pytest.mark.parametrize(
    "event",
    [
        {**EVENT, "type": "page"},
        {**EVENT, "type": "group"},
        {**EVENT, "type": "track", "event": "Product Viewed"},
        {**EVENT, "type": "track"},
        {**EVENT, "type": "nonsense"},
    ],
)
async def test_other_calls_are_not_supported(event: dict[str, Any]) -> None:
    client = Client()
    reply = await client.partner(event=event)
    assert reply.status == 501 and reply.message
    assert not await client.rows() and not await client.calls()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"type": ...}, "type: missing"),
        ({"messageId": ...}, "messageId: missing"),
        ({"messageId": ""}, "messageId: Expected `str`"),
        ({"messageId": "m" * 101}, "messageId: Expected `str`"),
        ({"timestamp": ...}, "timestamp: missing"),
        ({"timestamp": "2026-11-23T18:40:00"}, "timestamp: without an offset"),
        ({"receivedAt": ...}, "receivedAt: missing"),
        ({"receivedAt": "now"}, "receivedAt: "),
        ({"userId": ...}, "userId: missing, and anonymousId too"),
        ({"userId": 7}, "userId: Expected"),
        ({"traits": []}, "traits: Expected"),
        ({"type": "track", "event": "Order Completed"}, "properties: order_id: missing"),
        (
            {"type": "track", "event": "Order Completed", "properties": []},
            "properties: the body: Expected `object`",
        ),
        (
            {"type": "track", "event": "Order Completed", "properties": {**ORDER, "order_id": ""}},
            "properties: order_id",
        ),
        (
            {"type": "track", "event": "Order Completed", "properties": {**ORDER, "email": ""}},
            "properties: email: not",
        ),
        (
            {"type": "track", "event": "Order Completed", "properties": {"order_id": 1}},
            "properties: email: missing",
        ),
    ],
)
async def test_what_is_wrong_is_named_with_its_mend(fields: dict[str, Any], says: str) -> None:
    client = Client("503")
    reply = await client.partner(event=given(EVENT, fields))
    assert reply.status == 400
    assert reply.message.startswith(says)
    assert not await client.rows() and not await client.calls()


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic !!",
        "Bearer demokey12",
        basic(KEY, "password"),
        basic("short"),
        basic("unknownkey"),
        basic(""),
    ],
)
async def test_a_bad_key_is_a_401(authorization: str) -> None:
    client = Client(keys=[KEY])
    assert (await client.partner()).status == 200
    reply = await client.partner(authorization=authorization)
    assert reply.status == 401 and reply.message


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("", 200),
        (settings_header({}), 200),
        (settings_header({"customSettingOne": "value"}), 200),
        (settings_header([]), 400),
        ("{}", 400),
        (base64.b64encode(b"{").decode(), 400),
    ],
)
async def test_other_settings_are_json_in_base64(header: str, status: int) -> None:
    assert (await Client().partner(x_segment_settings=header)).status == status


async def test_other_methods_types_and_lengths() -> None:
    client = Client()
    assert (await client.send("GET", "/partner")).status == 405
    assert (await client.partner(content_type="text/plain")).status == 400
    assert (await client.partner(content_encoding="gzip")).status == 400
    assert (await client.partner(event={**EVENT, "traits": {"a": "x" * 1024 * 1024}})).status == 413


@pytest.mark.parametrize("spelled", ["429", "503", "500", "401", "403", "400", "501"])
async def test_a_fault_answers_and_nothing_is_accepted(spelled: str) -> None:
    client = Client(spelled)
    for event in (EVENT, ORDER_EVENT):
        reply = await client.partner(event=event)
        assert reply.status == int(spelled) and reply.message
    stats = await client.stats()
    assert (stats["accepted"], stats["calls"], stats["invitations"]) == (0, 0, 1)


@settings(max_examples=150, deadline=None)
@any_of(
    body=st.binary()
    | st.dictionaries(
        st.sampled_from([*ORDER_EVENT, "traits", "context", "anonymousId"]),
        st.none()
        | st.text()
        | st.integers()
        | st.lists(st.integers())
        | st.dictionaries(st.text(), st.text()),
    ).map(lambda d: json.dumps({**ORDER_EVENT, **d}).encode())
)
def test_no_bytes_make_it_stumble(body: bytes) -> None:
    async def post() -> None:
        client = Client()
        headers = {"authorization": basic(KEY), "content-type": "application/json"}
        reply = await client.send("POST", "/partner", body, headers)
        assert reply.status in (200, 400, 501)
        assert (await client.get("/")).status == 200
        await client.calls()

    asyncio.run(post())
