"""Events that were processed before, judged anew by today's configuration; and archives, judged before they come.

Invariant: an event keeps its id, and a delivery its key. So whatever is replayed, how often, and wherever it was
interrupted, an order has one invitation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable

import msgspec

from plaudit.destinations.base import What
from plaudit.log.base import Log
from plaudit.process.customers import Customers
from plaudit.process.plan import Known, Routes, plan
from plaudit.spec import dispositions
from plaudit.spec.envelope import Entry
from plaudit.spec.timestamps import LATEST
from plaudit.store.base import Committed, EventRow, Route, Store

BATCH = 256  # events a transaction: others get theirs in between
READ = 64  # entries at a time
SLACK = 3_600_000  # ms that the clock may have been set back: times in the log are in order but for that
NOWHERE = 1 << 40  # positions that no log reaches: for events that are in none


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: by time of receipt (ms, `until` without itself) and by conditions that count when given."""

    since: int = 0
    until: int = LATEST
    source_id: int | None = None
    order_id: str | None = None
    disposition: str | None = None


class Reach(msgspec.Struct, frozen=True):
    """What of a range the log still has: positions after `after` up to `last`, and what is lost before them."""

    after: int
    last: int
    oldest: int | None  # ms: the first event whose body is there, if older ones have gone
    gone: int  # events of the range whose bodies are not


class Tally(msgspec.Struct):
    """What events come to, in numbers."""

    events: int = 0
    dispositions: Counter[str] = msgspec.field(default_factory=Counter)
    made: Counter[int] = msgspec.field(default_factory=Counter)
    kept: int = 0  # deliveries that were there before
    first_order: int | None = None  # ms: the oldest order that is invited

    def join(self, other: Tally) -> None:
        self.events += other.events
        self.dispositions.update(other.dispositions)
        self.made.update(other.made)
        self.kept += other.kept
        firsts = [first for first in (self.first_order, other.first_order) if first is not None]
        self.first_order = min(firsts, default=None)

    def add(self, done: Committed, rows: list[EventRow]) -> None:
        self.dispositions.update(done.dispositions)
        self.made.update(done.made)
        self.kept += done.kept
        if done.made:
            times = [
                route.draft.order.ordered_at
                for row in rows
                for route in row.routes
                if route.draft is not None and route.draft.order is not None
            ]
            self.first_order = min([*times, self.first_order or LATEST])


class Once:
    """For trials: orders that an earlier batch would have invited. A trial leaves no row that could tell."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, rows: list[EventRow]) -> list[EventRow]:
        """The rows, with duplicates of earlier batches' orders as such."""
        keys: set[int] = set()
        found = [row._replace(routes=[self._route(route, keys) for route in row.routes]) for row in rows]
        self._seen |= keys
        return found

    def _route(self, route: Route, keys: set[int]) -> Route:
        if route.draft is None:
            return route
        key = hash((route.destination_id, route.draft.what, route.draft.key))
        if key in self._seen:
            invites = route.draft.what is What.INVITATION
            code = dispositions.DUPLICATE_ORDER if invites else dispositions.DUPLICATE_MESSAGE
            return Route(route.destination_id, code)
        keys.add(key)
        return route


