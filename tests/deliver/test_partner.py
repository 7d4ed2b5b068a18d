"""The partner channel: Segment's contract with partners, request and answers (segment.md 3)."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from deliver.flows import good, play
from plaudit.destinations.base import Answer, Delivery, Outcome, What
from plaudit.destinations.trustpilot.partner import partner

CALL = b'{"type":"identify","messageId":"m1"}'


def send(*answers: Answer, what: What = What.IDENTIFY, **settings: Any) -> tuple[list[Any], Any]:
    chosen = {"channel": "partner", "api_key": "segment", "base_url": "https://p.example/hook/", **settings}
    return play(partner.flow(Delivery(1, what=what, call=CALL), good(**chosen)), *answers)


@pytest.mark.parametrize("what", list(What))
def test_the_event_goes_as_it_is(what: What) -> None:
    (request,), _ = send(what=what)
    assert (request.method, request.url, request.body) == ("POST", "https://p.example/hook/", CALL)
    assert request.headers["authorization"] == "Basic c2VnbWVudDo="  # the contract's own example
    assert request.headers["content-type"] == "application/json"
    assert b64decode(request.headers["x-segment-settings"]) == b"{}"


def test_further_settings_are_a_header() -> None:
    (request,), _ = send(partner_settings={"customSettingOne": "custom setting value"})
    found = json.loads(b64decode(request.headers["x-segment-settings"]))
    assert found == {"customSettingOne": "custom setting value"}


def test_it_is_said_to_carry_both_and_to_tell_repeats() -> None:
    assert partner.carries == {What.INVITATION, What.IDENTIFY}
    assert partner.passes_on and partner.dedupes


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, Outcome.ACCEPTED, "accepted"),
        (202, Outcome.ACCEPTED, "accepted"),
        (204, Outcome.ACCEPTED, "accepted"),
        (251, Outcome.UNCERTAIN, "unexpected_answer"),
        (307, Outcome.BLOCKED, "redirected"),
        (400, Outcome.REFUSED, "refused"),
        (401, Outcome.BLOCKED, "key_refused"),
        (402, Outcome.BLOCKED, "plan"),
        (403, Outcome.BLOCKED, "key_forbidden"),
        (404, Outcome.BLOCKED, "address_unknown"),
        (408, Outcome.RETRY, "timeout"),
        (423, Outcome.RETRY, "locked"),
        (429, Outcome.RETRY, "rate_limited"),
        (500, Outcome.RETRY, "server_error"),
        (501, Outcome.REFUSED, "unsupported"),
        (503, Outcome.RETRY, "server_error"),
        (599, Outcome.RETRY, "server_error"),
    ],
)
def test_what_each_answer_means(status: int, outcome: Outcome, reason: str) -> None:
    _, verdict = send(Answer(status, {}, b'{"message":"the partner\'s words"}'))
    assert (verdict.outcome, verdict.reason, verdict.status) == (outcome, reason, status)
    if outcome is not Outcome.ACCEPTED and status != 307:
        assert "the partner's words" in verdict.message
