"""What holds a destination's lane back: its rate, its concurrency, its breaker, and what the vendor asked for.

One object answers two questions, how many requests may leave now and when to ask again, and is told how each
attempt ended. Pure; the time and chance come in as numbers. A gate belongs to one lane: no other destination's
trouble can close it.
"""

from __future__ import annotations

from typing import NamedTuple

from plaudit.deliver.breaker import Breaker, Circuit
from plaudit.deliver.concurrency import Limit
from plaudit.deliver.pacing import Bucket
from plaudit.destinations.base import Outcome, Verdict

PATIENCE = 3600.0  # s: the most that a Retry-After can ask for


class Waits(NamedTuple):
    """What a lane waits after, and until when. In ms."""

    verdict: Verdict
    came_at: int
    until: int


class Gate:
    """See above."""

    def __init__(self, per_minute: int, now: int) -> None:
        self.breaker = Breaker()
        self._limit = Limit()
        self._bucket = Bucket(per_minute, now)
        self._not_before = 0  # ms: the vendor asked for patience
        self._trouble: tuple[Verdict, int] | None = None  # the newest, and when it came

    @property
    def concurrency(self) -> int:
        return self._limit.now

    def room(self, now: int, in_flight: int) -> int:
        """How many more requests may leave now."""
        if now < self._not_before:
            return 0
        room = self._limit.now - in_flight
        probes = self.breaker.room(now)
        if probes is not None:
            room = min(room, probes)
        if self._bucket.limited:
            room = min(room, self._bucket.room(now))
        return max(room, 0)

    def next_at(self, now: int) -> int:
        """When there may be room though nothing ends."""
        return max(self._not_before, self._bucket.next_at(now), self.breaker.next_at(now))

    def waits(self, now: int) -> Waits | None:
        """None: nothing but its rate and its concurrency holds it back."""
        if self._trouble is None or (self.breaker.circuit is Circuit.CLOSED and now >= self._not_before):
            return None
        return Waits(*self._trouble, max(self._not_before, self.breaker.next_at(now)))

    def began(self, requests: int, now: int) -> None:
        self._bucket.take(requests, now)
        if requests:
            self.breaker.began()

    def also_sent(self, requests: int, now: int) -> None:
        """An attempt took this many requests more (or fewer) than the one that was reserved."""
        self._bucket.take(requests, now)

    def ended(self, verdict: Verdict, seconds: float, now: int, chance: float) -> bool:
        """An attempt ended. Whether that opened or closed the breaker."""
        before = self.breaker.circuit
        if verdict.retry_after:
            asked = now + round(min(verdict.retry_after, PATIENCE) * 1000)
            self._not_before = max(self._not_before, asked)
        if verdict.retry_after or verdict.outcome in (Outcome.RETRY, Outcome.UNCERTAIN):
            self._trouble = verdict, now
        # An answer that nobody understands is trouble too: each costs a person a look.
        if verdict.outcome in (Outcome.RETRY, Outcome.UNCERTAIN):
            self._limit.went_wrong()
            self.breaker.went_wrong(now, chance)
        else:
            self._limit.went_well(seconds)
            self.breaker.went_well()
        return (before is Circuit.CLOSED) != (self.breaker.circuit is Circuit.CLOSED)

    def nudge(self, now: int) -> None:
        """Somebody mended something: try at once."""
        self._not_before = 0
        self.breaker.nudge(now)
