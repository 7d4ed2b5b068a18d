"""The Integration Key channel, request by request and answer by answer (trustpilot.md 1). No network: flows do no I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plaudit.destinations.base import Answer, Invitation, Outcome, Request, Verdict
from plaudit.destinations.trustpilot import trustpilot
from plaudit.spec.order import Order, read_order
from support import ORDER

SETTINGS = {"api_key": "abcKey123", "channel": "integration_key"}


def the_order(**changes: Any) -> Order:
    order = read_order({**ORDER, **changes}, context=None, traits=None, root_email=None, user_id="u1")
    assert isinstance(order, Order)
    return order


def play(
    *answers: Answer, settings: dict[str, Any] | None = None, order: Order | None = None
) -> tuple[list[Request], Verdict | None]:
    """The requests that a flow makes of these answers, and its verdict (None: it wants another answer)."""
    chosen = {**SETTINGS, **(settings or {})}
    flow = trustpilot.channel(chosen).flow(Invitation(1, order or the_order()), chosen)
    requests = [next(flow)]
    try:
        for answer in answers:
            requests.append(flow.send(answer))  # noqa: PERF401 - what came before StopIteration counts
    except StopIteration as end:
        return requests, end.value
    return requests, None


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
    (403, b"<html>", {}, Outcome.BLOCKED, "key_forbidden"),
    (404, b"", {}, Outcome.BLOCKED, "key_unknown"),
    (408, b"", {}, Outcome.RETRY, "timeout"),
    (413, b"", {}, Outcome.REFUSED, "refused"),
    (422, b"", {}, Outcome.REFUSED, "refused"),
    (425, b"", {}, Outcome.RETRY, "too_early"),
    (429, b"", {"retry-after": "7"}, Outcome.RETRY, "rate_limited"),
    (500, b"", {}, Outcome.RETRY, "server_error"),
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
