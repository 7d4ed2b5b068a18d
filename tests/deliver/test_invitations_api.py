"""The Invitations API channel, request by request and answer by answer (trustpilot.md 2). No network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deliver.flows import NOW, delivery, good, play, the_order
from plaudit.destinations.base import Answer, Delivery, Outcome, Request, Token, Verdict, WantToken, What
from plaudit.destinations.trustpilot.invitations_api import forget, invitations_api, token

UNIT, USER = "5a" * 12, "5b" * 12
SETTINGS = {
    "channel": "invitations_api",
    "client_id": "theClient",
    "client_secret": "theSecret",
    "business_unit_id": UNIT,
    "business_user_id": USER,
}
TEMPLATE, PRODUCT_TEMPLATE = "0a" * 12, "0b" * 12
DENIED = (
    b'{"fault":{"faultstring":"Invalid access token","detail":{"errorcode":"oauth.v2.InvalidAccessToken"}}}'
)
FORBIDDEN = b'{"message":"Access to resource is forbidden","errorCode":1014,"correlationId":"x"}'


def invite(*answers: Any, order: Any = None, now: int = NOW, **settings: Any) -> tuple[list[Any], Any]:
    flow = invitations_api.flow(delivery(order, now=now), good(**SETTINGS, **settings))
    return play(flow, *answers)


def body(*, order: Any = None, now: int = NOW, **settings: Any) -> Any:
    wishes, _ = invite("t1", order=order, now=now, **settings)
    return json.loads(wishes[1].body)


def test_the_post_is_the_contracts_to_the_letter() -> None:
    (want, request), verdict = invite("t1")
    assert (want, verdict) == (WantToken(), None)
    assert (request.method, request.url) == (
        "POST",
        f"https://invitations-api.trustpilot.com/v1/private/business-units/{UNIT}/email-invitations",
    )
    assert request.headers == {
        "authorization": "Bearer t1",
        "content-type": "application/json",
        "x-business-user-id": USER,
    }
    assert json.loads(request.body) == {
        "consumerEmail": "test@example.com",
        "consumerName": "John Johnson",
        "referenceNumber": "50314b8e9bcf000000000000",
        "serviceReviewInvitation": {},
    }


def test_everything_that_can_be_set_is_said() -> None:
    order = the_order(traits={"vip": True}, locale="de_DE")
    told = body(
        order=order,
        reviews="both",
        template_id=TEMPLATE,
        product_template_id=PRODUCT_TEMPLATE,
        tags=["shop", "trait:vip"],
        send_after="2 days",
        product_send_after="5 days",
        sender_name="The Shop",
        sender_email="shop@example.com",
        reply_to="help@example.com",
        redirect_uri="https://shop.example.com/thanks",
    )
    products = told["productReviewInvitation"].pop("products")
    assert told == {
        "consumerEmail": "test@example.com",
        "consumerName": "John Johnson",
        "referenceNumber": "50314b8e9bcf000000000000",
        "locale": "de-DE",
        "senderName": "The Shop",
        "senderEmail": "shop@example.com",
        "replyTo": "help@example.com",
        "serviceReviewInvitation": {
            "templateId": TEMPLATE,
            "preferredSendTime": "2026-11-25T18:40:00",
            "redirectUri": "https://shop.example.com/thanks",
            "tags": ["shop", "vip"],
        },
        "productReviewInvitation": {
            "templateId": PRODUCT_TEMPLATE,
            "preferredSendTime": "2026-11-28T18:40:00",
            "redirectUri": "https://shop.example.com/thanks",
        },
    }
    assert products[0] == {
        "sku": "45790-32",
        "name": "Monopoly: 3rd Edition",
        "productUrl": "https://www.example.com/product/path",
        "imageUrl": "https:///www.example.com/product/path.jpg",
    }


@pytest.mark.parametrize(
    ("reviews", "products", "blocks"),
    [
        ("service", True, {"serviceReviewInvitation"}),
        ("product", True, {"productReviewInvitation"}),
        ("both", True, {"serviceReviewInvitation", "productReviewInvitation"}),
        ("service", False, {"serviceReviewInvitation"}),
        ("product", False, {"serviceReviewInvitation"}),
        ("both", False, {"serviceReviewInvitation"}),
    ],
)
def test_what_is_to_be_reviewed(reviews: str, products: bool, blocks: set[str]) -> None:
    order = the_order() if products else the_order(products=[])
    assert {key for key in body(order=order, reviews=reviews) if key.endswith("Invitation")} == blocks
    _, verdict = invite("t1", Answer(202), order=order, reviews=reviews)
    assert verdict.outcome is Outcome.ACCEPTED
    assert ("no product" in verdict.message) is (reviews != "service" and not products)


def test_numbers_alone_are_skus_of_the_uploaded_catalogue() -> None:
    block = body(order=the_order(products=[{"sku": "s1"}, {"sku": "s2"}]), reviews="product")
    assert block["productReviewInvitation"] == {"productSkus": ["s1", "s2"]}


def test_times_that_are_past_are_left_out() -> None:
    told = body(reviews="both", send_after="1 hour", product_send_after="2 hours", now=NOW + 5_400_000)
    assert "preferredSendTime" not in told["serviceReviewInvitation"]
    assert told["productReviewInvitation"]["preferredSendTime"] == "2026-11-23T20:40:00"


def test_a_refused_token_is_replaced_once() -> None:
    wishes, verdict = invite("t1", Answer(401, {}, DENIED), "t2", Answer(202))
    assert wishes[2] == WantToken(refused="t1")
    assert wishes[3].headers["authorization"] == "Bearer t2" and wishes[3].body == wishes[1].body
    assert verdict.outcome is Outcome.ACCEPTED
    wishes, verdict = invite("t1", Answer(401, {}, DENIED), "t2", Answer(401, {}, DENIED))
    assert len(wishes) == 4
    assert (verdict.outcome, verdict.reason) == (Outcome.BLOCKED, "token_refused")
    assert "Invalid access token" in verdict.message


TABLE: list[tuple[int, bytes, Outcome, str]] = [
    (200, b"", Outcome.ACCEPTED, "accepted"),
    (201, b'{"id":"1"}', Outcome.ACCEPTED, "accepted"),
    (202, b"", Outcome.ACCEPTED, "accepted"),
    (202, b'{"details":"no such locale"}', Outcome.UNCERTAIN, "unexpected_answer"),
    (204, b"", Outcome.UNCERTAIN, "unexpected_answer"),
    (251, b"", Outcome.UNCERTAIN, "unexpected_answer"),
    (302, b"", Outcome.BLOCKED, "redirected"),
    (400, b'{"Error":"bad","ErrorCode":17}', Outcome.REFUSED, "refused"),
    (402, b"", Outcome.BLOCKED, "plan"),
    (403, FORBIDDEN, Outcome.BLOCKED, "access_forbidden"),
    (403, b"", Outcome.BLOCKED, "access_forbidden"),
    (403, b"<!DOCTYPE html><h1>403 ERROR</h1>", Outcome.RETRY, "turned_away"),
    (404, b"", Outcome.BLOCKED, "unit_unknown"),
    (405, b"", Outcome.BLOCKED, "address_unknown"),
    (408, b"", Outcome.RETRY, "timeout"),
    (415, b"", Outcome.BLOCKED, "format_refused"),
    (422, b"", Outcome.REFUSED, "refused"),
    (423, b"", Outcome.RETRY, "locked"),
    (429, b"", Outcome.RETRY, "rate_limited"),
    (496, b"", Outcome.BLOCKED, "tls_refused"),
    (500, b"", Outcome.RETRY, "server_error"),
    (501, b"", Outcome.RETRY, "server_error"),
]


@pytest.mark.parametrize(("status", "said", "outcome", "reason"), TABLE)
def test_what_each_answer_means(status: int, said: bytes, outcome: Outcome, reason: str) -> None:
    _, verdict = invite("t1", Answer(status, {}, said))
    assert (verdict.outcome, verdict.reason, verdict.status) == (outcome, reason, status)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"Error":"bad locale","ErrorCode":"17"}', "'bad locale; error 17'"),
        (
            b'{"message":"The request is invalid.","details":"referenceNumber: empty"}',
            "referenceNumber: empty",
        ),
        (b'{"details":{"locale":["unknown","odd"]}}', "locale: unknown, odd"),
        (b'{"details":[{"field":"x"},"y"]}', "field: x, y"),
        (b'{"message":"not a@b.example"}', "not …@…"),
        (b'{"message":["' + b"[" * 400 + b'"]}', "[["),
        (b"[" * 60_000, "(answer 400)"),
        (b'{"details":' + b"[" * 300 + b"]" * 300 + b"}", "(answer 400)"),
        (b"<html>no</html>", "(answer 400)"),
        (b"\xff\xfe", "(answer 400)"),
        (b'"text"', "(answer 400)"),
        (b'{"message":null,"errorCode":1014}', "error 1014"),
    ],
)
def test_a_refusal_is_told_in_the_vendors_words_whatever_their_shape(said: bytes, words: str) -> None:
    _, verdict = invite("t1", Answer(400, {}, said))
    assert verdict.outcome is Outcome.REFUSED and words in verdict.message


def test_forbidden_is_told_in_words_that_help() -> None:
    _, verdict = invite("t1", Answer(403, {}, FORBIDDEN))
    for word in ("business_user_id", "Admin", "Manager", "plan", "1014"):
        assert word in verdict.message


def test_the_rate_stays_below_what_the_vendor_recommends() -> None:
    assert invitations_api.rate * 5 <= 833 and invitations_api.rate * 60 <= 10_000


def test_it_carries_orders_only() -> None:
    flow = invitations_api.flow(Delivery(1, what=What.IDENTIFY, call=b"{}"), good(**SETTINGS))
    with pytest.raises(TypeError):
        next(flow)


# The token.


def asked(answer: Answer, **settings: Any) -> tuple[Request, Token | Verdict]:
    (request,), found = play(token(good(**SETTINGS, **settings)), answer)
    assert isinstance(request, Request)
    return request, found


def test_a_token_is_asked_for_as_documented() -> None:
    request, found = asked(Answer(200, {}, b'{"access_token":"t1","expires_in":"359999"}'))
    assert request.url == (
        "https://api.trustpilot.com/v1/oauth/oauth-business-users-for-applications/accesstoken"
    )
    assert request.headers == {
        "authorization": "Basic dGhlQ2xpZW50OnRoZVNlY3JldA==",
        "content-type": "application/x-www-form-urlencoded",
    }
    assert request.body == b"grant_type=client_credentials"
    assert "theSecret" not in request.shown
    assert found == Token("t1", 359_999.0)
    request, _ = asked(Answer(500), base_url="http://127.0.0.1:8711/")
    assert request.url.startswith("http://127.0.0.1:8711/v1/oauth/")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b'{"access_token":"t","expires_in":300}', 300.0),
        (b'{"access_token":"t"}', 3600.0),
        (b'{"access_token":"t","expires_in":"soon"}', 3600.0),
        (b'{"access_token":"t","expires_in":null}', 3600.0),
        (b'{"access_token":"t","expires_in":"0"}', 60.0),
        (b'{"access_token":"t","expires_in":-5}', 60.0),
    ],
)
def test_a_token_lives_as_long_as_it_says(said: bytes, seconds: float) -> None:
    assert asked(Answer(200, {}, said))[1] == Token("t", seconds)


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (Answer(400, {}, b'{"message":"bad"}'), Outcome.BLOCKED, "client_refused"),
        (Answer(401), Outcome.BLOCKED, "client_refused"),
        (Answer(402), Outcome.BLOCKED, "plan"),
        (Answer(403), Outcome.BLOCKED, "access_forbidden"),
        (Answer(403, {}, b"<html>"), Outcome.RETRY, "turned_away"),
        (Answer(404), Outcome.BLOCKED, "address_unknown"),
        (Answer(302), Outcome.BLOCKED, "redirected"),
        (Answer(409), Outcome.BLOCKED, "client_refused"),
        (Answer(429, {"retry-after": "9"}), Outcome.RETRY, "rate_limited"),
        (Answer(500), Outcome.RETRY, "server_error"),
        (Answer(200), Outcome.RETRY, "no_token"),
        (Answer(200, {}, b"<html>"), Outcome.RETRY, "no_token"),
        (Answer(200, {}, b'{"access_token":""}'), Outcome.RETRY, "no_token"),
        (Answer(200, {}, b'{"access_token":"a\\r\\nb"}'), Outcome.RETRY, "no_token"),
        (Answer(204), Outcome.RETRY, "no_token"),
    ],
)
def test_without_a_token_nothing_is_uncertain(answer: Answer, outcome: Outcome, reason: str) -> None:
    _, found = asked(answer)
    assert isinstance(found, Verdict)
    assert (found.outcome, found.reason) == (outcome, reason)
    assert found.retry_after == (9.0 if answer.headers else None)
    if reason == "client_refused" and answer.status in (400, 401):
        assert "client_id" in found.message and "client_secret" in found.message


# The check of the settings, and forgetting.

THERE = json.dumps(
    {
        "templates": [
            {
                "id": TEMPLATE,
                "name": "Ours",
                "isDefaultTemplate": True,
                "locale": "de-DE",
                "type": "service-review",
            },
            {"id": PRODUCT_TEMPLATE, "name": "Wares", "locale": "en-US", "type": "product-review"},
        ]
    }
).encode()


def checked(*answers: Any, **settings: Any) -> tuple[list[Any], Any]:
    assert invitations_api.check is not None
    return play(invitations_api.check(good(**SETTINGS, **settings)), *answers)


def test_templates_that_exist_are_no_fault() -> None:
    rules = [{"event_locale": "de*", "locale": "de-DE", "template_id": TEMPLATE}]
    wishes, verdict = checked(
        "t1", Answer(200, {}, THERE), template_id=TEMPLATE, product_template_id=PRODUCT_TEMPLATE, rules=rules
    )
    request = wishes[1]
    assert (request.method, request.body) == ("GET", b"") and request.url.endswith(f"/{UNIT}/templates")
    assert verdict.outcome is Outcome.ACCEPTED
    assert f"{TEMPLATE} 'Ours' (service-review, de-DE)" in verdict.message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"template_id": "ff" * 12}, f"template_id {'ff' * 12} is no template of your account"),
        ({"product_template_id": TEMPLATE}, "is of another kind: service-review"),
        ({"template_id": PRODUCT_TEMPLATE}, "is of another kind: product-review"),
        ({"template_id": TEMPLATE, "locale": "en-US"}, "is in de-DE, but locale is en-US"),
        (
            {"rules": [{"currency": "EUR"}, {"template_id": "ff" * 12}]},
            f"rule 2: template_id {'ff' * 12} is no",
        ),
    ],
)
def test_templates_that_would_send_nothing_block(settings: dict[str, Any], words: str) -> None:
    _, verdict = checked("t1", Answer(200, {}, THERE), **settings)
    assert (verdict.outcome, verdict.reason) == (Outcome.BLOCKED, "template_unknown")
    assert words in verdict.message and "'Wares'" in verdict.message


def test_a_check_that_cannot_be_made_says_why() -> None:
    _, verdict = checked("t1", Answer(200, {}, b"oh"))
    assert verdict.outcome is Outcome.UNCERTAIN
    _, verdict = checked("t1", Answer(404))
    assert verdict.reason == "unit_unknown"
    _, verdict = checked("t1", Answer(200, {}, b'{"templates":[]}'), template_id=TEMPLATE)
    assert verdict.message.endswith("Your account has: none")


def test_forgetting_goes_in_portions() -> None:
    people = [f"a{n}@b.example" for n in range(250)]
    wishes, verdict = play(
        forget(people, good(**SETTINGS)),
        "t1",
        Answer(202),
        "t1",
        Answer(204),
        "t1",
        Answer(401),
        "t2",
        Answer(200),
    )
    requests = [wish for wish in wishes if isinstance(wish, Request)]
    assert all(request.url.endswith(f"/{UNIT}/invitation-data/delete") for request in requests)
    told = [json.loads(request.body) for request in requests]
    assert [len(each["customerEmails"]) for each in told] == [100, 100, 50, 50]
    assert [address for each in told[:3] for address in each["customerEmails"]] == people
    assert verdict.outcome is Outcome.ACCEPTED and "250" in verdict.message and "@" not in verdict.message
    _, verdict = play(forget(people, good(**SETTINGS)), "t1", Answer(500))
    assert verdict.outcome is Outcome.RETRY
    assert play(forget([], good(**SETTINGS)))[1].outcome is Outcome.ACCEPTED
