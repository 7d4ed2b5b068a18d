"""A profile's events of one name after the filters: which count now, and when that may change.

An event is in the window from `timestamp + opens` on and until `timestamp + closes` (exclusive), so that
"within 30 days" ends 30 days after the event to the millisecond. A window is a slice of the facts by
time, found by bisection. Events within another's `where` come after it, strictly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from plaudit.engage.compiled.base import Moment, Plain, Timed, Truth, all_of
from plaudit.engage.facts import NOTHING, Fact, Rows
from plaudit.engage.language import tree as t
from plaudit.engage.values import NEVER, elements, same

Bucket = tuple[Plain, Plain]


class Window:
    """The span of ages that counts, and in a funnel the span after the parent. Ms; the ends are exclusive."""

    def __init__(self, filters: Sequence[t.Filter]) -> None:
        self.opens, self.closes = _span(filters, parent=False)
        self.after, self.before = _span(filters, parent=True)


def _span(filters: Sequence[t.Filter], *, parent: bool) -> tuple[int, int | None]:
    opens, closes = 0, None
    for each in filters:
        if isinstance(each, t.Within | t.Between) and each.parent is parent:
            start, end = (0, each.span.ms) if isinstance(each, t.Within) else (each.start.ms, each.end.ms)
            opens = max(opens, start)
            closes = end if closes is None else min(closes, end)
    return opens, closes


class Stream:
    """One stream. `around`: it stands in another event's `where`; `apart`: its filters do not ask that event."""

    def __init__(
        self,
        tree: t.Event,
        plain: Plain | None,
        timed: Timed | None,
        *,
        around: bool,
        apart: bool,
        bucket: Bucket | None,
    ) -> None:
        self._name = tree.name
        self._window = Window(tree.filters)
        self._around = around
        self._kept_rows = around and apart and plain is not None
        self._plain = None if self._kept_rows else plain
        self._filter = plain
        self._timed = self._once(timed) if timed is not None and around and apart else timed
        self._bucket = bucket if around else None

    def active(self, moment: Moment, parent: Fact | None) -> tuple[list[Fact], int]:
        """The events that count, and until when they are sure to be the same ones."""
        rows, low, high, end = self._slice(moment, parent)
        opens, closes = self._window.opens, self._window.closes
        until = NEVER
        if self._timed is not None:
            facts: list[Fact] = []
            for fact, holds, turns in self._turns(moment, parent):
                until = min(until, turns)
                if holds:
                    facts.append(fact)
            return facts, until
        facts = [fact for fact in rows.facts[low:high] if self._passes(moment, fact, parent)]
        if facts and closes is not None:
            until = facts[0].timestamp + closes
        for fact in islice(rows.facts, high, end):
            if self._passes(moment, fact, parent):
                return facts, min(until, fact.timestamp + opens)
        return facts, until

    def at_least(self, moment: Moment, parent: Fact | None, least: int) -> Truth:
        """Whether that many events count, and until when that is sure.

        With enough of them it holds while `least` stay, so until the `least`-th last of them may go. With
        too few it fails until as many as are missing may have come.
        """
        if least <= 0:
            return True, NEVER
        if self._timed is not None:
            return self._timed_at_least(moment, parent, least)
        rows, low, high, end = self._slice(moment, parent)
        opens, closes = self._window.opens, self._window.closes
        times = rows.times
        if self._plain is None:
            if high - low >= least:
                return True, NEVER if closes is None else times[high - least] + closes
            coming = high + least - (high - low) - 1
            return False, times[coming] + opens if coming < end else NEVER
        missing = least
        for index in range(high - 1, low - 1, -1):  # the latest first: they stay the longest
            if self._passes(moment, rows.facts[index], parent):
                missing -= 1
                if not missing:
                    return True, NEVER if closes is None else times[index] + closes
        later = (i for i in range(high, end) if self._passes(moment, rows.facts[i], parent))
        coming = next(islice(later, missing - 1, None), -1)
        return False, NEVER if coming < 0 else times[coming] + opens

    def _timed_at_least(self, moment: Moment, parent: Fact | None, least: int) -> Truth:
        stay: list[int] = []
        come: list[int] = []
        for _, holds, turns in self._turns(moment, parent):
            (stay if holds else come).append(turns)
        if len(stay) >= least:
            return True, sorted(stay)[-least]
        missing = least - len(stay)
        return False, sorted(come)[missing - 1] if len(come) >= missing else NEVER

    def _turns(self, moment: Moment, parent: Fact | None) -> Iterator[tuple[Fact, bool, int]]:
        """Each event that counts or may come to count, whether it does now, and when that may change."""
        rows, low, high, end = self._slice(moment, parent)
        opens, closes = self._window.opens, self._window.closes
        timed = self._timed
        assert timed is not None  # noqa: S101 - asked by the two callers
        for index in range(low, end):
            fact = rows.facts[index]
            if not self._passes(moment, fact, parent):
                continue
            if index >= high:
                yield fact, False, fact.timestamp + opens
                continue
            holds, turns = timed(moment, fact, parent)
            leaves = NEVER if closes is None else fact.timestamp + closes
            if holds:
                yield fact, True, min(turns, leaves)
            elif turns < leaves:
                yield fact, False, turns

    def _once(self, timed: Timed) -> Timed:
        """A condition that does not ask the parent, worked out once an event and not once a parent."""
        place = object()

        def look(moment: Moment, event: Fact | None, parent: Fact | None) -> Truth:
            known = moment.kept.get(place)
            if known is None:
                known = moment.kept[place] = {}
            found: Truth | None = known.get(id(event))
            if found is None:
                found = known[id(event)] = timed(moment, event, parent)
            return found

        return look

    def _passes(self, moment: Moment, fact: Fact, parent: Fact | None) -> bool:
        return self._plain is None or bool(self._plain(moment, fact, parent))

    def _slice(self, moment: Moment, parent: Fact | None) -> tuple[Rows, int, int, int]:
        """Facts, and three places in them: those of low to high are in the window, those up to end will be."""
        window, now = self._window, moment.now
        rows = self._rows(moment, parent) if self._around else moment.profile.rows(self._name)
        times = rows.times
        high = end = len(times)
        if not end:
            return rows, 0, 0, 0
        if times[-1] > now - window.opens:
            high = bisect_right(times, now - window.opens)
        low = 0 if window.closes is None else bisect_right(times, now - window.closes)
        if parent is not None and self._around:
            since = parent.timestamp
            low = max(low, bisect_right(times, since), bisect_left(times, since + window.after))
            if window.before is not None:
                end = bisect_left(times, since + window.before)
            high = max(min(high, end), low)
            end = max(end, high)
        return rows, low, high, end

    def _rows(self, moment: Moment, parent: Fact | None) -> Rows:
        """The candidates of a stream that is asked for each parent: filtered or sorted by key once for all."""
        if self._bucket is not None:
            return self._in_bucket(moment, parent, self._bucket)
        if not self._kept_rows:
            return moment.profile.rows(self._name)
        rows = moment.kept.get(self)
        if rows is None:
            keep = self._filter
            facts = [
                f for f in moment.profile.rows(self._name).facts if keep is None or keep(moment, f, None)
            ]
            rows = moment.kept[self] = Rows([fact.timestamp for fact in facts], facts)
        found: Rows = rows
        return found

    def _in_bucket(self, moment: Moment, parent: Fact | None, bucket: Bucket) -> Rows:
        """Those whose property may equal the parent's: else each parent would be held against each event."""
        own, others = bucket
        wanted = elements(others(moment, None, parent))
        if not wanted:
            return NOTHING
        rows = moment.profile.rows(self._name)
        if len(wanted) > 1:
            return rows
        buckets = moment.kept.get(self)
        if buckets is None:
            buckets = moment.kept[self] = {}
            for fact in rows.facts:
                for key in {same(each) for each in elements(own(moment, fact, None))}:
                    into = buckets.setdefault(key, Rows([], []))
                    into.times.append(fact.timestamp)
                    into.facts.append(fact)
        found: Rows = buckets.get(same(wanted[0]), NOTHING)
        return found


def filters(
    tree: t.Event,
    plain: Callable[[t.Condition], Plain | None],
    timed: Callable[[t.Condition], Timed],
) -> tuple[Plain | None, Timed | None]:
    """The stream's conditions: those that do not look at the clock as one, and those that do as another."""
    timeless: list[Plain] = []
    with_time: list[Timed] = []
    for each in tree.filters:
        if isinstance(each, t.Sources):
            timeless.append(_other_source(frozenset(each.exclude)))
        elif isinstance(each, t.Where):
            parts = each.condition.of if isinstance(each.condition, t.And) else (each.condition,)
            for part in parts:
                found = plain(part)
                if found is not None:
                    timeless.append(found)
                else:
                    with_time.append(timed(part))
    both = timeless[0] if len(timeless) == 1 else _every(timeless) if timeless else None
    return both, all_of(with_time) if with_time else None


def _other_source(excluded: frozenset[str]) -> Plain:
    return lambda _, event, __: event is not None and event.source not in excluded


def _every(parts: Sequence[Plain]) -> Plain:
    def test(moment: Moment, event: Fact | None, parent: Fact | None) -> bool:
        return all(part(moment, event, parent) for part in parts)

    return test