class Replay:
    """One partition's events, judged anew."""

    def __init__(
        self,
        log: Log,
        store: Store,
        table: Routes,
        wanted: Range,
        partition: int = 0,
        customers: Customers | None = None,
    ) -> None:
        self._log = log
        self._store = store
        self._table = table
        self._wanted = wanted
        self._partition = partition
        self._customers = customers

    async def reach(self) -> Reach:
        """How far the range can be replayed: what is not processed yet is not replayed either."""
        first = await self._log.read(self._partition, 0, 1)
        last = await self._store.cursor(self._partition)
        low = first[0][0] if first else last + 1
        gone = await self._store.older_events(self._partition, low, self._wanted.since, self._wanted.until)
        start = await self._seek(low - 1, last, self._wanted.since - SLACK)
        last = await self._seek(start, last, self._wanted.until + SLACK)
        oldest = first[0][1].received_at if first and low > 1 else None
        return Reach(start, last, oldest, gone)

    async def _seek(self, low: int, high: int, moment: int) -> int:
        """A position such that all entries up to it came before a time: by halving."""
        while low < high:
            middle = (low + high) // 2
            found = await self._log.read(self._partition, middle, 1)
            if found and found[0][1].received_at < moment:
                low = max(found[0][0], middle + 1)
            else:
                high = middle
        return min(low, high)

    async def run(self, reach: Reach, now: int, *, dry: bool, told: Callable[[int, int], None]) -> Tally:
        """Judge them. `told` hears of each batch: positions done, and events looked at."""
        tally, once = Tally(), Once()
        async for position, rows in self._batches(reach):
            judged = once(rows) if dry else rows
            done = await self._store.replay(judged, now, dry=dry, disposition=self._wanted.disposition)
            tally.add(done, judged)
            tally.events += len(rows)
            told(position - reach.after, tally.events)
        return tally

    async def _batches(self, reach: Reach) -> AsyncIterator[tuple[int, list[EventRow]]]:
        """(position up to which all was read, rows of the range)."""
        rows: list[EventRow] = []
        position = reach.after
        while position < reach.last:
            entries = await self._log.read(self._partition, position, READ)
            entries = [each for each in entries if each[0] <= reach.last]
            if not entries:
                break
            known = (
                await self._customers.of(self._partition, entries) if self._customers is not None else None
            )
            for position, entry in entries:
                if self._is_wanted(entry):
                    rows += self._rows(position, entry, known)
                while len(rows) >= BATCH:
                    batch, rows = rows[:BATCH], rows[BATCH:]
                    yield position, batch
            if not rows:
                yield position, []
        yield max(position, reach.last), rows

    def _is_wanted(self, entry: Entry) -> bool:
        wanted = self._wanted
        in_time = wanted.since <= entry.received_at < wanted.until
        return in_time and wanted.source_id in (None, entry.source_id)

    def _rows(self, position: int, entry: Entry, known: Known | None) -> list[EventRow]:
        order_id = self._wanted.order_id
        found = plan(self._partition, position, entry, self._table, known)
        return [row for row in found if order_id is None or row.order_id == order_id]


class Everywhere:
    """The same for all partitions, one after the other."""

    def __init__(
        self, log: Log, store: Store, table: Routes, wanted: Range, customers: Customers | None = None
    ) -> None:
        self._parts = [
            Replay(log, store, table, wanted, number, customers) for number in range(log.partitions)
        ]
        self._reaches: list[Reach] = []

    async def reach(self) -> Reach:
        """All of them as if they were one that begins at 0."""
        self._reaches = [await part.reach() for part in self._parts]
        return Reach(
            0,
            sum(reach.last - reach.after for reach in self._reaches),
            max((reach.oldest for reach in self._reaches if reach.oldest is not None), default=None),
            sum(reach.gone for reach in self._reaches),
        )

    async def run(self, now: int, *, dry: bool, told: Callable[[int, int], None]) -> Tally:
        """Judge what `reach` found. `told` hears of each batch: positions done, and events looked at."""
        whole = Tally()
        done = 0

        def tell(at: int, events: int) -> None:
            told(done + at, whole.events + events)

        for part, reach in zip(self._parts, self._reaches, strict=True):
            whole.join(await part.run(reach, now, dry=dry, told=tell))
            done += reach.last - reach.after
        return whole


class Foresight:
    """What an archive's events would come to, if they came now."""

    def __init__(self, store: Store, table: Routes) -> None:
        self._store = store
        self._table = table
        self._once = Once()
        self._entries = 0
        self.tally = Tally()

    async def add(self, entry: Entry, now: int) -> None:
        rows = self._once(list(plan(0, NOWHERE + self._entries, entry, self._table)))
        self._entries += 1
        self.tally.add(await self._store.foresee(rows, now), rows)
        self.tally.events += len(rows)
