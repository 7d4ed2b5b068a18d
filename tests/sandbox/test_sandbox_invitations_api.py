"""The Invitations API: its contract row by row (trustpilot.md 2), tokens, rates and faults."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import settings
from hypothesis import strategies as st

from plaudit.sandbox.review_templates import PRODUCT, SERVICE, TEMPLATES

from .client import API_INVITATION, FORM, TOKEN_PATH, UNIT, Client, basic, given

SERVICE_ID = next(template.id for template in TEMPLATES if template.type == SERVICE)
PRODUCT_ID = next(template.id for template in TEMPLATES if template.type == PRODUCT)
LATER = {"preferredSendTime": "2026-12-08T09:00:00"}
PRODUCTS = {"products": [{"sku": "AE-1", "name": "Engine"}]}
HUNDRED_HOURS = 359_999_000


async def test_a_token_has_the_vendors_fields_all_as_strings() -> None:
    client = Client()
    reply = await client.token()
    assert reply.status == 200
    assert reply.json == {
        "access_token": reply.json["access_token"],
        "refresh_token": "",
        "expires_in": "359999",
        "issued_at": str(client.clock.time),
        "client_id": "client",
        "app_enduser": "",
        "refresh_token_expires_in": "0",
        "refresh_token_issued_at": "",
        "refresh_token_status": "",
    }
    assert (await client.stats())["tokens"] == 1


@pytest.mark.parametrize(
    ("authorization", "content_type", "body", "status"),
    [
        ("", FORM, "grant_type=client_credentials", 401),
        ("Basic !!", FORM, "grant_type=client_credentials", 401),
        (basic("client"), FORM, "grant_type=client_credentials", 401),
        (basic("client", "wrong"), FORM, "grant_type=client_credentials", 401),
        (basic("other", "secret"), FORM, "grant_type=client_credentials", 401),
        (basic("client", "secret"), "application/json", '{"grant_type": "client_credentials"}', 415),
        (basic("client", "secret"), FORM, "grant_type=password", 400),
        (basic("client", "secret"), FORM, "", 400),
        (basic("client", "secret"), FORM, "grant_type=client_credentials&scope=all", 400),
        (basic("client", "secret"), FORM, "grant_type=client_credentials", 200),
    ],
)
async def test_who_gets_a_token(authorization: str, content_type: str, body: str, status: int) -> None:
    client = Client(clients={"client": "secret"})
    headers = {"authorization": authorization, "content-type": content_type}
    reply = await client.send("POST", TOKEN_PATH, body.encode(), headers)
    assert reply.status == status
    assert reply.json and b"secret" not in reply.body.replace(b"its secret", b"").replace(
        b"wrong secret", b""
    )


async def test_asking_for_tokens_too_often_is_refused_until_a_minute_has_passed() -> None:
    client = Client()
    assert [(await client.token()).status for _ in range(21)] == [200] * 20 + [429]
    assert (await client.token("another")).status == 200
    client.clock.time += 60_000
    assert (await client.token()).status == 200


async def test_a_token_lives_a_hundred_hours() -> None:
    client = Client()
    token = (await client.token()).json["access_token"]
    client.clock.time += HUNDRED_HOURS - 1
    assert (await client.api(token=token)).status == 202
    client.clock.time += 1
    assert (await client.api(token=token)).status == 401


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nonsense", basic("client", "secret")])
async def test_without_a_token_the_vendors_words(authorization: str) -> None:
    reply = await Client().api(authorization=authorization)
    assert reply.status == 401
    assert reply.json == {
        "fault": {
            "faultstring": "Invalid access token",
            "detail": {"errorcode": "oauth.v2.InvalidAccessToken"},
        }
    }


@pytest.mark.parametrize("user", ["", "me"])
async def test_without_a_business_user_the_vendors_words(user: str) -> None:
    client = Client()
    for what in ("email-invitations", "invitation-data/delete"):
        reply = await client.api(what, x_business_user_id=user)
        assert (reply.status, reply.json["errorCode"]) == (403, 1014)
        assert set(reply.json) == {"message", "errorCode", "correlationId"}
    assert (await client.api("templates", x_business_user_id=user)).status == 200


async def test_the_least_invitation_is_a_202_with_no_body() -> None:
    client = Client()
    reply = await client.api()
    assert (reply.status, reply.body) == (202, b"")
    [row] = await client.rows()
    assert (row["channel"], row["key"], row["reference_id"]) == ("invitations_api", "46d…", "1001")
    assert (row["invites"], row["note"], row["accepted"]) == (["service"], "", 1)


async def test_everything_that_an_invitation_can_say_is_recorded() -> None:
    client = Client()
    full = {
        **API_INVITATION,
        "locale": "de-DE",
        "senderEmail": "shop@example.com",
        "senderName": "The Shop",
        "replyTo": "care@example.com",
        "locationId": "Berlin",
        "type": "email",
        "serviceReviewInvitation": {
            "templateId": SERVICE_ID,
            "preferredSendTime": "2026-12-01T09:00:00",
            "redirectUri": "https://shop.example/thanks?a=1",
            "tags": ["web"],
        },
        "productReviewInvitation": {
            "templateId": PRODUCT_ID,
            "redirectUri": "http://shop.example",
            **LATER,
            "products": [
                {
                    "sku": "AE-1", "name": "Engine", "mpn": "1", "brand": "B", "imageUrl": "https://s.example/i",
                    "productUrl": "https://s.example/p", "gtin": "2", "productCategoryGoogleId": "3",
                }
            ],
        },
    }  # fmt: skip
    assert (await client.api(value=full)).status == 202
    [row] = await client.rows()
    assert row["products"] == full["productReviewInvitation"]["products"]
    wanted = {
        "recipient_email": "ada@example.com",
        "recipient_name": "Ada Lovelace",
        "invites": ["service", "product"],
        "locale": "de-DE",
        "template_id": SERVICE_ID,
        "product_template_id": PRODUCT_ID,
        "tags": ["web"],
        "preferred_send_time": "2026-12-01T09:00:00",
        "product_preferred_send_time": "2026-12-08T09:00:00",
        "sender_email": "shop@example.com",
        "sender_name": "The Shop",
        "reply_to": "care@example.com",
        "redirect_uri": "https://shop.example/thanks?a=1",
        "product_redirect_uri": "http://shop.example",
        "location_id": "Berlin",
        "note": "",
    }
    assert {name: row[name] for name in wanted} == wanted


async def test_bare_skus_are_products() -> None:
    client = Client()
    value = given(
        API_INVITATION,
        {"serviceReviewInvitation": ..., "productReviewInvitation": {"productSkus": ["AE-1", "AE-2"]}},
    )
    assert (await client.api(value=value)).status == 202
    [row] = await client.rows()
    assert (row["products"], row["invites"]) == ([{"sku": "AE-1"}, {"sku": "AE-2"}], ["product"])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"consumerEmail": ...}, "consumerEmail: missing"),
        ({"consumerEmail": "ada"}, "consumerEmail: not an e-mail address"),
        ({"consumerName": ...}, "consumerName: missing"),
        ({"consumerName": None}, "consumerName: Expected `str`"),
        ({"referenceNumber": ...}, "referenceNumber: missing"),
        ({"referenceNumber": " "}, "referenceNumber: empty"),
        ({"referenceNumber": 1001}, "referenceNumber: Expected `str`"),
        ({"recipientEmail": "ada@example.com"}, "recipientEmail: the contract has no such field"),
        ({"locale": "en_US"}, "locale: not a locale with a hyphen"),
        ({"locale": ""}, "locale: not a locale with a hyphen"),
        ({"locale": None}, "locale: Expected `str`"),
        ({"senderEmail": ""}, "senderEmail: not an e-mail address"),
        ({"replyTo": "me"}, "replyTo: not an e-mail address"),
        ({"type": "sms"}, "type: no known value"),
        ({"serviceReviewInvitation": ...}, "serviceReviewInvitation: missing"),
        ({"serviceReviewInvitation": None}, "serviceReviewInvitation: Expected `object`"),
        ({"serviceReviewInvitation": {"products": []}}, "serviceReviewInvitation.products: the contract has no"),
        ({"serviceReviewInvitation": {"templateId": ""}}, "serviceReviewInvitation.templateId: empty"),
        ({"serviceReviewInvitation": {"tags": "a"}}, "serviceReviewInvitation.tags: Expected `array`"),
        ({"serviceReviewInvitation": {"tags": [""]}}, "serviceReviewInvitation.tags: holds an empty one"),
        ({"serviceReviewInvitation": {"redirectUri": "/x"}}, "serviceReviewInvitation.redirectUri: not an address"),
        *(
            ({"serviceReviewInvitation": {"preferredSendTime": time}}, "serviceReviewInvitation.preferredSendTime: not")
            for time in (
                "2026-12-01T09:00:00Z", "2026-12-01T09:00:00+01:00", "2026-12-01 09:00:00", "2026-12-01T09:00",
                "2026-12-01T09:00:00.000", "2026-13-01T09:00:00", "09/07/2013 13:37:00", "",
            )
        ),
        ({"productReviewInvitation": {}}, "productReviewInvitation.products: either this or productSkus"),
        ({"productReviewInvitation": {**PRODUCTS, "productSkus": ["a"]}}, "productReviewInvitation.products: either"),
        ({"productReviewInvitation": {"products": []}}, "productReviewInvitation.products: Expected `array`"),
        ({"productReviewInvitation": {"products": [{}]}}, "productReviewInvitation.products[0].sku: missing"),
        (
            {"productReviewInvitation": {"products": [{"sku": "a", "price": 1}]}},
            "productReviewInvitation.products[0].price: the contract has no such field",
        ),
        ({"productReviewInvitation": {"productSkus": [""]}}, "productReviewInvitation.productSkus: holds an empty"),
        ({"productReviewInvitation": {**PRODUCTS, "tags": ["a"]}}, "productReviewInvitation.tags: the contract"),
        (
            {"serviceReviewInvitation": LATER, "productReviewInvitation": {**PRODUCTS, **LATER}},
            "serviceReviewInvitation.preferredSendTime: not before productReviewInvitation",
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_with_its_mend(fields: dict[str, Any], says: str) -> None:
    client = Client("503")
    reply = await client.api(token=await _token(client), value=given(API_INVITATION, fields))
    assert reply.status == 400
    assert set(reply.json) == {"message", "errorCode", "details"}
    assert reply.json["details"].startswith(says)
    assert not await client.rows()


async def _token(client: Client) -> str:
    """A token whatever fault is on."""
    faults = list(client.app.faults.on.values())
    client.app.faults.replace([])
    token: str = (await client.token()).json["access_token"]
    client.app.faults.replace(faults)
    return token


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        (
            {"serviceReviewInvitation": {"templateId": "507f191e810c19729de860ea"}},
            "no service-review template",
        ),
        ({"serviceReviewInvitation": {"templateId": PRODUCT_ID}}, "no service-review template"),
        ({"productReviewInvitation": {**PRODUCTS, "templateId": SERVICE_ID}}, "no product-review template"),
    ],
)
async def test_an_unknown_template_is_taken_and_never_sent(fields: dict[str, Any], note: str) -> None:
    client = Client()
    assert (await client.api(value={**API_INVITATION, **fields})).status == 202
    [row] = await client.rows()
    assert note in row["note"] and row["accepted"] == 1
    stats = await client.stats()
    assert (stats["accepted"], stats["unsent"]) == (1, 1)
    assert note in (await client.get("/")).body.decode()


async def test_the_templates_have_both_types_and_one_default_each() -> None:
    templates = (await Client().api("templates")).json["templates"]
    assert {frozenset(template) for template in templates} == {
        frozenset({"id", "name", "isDefaultTemplate", "locale", "type"})
    }
    assert sorted(t["type"] for t in templates if t["isDefaultTemplate"]) == [PRODUCT, SERVICE]
    assert len({t["locale"] for t in templates}) > 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", TOKEN_PATH, 405),
        ("GET", f"/v1/private/business-units/{UNIT}/email-invitations", 405),
        ("POST", f"/v1/private/business-units/{UNIT}/templates", 405),
        ("POST", f"/v1/private/business-units/{UNIT}/invitations", 404),
        ("POST", f"/v1/private/business-units/{UNIT.upper()}/email-invitations", 404),
        ("POST", "/v1/private/business-units/shop/email-invitations", 404),
        ("POST", "/v1/", 404),
    ],
)
async def test_other_paths_and_methods(method: str, path: str, status: int) -> None:
    assert (await Client().send(method, path)).status == status


async def test_other_types_and_lengths() -> None:
    client = Client()
    assert (await client.api(content_type="text/plain")).status == 415
    assert (await client.api(value={"consumerName": "x" * 1024 * 1024})).status == 413


async def test_people_are_forgotten_by_address_or_by_age() -> None:
    client = Client()
    token = (await client.token()).json["access_token"]
    for number, address in enumerate(["a@example.com", "b@example.com", "c@example.com"]):
        value = {**API_INVITATION, "referenceNumber": f"{number}", "consumerEmail": address}
        await client.api(value=value, token=token)
        client.clock.time += 1000
    await client.invite(recipientEmail="a@example.com")
    delete = "invitation-data/delete"
    gone = await client.api(delete, {"customerEmails": ["A@example.com", "x@example.com"]}, token)
    assert (gone.status, gone.body) == (202, b"")
    assert [row["reference_id"] for row in await client.rows()] == ["1001", "2", "1"]
    assert (await client.api(delete, {"deleteOlderThan": "2026-11-23T18:40:02"}, token)).status == 202
    assert [row["reference_id"] for row in await client.rows()] == ["1001", "2"]
    assert (await client.stats())["forgotten"] == 2


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"customerEmails": []},
        {"customerEmails": ["ada"]},
        {"customerEmails": ["a@example.com"], "deleteOlderThan": "2026-11-23T18:40:02"},
        {"deleteOlderThan": "yesterday"},
        {"deleteOlderThan": None},
        {"emails": ["a@example.com"]},
    ],
)
async def test_a_wrong_deletion_deletes_nothing(value: object) -> None:
    client = Client()
    await client.api()
    assert (await client.api("invitation-data/delete", value)).status == 400
    assert len(await client.rows()) == 1


async def test_calls_beyond_the_recommended_rate_are_counted() -> None:
    client = Client()
    token = (await client.token()).json["access_token"]
    for _ in range(834):
        assert (await client.api(token=token)).status == 202
    assert (await client.stats())["over_rate"] == 1
    client.clock.time += 300_000
    await client.api(token=token)
    assert (await client.stats())["over_rate"] == 1


async def test_calls_beyond_the_recommended_rate_are_refused_on_request() -> None:
    client = Client("rate-limit=7")
    token = (await client.token()).json["access_token"]
    for _ in range(833):
        assert (await client.api("templates", token=token)).status == 200
    for what in ("templates", "email-invitations"):
        reply = await client.api(what, token=token)
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    client.clock.time += 300_000
    assert (await client.api(token=token)).status == 202


@pytest.mark.parametrize(
    ("spelled", "status", "field"),
    [
        ("429", 429, "message"),
        ("503=30", 503, "message"),
        ("500", 500, "message"),
        ("400", 400, "details"),
        ("401", 401, "fault"),
        ("403", 403, "message"),
        ("1014", 403, "errorCode"),
        ("token-expired", 401, "fault"),
    ],
)
async def test_a_fault_answers_and_nobody_is_invited(spelled: str, status: int, field: str) -> None:
    client = Client(spelled)
    reply = await client.api(token=await _token(client))
    assert reply.status == status and field in reply.json
    assert reply.headers.get("retry-after") == {"429": "1", "503=30": "30"}.get(spelled)
    assert [(row["posts"], row["accepted"]) for row in await client.rows()] == [(1, 0)]


async def test_a_server_in_front_answers_in_html() -> None:
    client = Client("403-html")
    reply = await client.api(token=await _token(client))
    assert (reply.status, reply.headers["content-type"]) == (403, "text/html")


async def test_an_expired_token_stays_expired_and_a_new_one_is_good() -> None:
    client = Client("token-expiredx1")
    token = (await client.token()).json["access_token"]
    assert [(await client.api(token=token)).status for _ in range(2)] == [401, 401]
    assert (await client.api()).status == 202


async def test_a_fault_for_the_client_hits_tokens_only_and_one_for_the_unit_calls_only() -> None:
    client = Client("503@client")
    assert (await client.token()).status == 503
    assert (await client.token("another")).status == 200
    client = Client(f"503@{UNIT}")
    assert (await client.api()).status == 503


async def test_no_deletion_happens_under_a_fault() -> None:
    client = Client()
    await client.api()
    await client.send_json("PUT", "/sandbox/faults", {"faults": [f"503@{UNIT}"]})
    wanted = {"customerEmails": ["ada@example.com"]}
    assert (await client.api("invitation-data/delete", wanted)).status == 503
    assert len(await client.rows()) == 1


async def test_faults_of_other_channels_pass_it_by() -> None:
    client = Client("202-first", "251", "501", "421", "535")
    assert (await client.api()).status == 202
    assert (await client.invite()).status == 251
    client = Client("token-expired", "1014", "rate-limit", "403-html", "554", "501")
    assert (await client.invite()).status == 201


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
blocks = st.dictionaries(
    st.sampled_from(["templateId", "preferredSendTime", "redirectUri", "tags", "products", "productSkus"]),
    json_values,
)
fields = st.sampled_from([*API_INVITATION, "locale", "replyTo", "customerEmails", "deleteOlderThan", "x"])
almost = st.dictionaries(fields, json_values | blocks).map(
    lambda d: json.dumps({**API_INVITATION, **d}).encode()
)


@settings(max_examples=200, deadline=None)
@any_of(body=st.binary() | almost, what=st.sampled_from(["email-invitations", "invitation-data/delete"]))
def test_no_bytes_make_it_stumble(body: bytes, what: str) -> None:
    async def post() -> None:
        client = Client()
        token = (await client.token()).json["access_token"]
        headers = {
            "authorization": f"Bearer {token}",
            "x-business-user-id": UNIT,
            "content-type": "application/json",
        }
        reply = await client.send("POST", f"/v1/private/business-units/{UNIT}/{what}", body, headers)
        assert reply.status in (202, 400)
        assert (await client.send("POST", TOKEN_PATH, body, {**headers, "content-type": FORM})).status == 401
        assert (await client.get("/")).status == 200
        await client.rows()

    asyncio.run(post())
