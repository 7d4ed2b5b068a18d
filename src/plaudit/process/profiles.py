"""The loop that moves a partition of the log into profiles, a step behind the ledger.

It reads only what the ledger has taken: so which of two events with one message id counts is decided, and a fault
here never keeps an order from its invitation. When orders come faster than both can take them, orders go first.
Invariant: as in loop.py, the cursor moves in the transaction that holds a batch's effects.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from plaudit.clock import Clock
from plaudit.destinations.base import Destination, What
from plaudit.engage.definitions import Definitions, Outlet
from plaudit.engage.sighting import Sighting, sighting
from plaudit.errors import LostRaceError, PlauditError
from plaudit.log.base import Log
from plaudit.observe import happenings
from plaudit.spec.envelope import Entry, event_id
from plaudit.spec.event import Event, Unreadable
from plaudit.store.base import Configuration, Store

ENTRIES = 256  # read at a time
EVENTS = 128  # a batch: it holds the store for some milliseconds, and lanes wait that long
BREATH = 32
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
        self._wake = asyncio.Event()
        self._stopping = False
        self.trouble = ""

    def configure(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._wake.set()

    def follow(self, position: int, *, busy: bool) -> None:
        """The ledger has come this far, and goes on at once if it is `busy`."""
        self._taken, self._busy = max(self._taken, position), busy
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
                cursor = None
                await asyncio.sleep(STALE)
            except Exception as error:  # noqa: BLE001 - nothing may end this loop: what was accepted must come through
                self.trouble = str(error) if isinstance(error, PlauditError) else happenings.where(error)
                happenings.StepFailed("profiles", self.trouble, PATIENCE).emit()
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
        ceiling = self._taken
        entries = [
            each for each in await self._log.read(self._partition, cursor, ENTRIES) if each[0] <= ceiling
        ]
        after, found = await self._sightings(entries)
        if not entries:  # the log has no more of them
            after = ceiling
        now = self._clock.now()
        taken = await self._store.profiles.take(self._partition, cursor, after, found, definitions, now)
        if taken.made:
            self._made(set(taken.made))
        happenings.ProfilesTaken(len(found), taken.changed, time.perf_counter() - started).emit()
        if self._busy:
            await asyncio.sleep(REST * (time.perf_counter() - started))  # orders go first
        return after

    async def _sightings(self, entries: list[tuple[int, Entry]]) -> tuple[int, list[Sighting]]:
        """(position up to which all was read, what it said) of about a batch."""
        found: list[Sighting] = []
        after, breath = 0, BREATH
        for position, entry in entries:
            for index, envelope in enumerate(entry.events):
                if envelope.refused:
                    continue
                with contextlib.suppress(Unreadable):  # the ledger has said so
                    event = Event(entry, envelope)
                    seen = sighting(event_id(self._partition, position, index), entry.source_id, event)
                    if seen is not None:
                        found.append(seen)
            after = position
            if len(found) >= EVENTS:
                break
            if len(found) >= breath:
                breath = len(found) + BREATH
                await asyncio.sleep(0)
        return after, found

    async def _sleep(self) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), IDLE)
