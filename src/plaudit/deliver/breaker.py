"""When nothing gets through, stop trying with everybody's orders: a circuit breaker. Pure; time comes in as ms.

    closed ──(5 failures in a row)──▶ open ──(after a while)──▶ half-open ──(it works)──▶ closed
                                       ▲                            │
                                       └────────(it does not)───────┘

While it is open, no delivery spends its retry window. One probe at a time is let through when it is half-open;
each that fails doubles the wait, up to five minutes. After a day without success it counts as dead: the probes
become hourly, and somebody is told.
"""

from __future__ import annotations

from enum import StrEnum

FAILURES = 5
FIRST_MS = 1000
LONGEST_MS = 5 * 60_000
DEAD_AFTER_MS = 24 * 3_600_000
DEAD_MS = 3_600_000


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Ask `room` before a claim, tell it how each attempt ended."""

    def __init__(self) -> None:
        self.circuit = Circuit.CLOSED
        self._failures = 0
        self._wait = FIRST_MS
        self._until = 0
        self._failing_since: int | None = None
        self._probing = False

    def room(self, now: int) -> int | None:
        """How many attempts may begin: None for any number, 1 for a probe, 0 for none."""
        if self.circuit is Circuit.CLOSED:
            return None
        if self.circuit is Circuit.OPEN and now >= self._until:
            self.circuit = Circuit.HALF_OPEN
            self._probing = False
        return int(self.circuit is Circuit.HALF_OPEN and not self._probing)

    def next_at(self, now: int) -> int:
        """When there may be room again without an attempt ending."""
        return self._until if self.circuit is Circuit.OPEN else now

    def began(self) -> None:
        self._probing = self.circuit is Circuit.HALF_OPEN

    def went_well(self) -> None:
        self.circuit = Circuit.CLOSED
        self._failures, self._wait, self._failing_since, self._probing = 0, FIRST_MS, None, False

    def went_wrong(self, now: int, chance: float) -> None:
        """No answer, or one that says 'later'. `chance` in [0, 1) spreads the probes of several processes."""
        self._failures += 1
        self._failing_since = now if self._failing_since is None else self._failing_since
        if self.circuit is Circuit.HALF_OPEN:
            self._wait = min(self._wait * 2, LONGEST_MS)
        elif self.circuit is Circuit.OPEN or self._failures < FAILURES:
            return  # one that was in flight when it opened tells nothing new
        wait = DEAD_MS if self.dead(now) else self._wait
        self.circuit = Circuit.OPEN
        self._until = now + round(wait * (0.75 + chance / 2))

    def dead(self, now: int) -> bool:
        """Whether it has failed for so long that somebody should know."""
        return self._failing_since is not None and now - self._failing_since >= DEAD_AFTER_MS

    def nudge(self, now: int) -> None:
        """Somebody wants to know now: probe at once."""
        self._until = now
