"""What the sandbox was sent: one record per (key, reference), and counts of everything.

Channels translate their own wire format into `Received`; this module knows none of them. Records are
bounded (the oldest go), counts are not: they run until `clear`. A reference that was dropped for age and
comes again counts as new.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import islice

import msgspec

from plaudit.clock import Clock, SystemClock

KEEP = 200_000


class Received(msgspec.Struct, frozen=True, gc=False):
    """An invitation as any channel sends it.

    `products` is the JSON array, empty when there are none: one bytes object is smaller than its parts, and
    most records are never looked at.
    """

    channel: str
    key: str
    reference_id: str
    recipient_email: str
    recipient_name: str
    source: str = ""
    total_cost: str | int | float | None = None
    currency: str = ""
    products: bytes = b""


class Record(msgspec.Struct):
    """One reference of one key. `received_at` is its first arrival in milliseconds, `answer` the last one."""

    received: Received
    received_at: int
    posts: int = 0
    accepted: int = 0
    updates: int = 0
    answer: str = ""


class Stats(msgspec.Struct):
    """`invitations`, `accepted` and `twice` count references, not posts: 20,000 orders make 20,000."""

    requests: int = 0
    invitations: int = 0
    accepted: int = 0
    twice: int = 0
    updates: int = 0
    log_calls: int = 0
    kept: int = 0
    by_status: dict[str, int] = msgspec.field(default_factory=Counter)


class Recorder:
    """Everything that was received, newest last."""

    def __init__(self, clock: Clock | None = None, keep: int = KEEP) -> None:
        self._clock = clock or SystemClock()
        self._keep = keep
        self._records: OrderedDict[tuple[str, str], Record] = OrderedDict()
        self._stats = Stats()
        self.revision = 0

    def post(self, received: Received, answer: str, *, accepted: bool) -> None:
        """A well-formed invitation came and was given this answer."""
        record = self._record(received)
        record.posts += 1
        record.accepted += accepted
        record.received = received
        record.answer = answer
        self._stats.invitations += record.posts == 1
        self._stats.accepted += accepted and record.accepted == 1
        self._stats.twice += accepted and record.accepted == 2

    def update(self, received: Received, answer: str) -> None:
        """Information about an order came: shown, but no invitation."""
        record = self._record(received)
        record.updates += 1
        record.answer = record.answer or answer
        self._stats.updates += 1

    def answered(self, status: str, *, log: bool = False) -> None:
        """A request to a channel was given this answer: a status code, `reset` or `reset-after`."""
        self._stats.requests += 1
        self._stats.log_calls += log
        self._stats.by_status[status] = self._stats.by_status.get(status, 0) + 1
        self.revision += 1

    def newest(self, limit: int | None = None, reference_id: str | None = None) -> Iterator[Record]:
        """Newest first; only this reference's (one a key) when given."""
        found = (
            record
            for record in reversed(self._records.values())
            if reference_id is None or record.received.reference_id == reference_id
        )
        return islice(found, limit)

    def get(self, key: str, reference_id: str) -> Record | None:
        return self._records.get((key, reference_id))

    def stats(self) -> Stats:
        return msgspec.structs.replace(
            self._stats, kept=len(self._records), by_status=dict(sorted(self._stats.by_status.items()))
        )

    def clear(self) -> None:
        self._records.clear()
        self._stats = Stats()
        self.revision += 1

    def _record(self, received: Received) -> Record:
        at = (received.key, received.reference_id)
        record = self._records.get(at)
        if record is None:
            record = self._records[at] = Record(received, self._clock.now())
            if len(self._records) > self._keep:
                self._records.popitem(last=False)
        return record
