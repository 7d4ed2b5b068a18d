"""The JSON API, and the bounds of what is kept."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .client import PRODUCTS, Client


async def test_invitations_are_listed_newest_first() -> None:
    client = Client()
    await client.invite(totalCost=149.5, currency="EUR", source="Plaudit-0.1", **PRODUCTS)
    client.clock.time += 1500
    await client.invite(referenceId="1002")
    newest, oldest = await client.rows()
    assert newest["reference_id"] == "1002"
    assert oldest == {
        "channel": "integration_key",
        "key": "dem…",
        "reference_id": "1001",
        "recipient_email": "ada@example.com",
        "recipient_name": "Ada Lovelace",
        "source": "Plaudit-0.1",
        "products": PRODUCTS["products"],
        "total_cost": 149.5,
        "currency": "EUR",
        "received_at": "2026-11-23T18:40:00.000Z",
        "posts": 1,
        "accepted": 1,
        "updates": 0,
        "answer": "201",
        "invites": [],
        "locale": "",
        "template_id": "",
        "product_template_id": "",
        "tags": [],
        "preferred_send_time": "",
        "product_preferred_send_time": "",
        "sender_email": "",
        "sender_name": "",
        "reply_to": "",
        "redirect_uri": "",
        "product_redirect_uri": "",
        "location_id": "",
        "note": "",
    }


async def test_limit_and_order() -> None:
    client = Client()
    for number in range(120):
        await client.invite(referenceId=f"{number}")

    async def references(query: str) -> list[str]:
        return [row["reference_id"] for row in (await client.get(f"/sandbox/invitations{query}")).json]

    assert len(await references("")) == 100
    assert len(await references("?limit=0")) == 120
    assert await references("?limit=2") == ["119", "118"]
    assert await references("?order=7") == ["7"]
    assert await references("?order=none") == []


async def test_the_oldest_go_but_the_counts_stay() -> None:
    client = Client(keep=3)
    for number in range(5):
        await client.invite(referenceId=f"{number}")
    assert [row["reference_id"] for row in await client.rows()] == ["4", "3", "2"]
    stats = await client.stats()
    assert (stats["invitations"], stats["kept"], stats["requests"]) == (5, 3, 5)


async def test_everything_can_be_forgotten() -> None:
    client = Client()
    await client.invite()
    assert (await client.send("DELETE", "/sandbox/invitations")).status == 204
    assert await client.rows() == []
    assert (await client.stats())["requests"] == 0


async def test_faults_are_set_read_and_taken_away() -> None:
    client = Client()
    wanted = {"faults": ["slow=0.5", {"name": "429", "rate": 0.1, "key": "demokey12"}]}
    reply = await client.send_json("PUT", "/sandbox/faults", wanted)
    assert reply.status == 200
    on = (await client.get("/sandbox/faults")).json["faults"]
    assert [fault["fault"] for fault in on] == ["slow=0.5", "429:0.1@demokey12=1"]
    again = {"faults": [{k: v for k, v in fault.items() if k != "fault"} for fault in on]}
    assert (await client.send_json("PUT", "/sandbox/faults", again)).json["faults"] == on
    assert (await client.send("DELETE", "/sandbox/faults")).status == 204
    assert (await client.get("/sandbox/faults")).json["faults"] == []


@pytest.mark.parametrize(
    "value", [[], {}, {"faults": "429"}, {"faults": [429]}, {"faults": ["x"]}, {"faults": [{}]}]
)
async def test_wrong_faults_change_nothing(value: object) -> None:
    client = Client("429")
    reply = await client.send_json("PUT", "/sandbox/faults", value)
    assert reply.status == 400 and set(reply.json) == {"code", "message"}
    assert len(client.app.faults.on) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/sandbox/invitations?limit=-1", 400, "bad_limit"),
        ("GET", "/sandbox/invitations?limit=ten", 400, "bad_limit"),
        ("GET", "/sandbox/invitations?limit=", 400, "bad_limit"),
        ("GET", "/sandbox/invitations?sort=up", 400, "unknown_parameter"),
        ("PUT", "/sandbox/faults", 400, "bad_content_type"),
        ("GET", "/sandbox/calls?order=1", 400, "unknown_parameter"),
        ("GET", "/sandbox/calls?limit=x", 400, "bad_limit"),
        ("GET", "/sandbox/certificate", 404, "no_mail"),
        ("GET", "/sandbox/nothing", 404, "not_found"),
        ("POST", "/sandbox/stats", 405, "method_not_allowed"),
    ],
)
async def test_wrong_requests_say_why(method: str, path: str, status: int, code: str) -> None:
    reply = await Client().send(method, path)
    assert (reply.status, reply.json["code"]) == (status, code) and reply.message


@settings(max_examples=150, deadline=None)
@given(body=st.binary(), query=st.text(st.characters(codec="ascii", exclude_characters="?")))
def test_nothing_makes_it_stumble(body: bytes, query: str) -> None:
    async def speak() -> None:
        client = Client()
        reply = await client.send("PUT", "/sandbox/faults", body, {"content-type": "application/json"})
        assert reply.status < 500
        assert (await client.get(f"/sandbox/invitations?limit={query}")).status < 500
        assert (await client.send("POST", "/sandbox/page/faults", body)).status < 500

    asyncio.run(speak())
