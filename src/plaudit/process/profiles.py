"""The loop that moves a partition of the log into profiles, a step behind the ledger.

It takes only what the ledger has taken: so which of two events with one message id counts is decided, and a fault
here never keeps an order from its invitation. When orders come faster than both can take them, orders go first.
What the ledger took just now is at hand and is not read again; only who falls behind reads the log.
Invariant: as in loop.py, the cursor moves in the transaction that holds a batch's effects.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from plaudit.clock import Clock
from plaudit.destinations.base import Destination, What
from plaudit.engage.definitions import Definitions, Outlet
from plaudit.engage.sighting import Sighting, sighting
from plaudit.errors import LostRaceError, PlauditError
from plaudit.log.base import Log
from plaudit.observe import happenings
from plaudit.process.batch import batch_of
from plaudit.spec.envelope import Entry, event_id
from plaudit.spec.event import Event, Unreadable
from plaudit.store.base import Configuration, Store

ENTRIES = 256  # read at a time
EVENTS = 128  # a batch: it holds the store for some milliseconds, and lanes wait that long
BREATH = 32
NOTHING = -1  # no position of a log
AT_HAND = 1024  # events that are kept in memory until their turn
IDLE = 1.0  # seconds
PATIENCE = 1.0  # seconds after trouble
STALE = 0.1  # seconds until another configuration is looked for
REST = 4  # times as long as a batch took, while the ledger has more to take

Made = Callable[[set[int]], None]


def definitions_of(configuration: Configuration, kinds: dict[str, Destination]) -> Definitions:
    """The audiences and traits of a configuration, and which destinations can hear of them."""
    outlets = [
        Outlet(
            row.id,
            kinds[row.type].integrations_name,
            What.IDENTIFY in kinds[row.type].channel(row.settings).carries,
        )
        for row in configuration.destinations
        if row.type in kinds
    ]
    sources = {source.id: source.name for source in configuration.sources}
    sources |= {inlet.id: inlet.name for inlet in configuration.inlets}
    return Definitions(configuration.version, configuration.definitions, outlets, sources)


async def catch_up(log: Log, store: Store, clock: Clock, kinds: dict[str, Destination]) -> None:
    """Bring profiles as far as the ledger, of an installation that no server works on."""
    definitions = definitions_of(await store.configuration(), kinds)
    for partition in range(log.partitions):
        follower = Follower(partition, log, store, clock, lambda made: None)  # noqa: ARG005 - lanes look by themselves
        follower.configure(definitions)
        await follower.catch_up()


class Follower:
    """One partition's loop. `made` is called with the ids of destinations that have new calls."""

    def __init__(self, partition: int, log: Log, store: Store, clock: Clock, made: Made) -> None:
        self._partition = partition
        self._log = log
        self._store = store
        self._clock = clock
        self._made = made
        self._definitions: Definitions | None = None
        self._taken = 0  # how far the ledger has come
        self._busy = False  # it has more to take
        self._ahead: list[tuple[int, Entry]] = []  # all that it took after the cursor and up to `_known`
        self._known = NOTHING
        self._wake = asyncio.Event()
        self._stopping = False
        self.trouble = ""

    def configure(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._wake.set()

    def follow(self, before: int, after: int, entries: Sequence[tuple[int, Entry]], *, busy: bool) -> None:
        """The ledger has taken these entries, and goes on at once if it is `busy`."""
        if before == self._known and sum(len(entry.events) for _, entry in self._ahead) < AT_HAND:
            self._ahead += entries
            self._known = after
        self._taken, self._busy = max(self._taken, after), busy
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`."""
        cursor: int | None = None
        while not self._stopping:
            try:
                if cursor is None:
                    self._taken = max(self._taken, await self._store.cursor(self._partition))
                    cursor = await self._store.profiles.cursor(self._partition)
                cursor = await self._step(cursor)
                self.trouble = ""
            except LostRaceError:
                self._forget()
                cursor = None
                await asyncio.sleep(STALE)
            except Exception as error:  # noqa: BLE001 - nothing may end this loop: what was accepted must come through
                self.trouble = str(error) if isinstance(error, PlauditError) else happenings.where(error)
                happenings.StepFailed("profiles", self.trouble, PATIENCE).emit()
                self._forget()
                cursor = None
                await asyncio.sleep(PATIENCE)

    async def catch_up(self) -> None:
        """Come as far as the ledger is, with nobody else at work. Raises what stands in the way."""
        self._taken = await self._store.cursor(self._partition)
        cursor = await self._store.profiles.cursor(self._partition)
        while cursor < self._taken:
            cursor = await self._step(cursor)

    async def _step(self, cursor: int) -> int:
        definitions = self._definitions
        if definitions is None or cursor >= self._taken:
            await self._sleep()
            return cursor
        started = time.perf_counter()
        await self._look(cursor)
        batch, self._ahead = batch_of(self._ahead, EVENTS)
        after = batch[-1][0] if batch and self._ahead else self._known
        found = await self._sightings(batch)
        now = self._clock.now()
        taken = await self._store.profiles.take(self._partition, cursor, after, found, definitions, now)
        if taken.made:
            self._made(set(taken.made))
        happenings.ProfilesTaken(len(found), taken.changed, time.perf_counter() - started).emit()
        if self._busy:
            await asyncio.sleep(REST * (time.perf_counter() - started))  # orders go first
        return after

    async def _look(self, cursor: int) -> None:
        """Have at hand what comes after the cursor."""
        if not self._ahead:
            self._known, ceiling = NOTHING, self._taken
            read = await self._log.read(self._partition, cursor, ENTRIES)
            self._ahead = [each for each in read if each[0] <= ceiling]
            self._known = self._ahead[-1][0] if self._ahead else ceiling  # the log has no more of them

    async def _sightings(self, entries: list[tuple[int, Entry]]) -> list[Sighting]:
        found: list[Sighting] = []
        breath = BREATH
        for position, entry in entries:
            for index, envelope in enumerate(entry.events):
                if envelope.refused:
                    continue
                with contextlib.suppress(Unreadable):  # the ledger has said so
                    event = Event(entry, envelope)
                    seen = sighting(event_id(self._partition, position, index), entry.source_id, event)
                    if seen is not None:
                        found.append(seen)
            if len(found) >= breath:
                breath = len(found) + BREATH
                await asyncio.sleep(0)
        return found

    def _forget(self) -> None:
        """After trouble: the stored cursor decides what comes next."""
        self._ahead, self._known = [], NOTHING

    async def _sleep(self) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), IDLE)
