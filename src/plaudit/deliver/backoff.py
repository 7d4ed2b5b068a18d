"""What follows from a verdict: the next state, and when to try again. Pure; chance comes in as a number.

Segment tries for 4 hours with randomised exponential backoff (segment.md 4.1), and so do we.
"""

from __future__ import annotations

from plaudit.destinations.base import Outcome, State, Verdict

WINDOW_MS = 4 * 3600 * 1000
FIRST = 5.0  # seconds until the second attempt, before chance
LONGEST = 15 * 60.0
PATIENCE = 3600.0  # the most that a Retry-After can ask for


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
    verdict: Verdict, attempt: int, first_attempt_at: int, now: int, chance: float, *, resend: bool
) -> tuple[State, int, str, str]:
    """(state, due_at, reason, message) of an invitation after an attempt."""
    due = now
    state = {
        Outcome.ACCEPTED: State.ACCEPTED,
        Outcome.REFUSED: State.REFUSED,
        Outcome.BLOCKED: State.BLOCKED,
        Outcome.UNCERTAIN: State.UNCERTAIN,
        Outcome.RETRY: State.QUEUED,
    }[verdict.outcome]
    message = verdict.message
    if state is State.UNCERTAIN and resend:
        state = State.QUEUED
    if state is State.QUEUED:
        due = now + round(delay(attempt, chance, verdict.retry_after) * 1000)
        if due > first_attempt_at + WINDOW_MS:
            state, due = State.FAILED, now
            message = f"gave up after {attempt} attempts in 4 hours; the last: {message}"
    return state, due, verdict.reason, message
