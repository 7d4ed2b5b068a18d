"""The Integration Key channel, request by request and answer by answer (trustpilot.md 1). No network: flows do no I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.flows import delivery, good, the_order
from deliver.flows import play as play_flow
from plaudit.destinations.base import Answer, Delivery, Outcome, Request, Verdict
from plaudit.destinations.trustpilot.integration_key import integration_key
from plaudit.spec.order import Order, read_order
from support import ORDER

SETTINGS = {"api_key": "abcKey123", "channel": "integration_key"}


def play(
    *answers: Answer, settings: dict[str, Any] | None = None, order: Order | None = None
) -> tuple[list[Request], Verdict | None]:
    """The requests that a flow makes of these answers, and its verdict (None: it wants another answer)."""
    return play_flow(integration_key.flow(delivery(order), good(**SETTINGS, **(settings or {}))), *answers)


def test_the_first_post_is_the_contracts_to_the_letter() -> None:
    (request,), _ = play()
    assert (request.method, request.url) == (
        "POST",
        "https://invitejs.trustpilot.com/api/abcKey123/invitation",
    )
    assert request.headers == {"content-type": "application/json"}
    body = json.loads(request.body)
    assert body == {
        "recipientEmail": "test@example.com",
        "recipientName": "John Johnson",
        "referenceId": "50314b8e9bcf000000000000",
        "source": body["source"],
        "pluginVersion": body["pluginVersion"],
        "hook": "segment_order_completed",
        "orderStatusId": "completed",
        "orderStatusName": "Order Completed",
        "totalCost": 27.5,
        "currency": "USD",
    }


def test_the_key_is_never_shown() -> None:
    (request,), _ = play()
    assert "abcKey123" not in request.shown and request.shown.endswith("/api/abc…/invitation")


def test_a_202_means_once_more_with_products() -> None:
    requests, verdict = play(Answer(202), Answer(201))
    assert len(requests) == 2 and requests[0].url == requests[1].url
    body = json.loads(requests[1].body)
    assert body["productSkus"] == ["45790-32", "46493-32"]
    assert body["products"][0] == {
        "name": "Monopoly: 3rd Edition",
        "sku": "45790-32",
        "productUrl": "https://www.example.com/product/path",
        "imageUrl": "https:///www.example.com/product/path.jpg",
        "price": 19.0,
        "currency": "USD",
        "categories": ["Games"],
    }
    assert verdict is not None and verdict.outcome is Outcome.ACCEPTED


def test_without_products_the_second_post_has_empty_arrays() -> None:
    requests, _ = play(Answer(202), Answer(201), order=the_order(products="none"))
    body = json.loads(requests[1].body)
    assert (body["products"], body["productSkus"]) == ([], [])


def test_there_is_never_a_third_post() -> None:
    requests, verdict = play(Answer(202), Answer(202))
    assert len(requests) == 2 and verdict is not None and verdict.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("settings", "page", "origin"),
    [
        ({}, None, None),
        ({}, "https://shop.example.com/thanks?order=1", "https://shop.example.com"),
        (
            {"shop_url": "https://other.example.com/"},
            "https://shop.example.com/",
            "https://other.example.com",
        ),
    ],
)
def test_origin_is_the_shops(settings: dict[str, Any], page: str | None, origin: str | None) -> None:
    context = {"page": {"url": page}}
    order = read_order(ORDER, context=context, traits=None, root_email=None, user_id=None)
    assert isinstance(order, Order)
    (request,), _ = play(settings=settings, order=order)
    assert request.headers.get("origin") == origin


def test_another_base_url_is_used() -> None:
    (request,), _ = play(settings={"base_url": "http://127.0.0.1:8711/"})
    assert request.url == "http://127.0.0.1:8711/api/abcKey123/invitation"


TABLE: list[tuple[int, bytes, dict[str, str], Outcome, str]] = [
    (201, b"", {}, Outcome.ACCEPTED, "accepted"),
    (200, b"", {}, Outcome.UNCERTAIN, "unexpected_answer"),
    (204, b"", {}, Outcome.UNCERTAIN, "unexpected_answer"),
    (250, b"", {}, Outcome.UNCERTAIN, "unexpected_answer"),
    (251, b'["shop.example.com"]', {}, Outcome.BLOCKED, "blocked_251"),
    (252, b"[]", {}, Outcome.BLOCKED, "blocked_252"),
    (253, b"not json", {}, Outcome.BLOCKED, "blocked_253"),
    (254, b"", {}, Outcome.UNCERTAIN, "unexpected_answer"),
    (301, b"", {}, Outcome.BLOCKED, "redirected"),
    (400, b'{"message":"bad"}', {}, Outcome.REFUSED, "refused"),
    (401, b"", {}, Outcome.BLOCKED, "key_refused"),
    (402, b"", {}, Outcome.BLOCKED, "plan"),
    (403, b'{"message":"no"}', {}, Outcome.BLOCKED, "key_forbidden"),
    (403, b" <html>", {"retry-after": "7"}, Outcome.RETRY, "turned_away"),
    (404, b"", {}, Outcome.BLOCKED, "key_unknown"),
    (405, b"", {}, Outcome.BLOCKED, "address_unknown"),
    (406, b"", {}, Outcome.BLOCKED, "format_refused"),
    (408, b"", {}, Outcome.RETRY, "timeout"),
    (409, b"", {}, Outcome.REFUSED, "refused"),
    (410, b"", {}, Outcome.BLOCKED, "address_unknown"),
    (413, b"", {}, Outcome.REFUSED, "refused"),
    (415, b"", {}, Outcome.BLOCKED, "format_refused"),
    (422, b"", {}, Outcome.REFUSED, "refused"),
    (423, b"", {}, Outcome.RETRY, "locked"),
    (425, b"", {}, Outcome.RETRY, "too_early"),
    (429, b"", {"retry-after": "7"}, Outcome.RETRY, "rate_limited"),
    (496, b"", {}, Outcome.BLOCKED, "tls_refused"),
    (500, b"", {}, Outcome.RETRY, "server_error"),
    (501, b"", {}, Outcome.RETRY, "server_error"),
    (503, b"", {}, Outcome.RETRY, "server_error"),
    (599, b"", {}, Outcome.RETRY, "server_error"),
]


@pytest.mark.parametrize(("status", "body", "headers", "outcome", "reason"), TABLE)
@pytest.mark.parametrize("second", [False, True])
def test_what_each_answer_means(
    status: int, body: bytes, headers: dict[str, str], outcome: Outcome, reason: str, second: bool
) -> None:
    answers = [Answer(202), Answer(status, headers, body)] if second else [Answer(status, headers, body)]
    _, verdict = play(*answers)
    assert verdict is not None
    assert (verdict.outcome, verdict.reason, verdict.status) == (outcome, reason, status)
    assert verdict.retry_after == (7.0 if headers else None)


def test_blocked_domains_and_the_vendors_words_are_shown() -> None:
    _, blocked = play(Answer(251, {}, b'["a.example","b.example"]'))
    assert blocked is not None and "a.example, b.example" in blocked.message
    _, refused = play(Answer(400, {}, b'{"message":"referenceId is too long"}'))
    assert refused is not None and "referenceId is too long" in refused.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Mon, 23 Nov 2026 18:41:00 GMT", "date": "Mon, 23 Nov 2026 18:40:00 GMT"}, 60.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_has_two_forms(headers: dict[str, str], seconds: float | None) -> None:
    _, verdict = play(Answer(503, headers))
    assert verdict is not None and verdict.retry_after == seconds


def test_products_by_the_shops_own_number_by_the_other_one_or_not_at_all() -> None:
    line = [
        {"product_id": "p1", "sku": "s1", "name": "A"},
        {"product_id": "p2", "name": "B"},
        {"sku": "s3", "name": "C"},
        {"name": "D"},
    ]
    expected = {
        "sku": ["s1", "p2", "s3", ""],
        "product_id": ["p1", "p2", "s3", ""],
        "none": [],
    }
    for setting, skus in expected.items():
        requests, _ = play(Answer(202), settings={"products": setting}, order=the_order(products=line))
        body = json.loads(requests[1].body)
        assert body["productSkus"] == skus
        assert [product.get("sku", "") for product in body["products"]] == skus


def test_template_params_come_from_the_first_rule_that_has_them() -> None:
    rules = [
        {"affiliation": "other", "template_params": ["0"]},
        {"currency": "usd"},
        {"affiliation": "*", "template_params": ["1", "2"]},
    ]
    settings = {"template_params": ["9"], "rules": rules}
    (request,), _ = play(settings=settings)
    assert json.loads(request.body)["templateParams"] == ["1", "2"]
    (request,), _ = play(settings={"template_params": ["9"]})
    assert json.loads(request.body)["templateParams"] == ["9"]


# A page of several.


def pages(*answers: Answer, count: int = 3, **settings: Any) -> tuple[list[Request], Any]:
    assert integration_key.page is not None
    orders = [Delivery(n, order=the_order(order_id=f"o{n}")) for n in range(count)]
    return play_flow(integration_key.page(orders, good(**SETTINGS, **settings)), *answers)


def test_a_page_is_the_contracts_to_the_letter() -> None:
    requests, verdicts = pages(Answer(202), Answer(201))
    assert [request.url for request in requests] == [
        "https://invitejs.trustpilot.com/api/abcKey123/batchinvitations"
    ] * 2
    assert requests[0].shown.endswith("/api/abc…/batchinvitations")
    first, second = (json.loads(request.body) for request in requests)
    assert (first["type"], second["type"]) == ("WITHOUT_PRODUCT_DATA", "WITH_PRODUCT_DATA")
    assert [each["referenceId"] for each in first["invitations"]] == ["o0", "o1", "o2"]
    assert all("products" not in each for each in first["invitations"])
    assert all(each["productSkus"] for each in second["invitations"])
    assert all(each["hook"] == "segment_order_completed" for each in first["invitations"])
    assert [verdict.outcome for verdict in verdicts] == [Outcome.ACCEPTED] * 3


@pytest.mark.parametrize("body", [b"", b"[]", b" null "])
def test_a_page_that_names_no_failure_is_taken_as_a_whole(body: bytes) -> None:
    _, verdicts = pages(Answer(201, {}, body))
    assert [verdict.outcome for verdict in verdicts] == [Outcome.ACCEPTED] * 3


def test_a_page_names_those_that_were_not_taken() -> None:
    body = b'[{"referenceId":"o1","error":"a@b.example is no address"}]'
    for answers in ([Answer(201, {}, body)], [Answer(202), Answer(201, {}, body)]):
        _, verdicts = pages(*answers)
        assert [v.outcome for v in verdicts] == [Outcome.ACCEPTED, Outcome.REFUSED, Outcome.ACCEPTED]
        assert verdicts[1].reason == "refused" and "is no address" in verdicts[1].message
        assert "a@b.example" not in verdicts[1].message


def test_a_reference_may_come_back_as_a_number() -> None:
    orders = [Delivery(n, order=the_order(order_id=str(n))) for n in range(2)]
    assert integration_key.page is not None
    flow = integration_key.page(orders, good(**SETTINGS))
    _, verdicts = play_flow(flow, Answer(201, {}, b'[{"referenceId":1,"error":{"code":7}}]'))
    assert [v.outcome for v in verdicts] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert "code: 7" in verdicts[1].message


def test_a_failure_of_an_unknown_order_leaves_all_but_the_named_ones_uncertain() -> None:
    body = b'[{"referenceId":"o1","error":"bad"},{"referenceId":"","error":"bad"}]'
    _, verdicts = pages(Answer(201, {}, body))
    assert [v.outcome for v in verdicts] == [Outcome.UNCERTAIN, Outcome.REFUSED, Outcome.UNCERTAIN]


@pytest.mark.parametrize("body", [b"oh", b"{}", b'["o1"]', b'[{"error":"x"}]', b"[[", b'"x"', b"\xff"])
def test_a_page_whose_answer_cannot_be_read_is_uncertain(body: bytes) -> None:
    _, verdicts = pages(Answer(201, {}, body))
    assert [v.outcome for v in verdicts] == [Outcome.UNCERTAIN] * 3


@pytest.mark.parametrize(("status", "body", "headers", "outcome", "reason"), TABLE[1:])
def test_any_other_answer_is_for_the_page_as_a_whole(
    status: int, body: bytes, headers: dict[str, str], outcome: Outcome, reason: str
) -> None:
    _, verdict = pages(Answer(202), Answer(status, headers, body))
    assert (verdict.outcome, verdict.reason, verdict.status) == (outcome, reason, status)


def test_a_page_of_several_shops_speaks_for_none() -> None:
    def at(shop: str) -> Delivery:
        context = {"page": {"url": f"https://{shop}.example/"}}
        order = read_order(ORDER, context=context, traits=None, root_email=None, user_id=None)
        assert isinstance(order, Order)
        return Delivery(1, order=order)

    assert integration_key.page is not None
    for shops, origin in ((("a", "a"), "https://a.example"), (("a", "b"), None)):
        (request,), _ = play_flow(integration_key.page([at(shop) for shop in shops], good(**SETTINGS)))
        assert request.headers.get("origin") == origin


@given(st.lists(st.sampled_from(["o0", "o1", "o2"]), unique=True), st.text())
def test_of_a_page_exactly_the_named_ones_are_refused(failed: list[str], words: str) -> None:
    body = json.dumps([{"referenceId": name, "error": words} for name in failed]).encode()
    _, verdicts = pages(Answer(201, {}, body))
    refused = {f"o{n}" for n, verdict in enumerate(verdicts) if verdict.outcome is Outcome.REFUSED}
    assert refused == set(failed)


# Whose key it is.


def checked(*answers: Answer) -> tuple[list[Request], Any]:
    assert integration_key.check is not None
    return play_flow(integration_key.check(good(**SETTINGS)), *answers)


def test_a_key_is_checked_by_asking_whose_it_is() -> None:
    unit = b'{"BusinessUnitId":"5a1","Url":"https://shop.example"}'
    (request,), verdict = checked(Answer(200, {}, unit))
    assert (request.method, request.body, request.headers) == ("POST", b"", {})
    assert request.url.endswith("/api/abcKey123/trustboxconfig") and "abcKey123" not in request.shown
    assert verdict.outcome is Outcome.ACCEPTED
    assert verdict.message == "the key belongs to https://shop.example (business unit 5a1)"


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (Answer(200, {}, b"<html>"), Outcome.UNCERTAIN, "unexpected_answer"),
        (Answer(201), Outcome.UNCERTAIN, "unexpected_answer"),
        (Answer(404), Outcome.BLOCKED, "key_unknown"),
        (Answer(401), Outcome.BLOCKED, "key_refused"),
        (Answer(503), Outcome.RETRY, "server_error"),
    ],
)
def test_a_key_that_cannot_be_checked_says_why(answer: Answer, outcome: Outcome, reason: str) -> None:
    _, verdict = checked(answer)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
