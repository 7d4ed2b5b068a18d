"""The Integration-Key contract, row by row (trustpilot.md 1.1 to 1.6)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plaudit.sandbox.address import is_address

from .client import INVITATION, KEY, PRODUCTS, Client

BATCH = f"/api/{KEY}/batchinvitations"


async def test_the_least_invitation_is_a_201_with_no_body() -> None:
    reply = await Client().invite()
    assert (reply.status, reply.body, reply.headers) == (201, b"", {"content-length": "0"})


async def test_all_that_a_plugin_sends_is_taken() -> None:
    product = {
        "name": "Engine", "sku": "AE-1", "productUrl": "https://s.example/p", "imageUrl": "https://s.example/i",
        "gtin": "", "mpn": "", "brand": "B", "manufacturer": "M", "productId": 7, "price": 12.5, "currency": "EUR",
        "categories": ["a"], "description": "d", "images": [], "tags": [], "videos": None,
        "meta": {"title": "t", "keywords": None, "description": "d"},
    }  # fmt: skip
    reply = await Client().invite(
        source="WooCommerce-9",
        pluginVersion="2.5",
        hook="woocommerce_thankyou",
        orderStatusId="wc-completed",
        orderStatusName="Completed",
        templateParams=["1", 2],
        products=[product],
        productSkus=["AE-1"],
        totalCost="149.50",
        currency="EUR",
    )
    assert reply.status == 201


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"recipientEmail": ...}, "recipientEmail: missing"),
        ({"recipientEmail": ""}, "recipientEmail: not an e-mail address"),
        ({"recipientEmail": "ada"}, "recipientEmail: not an e-mail address"),
        ({"recipientEmail": None}, "recipientEmail: Expected `str`"),
        ({"recipientName": ...}, "recipientName: missing"),
        ({"recipientName": 1}, "recipientName: Expected `str`"),
        ({"referenceId": ...}, "referenceId: missing"),
        ({"referenceId": ""}, "referenceId: empty"),
        ({"referenceId": " "}, "referenceId: empty"),
        ({"referenceId": 1001}, "referenceId: Expected `str`"),
        ({"source": 1}, "source: Expected"),
        ({"templateParams": "1"}, "templateParams: Expected `array"),
        ({"payloadType": "Invite"}, "payloadType: no known value"),
        ({"totalCost": True}, "totalCost: Expected"),
        ({"currency": "euro"}, "currency: not an ISO code"),
        ({"locale": "en-US"}, "locale: the contract has no such field"),
        ({"products": [{"name": "x"}]}, "productSkus: missing"),
        ({"productSkus": ["x"]}, "products: missing"),
        ({"products": [{"name": "x"}], "productSkus": []}, "productSkus: 0 for 1 products"),
        ({"products": [{"sku": "a"}], "productSkus": ["b"]}, "productSkus[0]: not the sku of products[0]"),
        ({"products": ["x"], "productSkus": ["x"]}, "products[0]: Expected `object`"),
        ({"products": [{"quantity": 2}], "productSkus": [""]}, "products[0].quantity: the contract has no"),
        ({"products": [{"name": "x"}], "productSkus": [1]}, "productSkus[0]: Expected `str`"),
    ],
)
async def test_what_is_wrong_is_named_with_its_mend(fields: dict[str, Any], says: str) -> None:
    client = Client()
    reply = await client.invite(**fields)
    assert reply.status == 400
    assert reply.message.startswith(says)
    assert not await client.rows()


async def test_a_message_repeats_no_value_and_no_key() -> None:
    client = Client(keys=["otherkey1"])
    for reply in (
        await client.invite(),
        await client.invite(key="otherkey1", payloadType="secret@example.com"),
        await client.invite(key="otherkey1", **{"secret@example.com": 1}),
        await client.invite(key="otherkey1", recipientEmail="secret@example@com"),
    ):
        assert reply.status in (400, 401)
        assert b"secret" not in reply.body and KEY.encode() not in reply.body


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ('Application/JSON;charset="UTF-8"', 201),
        ("application/json; charset=latin-1", 400),
        ("text/plain", 400),
        ("", 400),
    ],
)
async def test_the_content_type_must_be_json(content_type: str, status: int) -> None:
    body = json.dumps(INVITATION).encode()
    reply = await Client().send("POST", f"/api/{KEY}/invitation", body, {"content-type": content_type})
    assert reply.status == status


async def test_a_compressed_body_is_refused() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    reply = await Client().send("POST", f"/api/{KEY}/invitation", b"{}", headers)
    assert (reply.status, reply.message[:16]) == (400, "Content-Encoding")


@pytest.mark.parametrize("key", ["short", "a" * 65, "demo-key-12", "demokey1é"])
async def test_a_key_must_look_like_one(key: str) -> None:
    assert (await Client().invite(key=key)).status == 404


async def test_only_listed_keys_are_let_in() -> None:
    client = Client(keys=[KEY])
    assert (await client.invite()).status == 201
    assert (await client.invite(key="unknownkey")).status == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/api/{KEY}/invitation", 405),
        ("POST", f"/api/{KEY}/settings", 404),
        ("POST", f"/api/{KEY}", 404),
        ("POST", "/api/", 404),
        ("POST", f"/api/{KEY}/invitation/", 404),
        ("POST", "/api/log", 200),
    ],
)
async def test_other_paths_and_methods(method: str, path: str, status: int) -> None:
    assert (await Client().send(method, path, b"{}")).status == status


async def test_a_call_to_log_is_counted() -> None:
    client = Client()
    await client.send("POST", "/api/log", b"anything")
    assert (await client.stats())["log_calls"] == 1


async def test_a_status_update_is_no_invitation() -> None:
    client = Client("202-first")
    assert (await client.invite(payloadType="OrderStatusUpdate")).status == 201
    stats = await client.stats()
    assert (stats["invitations"], stats["accepted"], stats["updates"]) == (0, 0, 1)
    assert [(row["posts"], row["updates"]) for row in await client.rows()] == [(0, 1)]


async def test_the_same_reference_again_is_answered_201_and_counted() -> None:
    client = Client()
    assert [(await client.invite()).status for _ in range(3)] == [201] * 3
    assert (await client.invite(key="otherkey1")).status == 201
    rows = await client.rows()
    assert [(row["key"], row["posts"], row["accepted"]) for row in rows] == [("oth…", 1, 1), ("dem…", 3, 3)]
    stats = await client.stats()
    assert (stats["invitations"], stats["accepted"], stats["twice"]) == (2, 2, 1)


async def test_trustboxconfig_tells_the_business_unit() -> None:
    client = Client()
    first = await client.send("POST", f"/api/{KEY}/trustboxconfig")
    assert first.status == 200 and set(first.json) == {"BusinessUnitId", "Url"}
    assert first.json == (await client.send("POST", f"/api/{KEY}/trustboxconfig")).json
    assert (await client.send_json("POST", f"/api/{KEY}/trustboxconfig", {})).status == 400


async def test_a_batch_is_a_201_with_its_failures() -> None:
    client = Client()
    good = {**INVITATION, **PRODUCTS}
    items = [
        good,
        {**good, "referenceId": "2", "recipientEmail": "no"},
        {**INVITATION, "referenceId": "3"},
        4,
    ]
    reply = await client.send_json("POST", BATCH, {"invitations": items, "type": "WITH_PRODUCT_DATA"})
    assert reply.status == 201
    assert [failure["referenceId"] for failure in reply.json] == ["2", "3", ""]
    assert all(set(failure) == {"referenceId", "error"} for failure in reply.json)
    assert [row["reference_id"] for row in await client.rows()] == ["1001"]


async def test_a_batch_with_no_failure_has_no_body() -> None:
    reply = await Client().send_json(
        "POST", BATCH, {"invitations": [INVITATION], "type": "WITHOUT_PRODUCT_DATA"}
    )
    assert (reply.status, reply.body) == (201, b"")


@pytest.mark.parametrize(
    "batch",
    [
        {"invitations": [], "type": "WITH_PRODUCT_DATA"},
        {"invitations": [INVITATION] * 21, "type": "WITHOUT_PRODUCT_DATA"},
        {"invitations": [INVITATION], "type": "ALL"},
        {"invitations": [INVITATION]},
        {"invitations": [INVITATION], "type": "WITHOUT_PRODUCT_DATA", "hook": "past-orders"},
        [INVITATION],
    ],
)
async def test_a_wrong_batch_is_refused_whole(batch: object) -> None:
    client = Client()
    assert (await client.send_json("POST", BATCH, batch)).status == 400
    assert not await client.rows()


async def test_a_long_body_is_refused() -> None:
    body = b" " * (1024 * 1024 + 1)
    reply = await Client().send("POST", f"/api/{KEY}/invitation", body, {"content-type": "application/json"})
    assert reply.status == 413


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "a.b+c@shop.test",
        "o'neil@ex-ample.co.uk",
        "jörg@müller.example",
        "用户@例子.中国",
        "1@2.de",
    ],
)
def test_addresses(address: str) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "@", "ada@", "@example.com", "ada@example", "ada@@example.com", "a b@example.com", "ada@example..com",
        ".ada@example.com", "ada.@example.com", "a..b@example.com", "ada@-example.com", "ada@example-.com",
        "Ada <ada@example.com>", "ada@example.com\n", "ada@[127.0.0.1]", "ada@127.0.0.1", "a" * 65 + "@example.com",
        "ada@ex_ample.com", "ada@" + "a" * 64 + ".com", "ada@example.com,bob@example.com", "a\x00@example.com",
    ],
)  # fmt: skip
def test_no_addresses(address: str) -> None:
    assert not is_address(address)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [*INVITATION, *PRODUCTS, "payloadType", "totalCost", "currency", "templateParams", "x"]
)
almost = st.dictionaries(fields, json_values).map(lambda d: json.dumps({**INVITATION, **d}).encode())


@settings(max_examples=300, deadline=None)
@given(body=st.binary() | almost, kind=st.sampled_from(["invitation", "batchinvitations", "trustboxconfig"]))
@example(body=b'{"recipientEmail": "\\ud800@example.com"}', kind="invitation")
@example(body=b'{"a":' * 100_000, kind="invitation")
@example(body=b"[" * 100_000, kind="batchinvitations")
@example(body=b'{"totalCost": 1' + b"0" * 5000 + b"}", kind="invitation")
@example(body=b"\xef\xbb\xbf{}", kind="invitation")
def test_no_bytes_make_it_stumble(body: bytes, kind: str) -> None:
    async def post() -> None:
        client = Client()
        reply = await client.send("POST", f"/api/{KEY}/{kind}", body, {"content-type": "application/json"})
        assert 200 <= reply.status < 500
        assert reply.status < 300 or reply.message
        assert (await client.get("/")).status == 200
        await client.rows()

    asyncio.run(post())
