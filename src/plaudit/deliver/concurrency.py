"""How many requests to one destination may be in flight at a time: found out, not configured.

It grows while all goes well (quickly at first, then by one a round) and shrinks on trouble or when answers take
much longer than they did at their best. Pure: no clock, no I/O.
"""

from __future__ import annotations

START = 16
MOST = 64
SLOW = 4.0  # times the best latency counts as trouble,
SLACK = 0.25  # s: but not below this much more than the best
SMOOTH = 0.1  # weight of a new latency


class Limit:
    """`now` is the limit. Tell it how each attempt ended."""

    def __init__(self, start: int = START, most: int = MOST) -> None:
        self._most = most
        self._level = float(min(start, most))
        self._eager = True  # until the first trouble: doubles each round
        self._best: float | None = None
        self._latency = 0.0
        self._old = 0  # attempts in flight that began before the last cut: they tell nothing new

    @property
    def now(self) -> int:
        return max(int(self._level), 1)

    def went_well(self, seconds: float) -> None:
        self._best = seconds if self._best is None else min(self._best * 1.001, seconds)  # forgets slowly
        self._latency += SMOOTH * (seconds - self._latency) if self._latency else seconds
        self._old = max(self._old - 1, 0)
        if self._latency > max(self._best * SLOW, self._best + SLACK):
            self._cut(0.8)
        else:
            self._level = min(self._level + (1.0 if self._eager else 1.0 / self._level), self._most)

    def went_wrong(self) -> None:
        """No answer, or one that says 'later'."""
        if self._old:
            self._old -= 1
        else:
            self._cut(0.5)

    def _cut(self, to: float) -> None:
        """Once a round: what was in flight together is one sign of trouble."""
        self._eager = False
        if not self._old:
            self._old = self.now - 1
            self._level = max(self._level * to, 1.0)
