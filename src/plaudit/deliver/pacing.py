"""How many requests a destination may get: a token bucket. Pure; the time comes in as a number."""

from __future__ import annotations

BURST_SECONDS = 1.0  # of the rate may be sent at once after a rest


class Bucket:
    """Holds `per_minute` requests a minute, and lets a second's worth (or one) go at once; 0: no limit.

    A flow that turns out to need more requests than were reserved takes them too, and leaves the bucket in
    debt: the next ones wait longer. It starts empty, since another process, or this one before it was started
    anew, may just have sent all that there was. Invariant: in any span of t minutes at most burst + t * per_minute,
    over all the buckets that followed each other.
    """

    def __init__(self, per_minute: int, now: int) -> None:
        self._rate = per_minute / 60_000  # a ms
        self._burst = max(per_minute * BURST_SECONDS / 60, 1.0)
        self._level = 0.0
        self._at = now

    @property
    def limited(self) -> bool:
        return self._rate > 0

    def room(self, now: int) -> int:
        """How many requests may leave now."""
        self._fill(now)
        return max(int(self._level), 0)

    def take(self, count: int, now: int) -> None:
        """`count` requests leave (or did not leave after all, when negative)."""
        if self.limited:
            self._fill(now)
            self._level = min(self._level - count, self._burst)

    def next_at(self, now: int) -> int:
        """When there is room for one (ms)."""
        self._fill(now)
        if not self.limited or self._level >= 1:
            return now
        return now + max(round((1 - self._level) / self._rate), 1)

    def _fill(self, now: int) -> None:
        # A clock that was set back takes nothing away, and gives nothing twice.
        passed = max(now - self._at, 0)
        self._at = now
        self._level = min(self._level + passed * self._rate, self._burst)
