"""What audiences and traits do with no event: values lapse, backfills and syncs go on, a portion at a time.

One task a process. The store lets each portion be taken by one process only, so that a timer fires once, and what a
process leaves behind when it dies is gone on with by another.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from plaudit.clock import Clock
from plaudit.engage.definitions import Definitions
from plaudit.errors import LostRaceError, PlauditError
from plaudit.observe import happenings
from plaudit.process.profiles import Made
from plaudit.store.base import Store
from plaudit.store.profiles import Taken, Todo

IDLE = 1.0  # seconds
PATIENCE = 1.0
LAPSES = 200  # a portion
LEAST, MOST = 20, 2_000  # profiles a portion of a backfill or a sync
WANTED = 0.025  # seconds a portion: orders get theirs in between
STALE = 0.1


class Timer:
    """`run` until `stop`. `made` is called with the ids of destinations that have new calls."""

    def __init__(self, store: Store, clock: Clock, made: Made) -> None:
        self._store = store
        self._clock = clock
        self._made = made
        self._definitions: Definitions | None = None
        self._limit = 200
        self._wake = asyncio.Event()
        self._stopping = False
        self.trouble = ""

    def configure(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._wake.set()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping:
            try:
                if not await self.step():
                    await self._sleep()
                self.trouble = ""
            except LostRaceError:
                await asyncio.sleep(STALE)
            except Exception as error:  # noqa: BLE001 - nothing may end this loop: who is due must leave
                self.trouble = str(error) if isinstance(error, PlauditError) else happenings.where(error)
                happenings.StepFailed("timer", self.trouble, PATIENCE).emit()
                await asyncio.sleep(PATIENCE)

    async def step(self) -> bool:
        """Do a portion of everything that is due; whether there was anything."""
        definitions = self._definitions
        if definitions is None or not definitions.by_id:
            return False
        now = self._clock.now()
        profiles = self._store.profiles
        worked = False
        due = await profiles.next_lapse(definitions)
        if due is not None and due <= now:
            taken = await profiles.lapse(definitions, now, LAPSES)
            self._tell(taken)
            worked = taken.profiles > 0
        for each in await profiles.todo(definitions, now):
            worked |= await self._portion(each, definitions)
        return worked

    async def _portion(self, todo: Todo, definitions: Definitions) -> bool:
        """One portion; whether it did anything."""
        started, now = time.perf_counter(), self._clock.now()
        profiles = self._store.profiles
        if todo.destination_id is None:
            taken = await profiles.backfill(todo.definition_id, definitions, now, self._limit)
        else:
            place = (todo.definition_id, todo.destination_id)
            taken = await profiles.sync(place, definitions, now, self._limit)
        self._tell(taken)
        spent = time.perf_counter() - started
        if taken.profiles:
            wanted = int(self._limit * WANTED / max(spent, 0.001))
            self._limit = min(max(wanted, self._limit // 2, LEAST), self._limit * 2, MOST)
        return taken.profiles > 0 or taken.done

    def _tell(self, taken: Taken) -> None:
        if taken.made:
            self._made(set(taken.made))

    async def _sleep(self) -> None:
        """Until something may be due. Never for long: other processes make work, and the clock may be set."""
        seconds = IDLE
        if self._definitions is not None and self._definitions.by_id:
            due = await self._store.profiles.next_lapse(self._definitions)
            if due is not None:
                seconds = min(max((due - self._clock.now()) / 1000, 0.001), IDLE)
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
