"""What follows from a verdict: the next state, and when to try again. Pure; chance comes in as a number.

Segment tries for 4 hours with randomised exponential backoff (segment.md 4.1), and so do we.
"""

from __future__ import annotations

from plaudit.destinations.base import Outcome, State, Verdict
from plaudit.spec import durations

WINDOW_MS = 4 * 3600 * 1000
LEAST = 10  # attempts before giving up: hours in which Plaudit itself was down, or held back, are no attempts
FIRST = 5.0  # seconds until the second attempt, before chance
LONGEST = 15 * 60.0
PATIENCE = 3600.0  # the most that a Retry-After can ask for

NEXT = {
    Outcome.ACCEPTED: State.ACCEPTED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.BLOCKED: State.BLOCKED,
    Outcome.UNCERTAIN: State.UNCERTAIN,
    Outcome.RETRY: State.QUEUED,
}


def delay(attempt: int, chance: float, retry_after: float | None) -> float:
    """Seconds until the next attempt after the `attempt`th (from 1).

    Doubling from 5 s to 15 min, and of that a random part between a half and all, so that what failed
    together does not come back together. Never sooner than the vendor asked for.
    """
    wait = min(FIRST * 2.0 ** min(attempt - 1, 20), LONGEST) * (0.5 + chance / 2)
    if retry_after is not None:
        wait = max(wait, min(retry_after, PATIENCE) * (1 + chance / 10))
    return wait


def conclude(
    verdict: Verdict,
    attempt: int,
    first_attempt_at: int,
    now: int,
    chance: float,
    *,
    resend: bool,
    window: int = WINDOW_MS,
) -> tuple[State, int, str, str]:
    """(state, due_at, reason, message) of a delivery after an attempt. `window`: ms of trying."""
    due = now
    state = NEXT[verdict.outcome]
    message = verdict.message
    if state is State.UNCERTAIN and resend:
        state = State.QUEUED
    if state is State.QUEUED:
        due = now + round(delay(attempt, chance, verdict.retry_after) * 1000)
        if due > first_attempt_at + window and attempt >= LEAST:
            state, due = State.FAILED, now
            spent = durations.written(window)
            message = f"gave up after {attempt} attempts in {spent} or more; the last: {message}"
    return state, due, verdict.reason, message
