"""The small pure parts: times, integrations, waiting, verdicts. None raises, and each stays within its bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plaudit.deliver.backoff import LEAST, LONGEST, PATIENCE, WINDOW_MS, conclude, delay
from plaudit.destinations.base import Answer, Delivery, Outcome, State, Verdict
from plaudit.destinations.trustpilot import answers
from plaudit.destinations.trustpilot.integration_key import WORDS, flow
from plaudit.spec import integrations, timestamps
from plaudit.spec.order import Order

from . import bounded
from .junk import TIMES, plain_values, texts

times = st.integers(0, timestamps.LATEST)
chances = st.floats(0, 1, exclude_max=True)
waits = st.none() | st.floats(0, 1e12)
dates = st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
header_values = (
    texts
    | dates
    | st.integers().map(str)
    | st.sampled_from(["1.5", "-1", "٣", "9" * 400, "Mon, 32 Foo 99999"])
)
bodies = st.binary(max_size=50) | st.sampled_from(
    [
        b'{"message":"no"}',
        b'["a.example","b"]',
        b"[" * 2000,
        b'{"message":"\\ud800"}',
        b'{"error":' + b"9" * 5000 + b"}",
    ]
)
vendor_answers = st.builds(
    Answer,
    st.integers(100, 999),
    st.dictionaries(st.sampled_from(["retry-after", "date"]), header_values),
    bodies,
)
verdicts = st.builds(Verdict, st.sampled_from(Outcome), texts, texts, waits, st.integers(0, 599))


@given(st.none() | texts | st.floats() | st.integers() | st.sampled_from(TIMES) | st.datetimes().map(str))
@example(-1e308)
@example(float("-inf"))
@example(float("nan"))
@bounded(500)
def test_any_time_is_read_or_absent(value: Any) -> None:
    found = timestamps.parse(value)
    assert found is None or 0 <= found <= timestamps.LATEST


@given(st.none() | times, st.none() | times, times)
@bounded(300)
def test_a_corrected_time_is_a_time(original: int | None, sent: int | None, received: int) -> None:
    found = timestamps.correct(original, sent, received)
    assert 0 <= found <= timestamps.LATEST
    if original is None:
        assert found == received
    elif sent == original:
        assert found == received  # sent at once: it happened when it was received


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        (None, True),
        ({}, True),
        ([], True),
        ({"All": True}, True),
        ({"All": False}, False),
        ({"all": False}, False),
        ({"ALL": False}, False),
        ({"All": None}, True),
        ({"Trustpilot": False}, False),
        ({"Trustpilot": True}, True),
        ({"Trustpilot": {}}, True),
        ({"Trustpilot": None}, True),
        ({"Trustpilot": 0}, True),
        ({"Trustpilot": "false"}, True),
        ({"All": False, "Trustpilot": True}, True),
        ({"All": False, "Trustpilot": {"a": 1}}, True),
        ({"All": True, "Trustpilot": False}, False),
        ({"All": False, "trustpilot": True}, False),
        ({"trustpilot": False}, True),
        ({"All": False, "Other": True}, False),
        ({"Other": False}, True),
    ],
)
def test_integrations(given: object, goes: bool) -> None:
    assert integrations.enabled(given, "Trustpilot") is goes


@given(plain_values, st.sampled_from([True, False, None, {}, 1, "x"]))
@bounded(200)
def test_a_destinations_own_word_decides(others: Any, own: Any) -> None:
    assert integrations.enabled(others, "Trustpilot") in (True, False)
    if isinstance(others, dict):
        assert integrations.enabled({**others, "Trustpilot": own}, "Trustpilot") is (own is not False)


@given(st.integers(1, 10_000), chances, waits)
@bounded(300)
def test_waiting_stays_within_bounds(attempt: int, chance: float, asked: float | None) -> None:
    wait = delay(attempt, chance, asked)
    assert 2.5 <= wait <= max(LONGEST, PATIENCE * 1.1)
    assert wait <= LONGEST if asked is None else wait >= min(asked, PATIENCE)
    assert delay(attempt + 1, chance, None) >= delay(attempt, chance, None)


@given(verdicts, st.integers(1, 200), times, st.integers(0, WINDOW_MS * 2), chances, st.booleans())
@bounded(400)
def test_what_follows_from_a_verdict(
    verdict: Verdict, attempt: int, first: int, later: int, chance: float, resend: bool
) -> None:
    now = first + later
    state, due, reason, message = conclude(verdict, attempt, first, now, chance, resend=resend)
    assert due >= now and reason == verdict.reason and message.endswith(verdict.message)
    again = verdict.outcome is Outcome.RETRY or (verdict.outcome is Outcome.UNCERTAIN and resend)
    if again:
        assert state is State.FAILED or (
            state is State.QUEUED and now + 2500 <= due and (due <= first + WINDOW_MS or attempt < LEAST)
        )
    else:
        assert state == verdict.outcome.value and due == now


@given(vendor_answers)
@bounded(500)
def test_any_answer_has_a_verdict(answer: Answer) -> None:
    found = answers.verdict(answer, WORDS)
    assert (found.outcome is Outcome.ACCEPTED) == (answer.status == 201)
    assert found.retry_after is None or found.retry_after >= 0
    assert found.reason and found.status == answer.status


@given(vendor_answers, vendor_answers)
@example(Answer(202), Answer(202))
@example(Answer(202), Answer(201))
@bounded(300)
def test_an_invitation_is_posted_twice_at_most(first: Answer, second: Answer) -> None:
    """Once, and once more with products when the first answer asks for them."""
    flowing = flow(Delivery(1, order=Order("1", "a@example.com")), {"api_key": "testIntegrationKey"})
    next(flowing)
    posts, verdict = 1, None
    try:
        for answer in (first, second):
            flowing.send(answer)
            posts += 1
    except StopIteration as end:
        verdict = end.value
    assert isinstance(verdict, Verdict)
    assert posts == (2 if first.status == 202 else 1)
    assert (verdict.outcome is Outcome.ACCEPTED) == (
        (second if first.status == 202 else first).status in (201, 202)
    )
