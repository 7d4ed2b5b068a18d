"""What is counted as it happens, by the hour and by the day, so that an overview costs the same however much there was.

Hours are kept as long as events are, days for ever. Counted in the transaction of what is counted, a row for each kind
of thing and not for each thing. `shard` keeps writers apart: the partition of a batch, the destination of a lane. Pure;
what is judged anew by a replay is not counted again, but for the invitations that it makes.

    what      code             shard
    event                      partition     events that came in
    order                      partition     of them, those that name an order
    fate      a disposition    partition     what became of them, at each destination
    made      destination id   partition     invitations of orders that had none
    ended     a state          destination   invitations' attempts that ended for good, or for a person
    took      a bucket         destination   from made to accepted
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, log
from typing import NamedTuple

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
STEPS = (HOUR_MS, DAY_MS)
REPLAYED = -1  # the shard of what a replay makes
_GROWTH = 1.1  # of one bucket to the next: a time is known to ten per cent

Row = tuple[int, int, int, str, str, int]  # step, at, shard, what, code, number


class Tallied(NamedTuple):
    """How many of a kind there were in the time that began at `at` (ms); `took` has but one time, the whole."""

    at: int
    what: str
    code: str
    number: int


def of_batch(
    partition: int, events: Sequence[str | None], fates: dict[str, int], made: dict[int, int], now: int
) -> list[Row]:
    """Of a batch: the order id of each event or None, what became of them, the invitations that they made."""
    counts: Counter[tuple[str, str]] = Counter({("fate", code): number for code, number in fates.items()})
    counts["event", ""] = len(events)
    counts["order", ""] = sum(order_id is not None for order_id in events)
    counts.update({("made", str(to)): number for to, number in made.items()})
    return _rows(counts, partition, now)


def of_turn(destination_id: int, ended: Iterable[tuple[str, int]], now: int) -> list[Row]:
    """Of attempts that ended: the state that follows, and when the delivery was made."""
    counts: Counter[tuple[str, str]] = Counter()
    for state, made_at in ended:
        if state != "queued":
            counts["ended", state] += 1
        if state == "accepted":
            counts["took", str(bucket(now - made_at))] += 1
    return _rows(counts, destination_id, now)


def bucket(ms: int) -> int:
    """Which one a time falls into."""
    return ceil(log(ms, _GROWTH)) if ms > 1 else 0


def quantile(buckets: dict[int, int], part: float) -> int | None:
    """The time (ms) that this part of all did not exceed, to ten per cent; None of none."""
    left = ceil(sum(buckets.values()) * part)
    for number in sorted(buckets):
        left -= buckets[number]
        if left <= 0:
            return round(_GROWTH**number)
    return None


def _rows(counts: Counter[tuple[str, str]], shard: int, now: int) -> list[Row]:
    """In the order of the primary key."""
    return [
        (step, now // step * step, shard, what, code, number)
        for step in STEPS
        for (what, code), number in sorted(counts.items())
        if number
    ]
