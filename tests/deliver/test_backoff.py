"""When to try again, and when to give up."""

from __future__ import annotations

import pytest

from plaudit.deliver.backoff import LEAST, LONGEST, PATIENCE, WINDOW_MS, conclude, delay
from plaudit.destinations.base import Outcome, State, Verdict

NOW = 1_000_000_000


def after(
    outcome: Outcome,
    *,
    attempt: int = 1,
    started: int = NOW,
    resend: bool = False,
    retry_after: float | None = None,
) -> tuple[State, int, str, str]:
    verdict = Verdict(outcome, "why", "because", retry_after)
    return conclude(verdict, attempt, started, NOW, 0.5, resend=resend)


def test_waits_double_from_seconds_to_a_quarter_of_an_hour() -> None:
    waits = [delay(attempt, 1.0, None) for attempt in range(1, 12)]
    assert waits[:4] == [5, 10, 20, 40] and waits[-1] == LONGEST
    assert delay(10_000, 1.0, None) == LONGEST


def test_chance_spreads_them() -> None:
    assert (delay(1, 0.0, None), delay(1, 1.0, None)) == (2.5, 5.0)


def test_the_vendors_wish_is_kept_within_reason() -> None:
    assert delay(1, 0.0, 100) == 100
    assert delay(1, 0.0, 10**9) == PATIENCE
    assert delay(8, 1.0, 1) == 640


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.ACCEPTED, State.ACCEPTED),
        (Outcome.REFUSED, State.REFUSED),
        (Outcome.BLOCKED, State.BLOCKED),
        (Outcome.UNCERTAIN, State.UNCERTAIN),
    ],
)
def test_ends(outcome: Outcome, state: State) -> None:
    assert after(outcome) == (state, NOW, "why", "because")


def test_a_retry_is_queued_for_later() -> None:
    assert after(Outcome.RETRY) == (State.QUEUED, NOW + 3750, "why", "because")


def test_after_four_hours_it_has_failed_and_says_how_often() -> None:
    state, due, reason, message = after(Outcome.RETRY, attempt=20, started=NOW - WINDOW_MS + 1000)
    assert (state, due, reason) == (State.FAILED, NOW, "why")
    assert message == "gave up after 20 attempts in 4 hours or more; the last: because"


def test_a_retry_after_beyond_the_window_fails_at_once() -> None:
    started = NOW - WINDOW_MS + 600_000
    assert after(Outcome.RETRY, attempt=LEAST, started=started, retry_after=1200)[0] is State.FAILED


def test_hours_without_attempts_do_not_count() -> None:
    assert after(Outcome.RETRY, attempt=LEAST - 1, started=NOW - 10 * WINDOW_MS)[0] is State.QUEUED


def test_uncertain_is_sent_again_where_that_is_the_policy() -> None:
    assert after(Outcome.UNCERTAIN, resend=True)[0] is State.QUEUED
