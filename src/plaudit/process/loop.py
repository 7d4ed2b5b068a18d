"""The loop that moves a partition of the log into the ledger, batch by batch.

Invariant: the cursor moves in the transaction that holds a batch's effects, so a crash anywhere leaves all
of a batch or none of it; commits follow each other. It never gives up: on trouble it waits and reads again
from the stored cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from plaudit.clock import Clock
from plaudit.destinations.base import Destination
from plaudit.errors import LostRaceError, PlauditError
from plaudit.log.base import Log
from plaudit.observe import happenings
from plaudit.process.batch import batch_of
from plaudit.process.customers import Customers
from plaudit.process.plan import Routes, plan, routes
from plaudit.spec.envelope import Entry
from plaudit.store.base import Configuration, EventRow, Store

ENTRIES = 256  # read at a time
EVENTS = 256  # a batch; more do not make it faster, and keep the lanes waiting
BREATH = 32  # events planned between two looks at the event loop
IDLE = 1.0  # seconds
PATIENCE = 1.0  # seconds after trouble


class Followed(Protocol):
    """Hears what was taken: the entries after one position, up to another; `busy`: there is more to take."""

    def __call__(
        self, before: int, after: int, entries: Sequence[tuple[int, Entry]], *, busy: bool
    ) -> None: ...


class Processor:
    """One partition's loop. `made` is called with the ids of destinations that have new invitations.

    `followed` hears of each batch.
    """

    def __init__(
        self,
        partition: int,
        log: Log,
        store: Store,
        clock: Clock,
        made: Callable[[set[int]], None],
        followed: Followed = lambda before, after, entries, *, busy: None,  # noqa: ARG005 - nobody follows
    ) -> None:
        self._partition = partition
        self._log = log
        self._store = store
        self._clock = clock
        self._made = made
        self._followed = followed
        self._table: Routes = {}
        self._customers: Customers | None = None
        self._names: dict[int, str] = {}
        self._stopping = asyncio.Event()
        self._ahead: list[tuple[int, Entry]] = []  # read, and not planned yet
        self._committing: asyncio.Task[None] | None = None
        self.trouble = ""  # what went wrong at the last try, until one goes well

    def configure(self, configuration: Configuration, kinds: dict[str, Destination]) -> None:
        self._table = routes(configuration, kinds)
        self._customers = Customers(self._store.profiles, configuration, kinds)
        self._names = {d.id: d.name for d in configuration.destinations}

    def stop(self) -> None:
        """Finish the batch in hand, then return from `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`. While a batch is committed, the next one is planned."""
        cursor: int | None = None
        while not self._stopping.is_set():
            try:
                if cursor is None:
                    cursor = await self._store.cursor(self._partition)
                cursor = await self.step(cursor)
                self.trouble = ""
            except LostRaceError:
                self._forget()
                cursor = None
            except Exception as error:  # noqa: BLE001 - nothing may end this loop: what was accepted must come through
                self.trouble = str(error) if isinstance(error, PlauditError) else happenings.where(error)
                happenings.StepFailed("process", self.trouble, PATIENCE).emit()
                self._forget()
                cursor = None
                await asyncio.sleep(PATIENCE)
        with contextlib.suppress(PlauditError):  # not committed: read again at the next start
            await self._settle()

    async def step(self, cursor: int) -> int:
        """Plan what is after the cursor and begin to commit it, or wait a little for something to come; the new cursor."""
        if not self._ahead:
            self._ahead = await self._log.read(self._partition, cursor, ENTRIES)
        if not self._ahead:
            await self._settle()
            await self._wait(cursor)
            return cursor
        started = time.perf_counter()
        batch, self._ahead = batch_of(self._ahead, EVENTS)
        after = batch[-1][0]
        rows = await self._plan(batch)
        await self._settle()
        self._committing = asyncio.create_task(self._commit(cursor, batch, rows, started))
        return after

    async def _commit(
        self, before: int, batch: list[tuple[int, Entry]], rows: list[EventRow], started: float
    ) -> None:
        after = batch[-1][0]
        done = await self._store.commit(self._partition, before, after, rows, self._clock.now())
        if done.made:
            self._made(set(done.made))
        self._followed(before, after, batch, busy=bool(self._ahead))
        made = {self._names.get(id_, str(id_)): count for id_, count in done.made.items()}
        happenings.BatchProcessed(done.dispositions, made, time.perf_counter() - started).emit()

    async def _settle(self) -> None:
        """Wait for the commit under way. Raises what it raises."""
        if self._committing is not None:
            committing, self._committing = self._committing, None
            await committing

    def _forget(self) -> None:
        """After trouble: what was read and planned ahead counts for nothing, the stored cursor decides."""
        if self._committing is not None:
            self._committing.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._ahead, self._committing = [], None

    async def _plan(self, entries: list[tuple[int, Entry]]) -> list[EventRow]:
        """Rows for the whole batch; between a few of them, others get their turn (collect above all)."""
        rows: list[EventRow] = []
        breath = BREATH
        known = await self._customers.of(self._partition, entries) if self._customers is not None else None
        for position, entry in entries:
            for row in plan(self._partition, position, entry, self._table, known):
                rows.append(row)
                if len(rows) >= breath:
                    breath = len(rows) + BREATH
                    await asyncio.sleep(0)
        return rows

    async def _wait(self, cursor: int) -> None:
        waiting = asyncio.ensure_future(self._log.wait(self._partition, cursor, IDLE))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, stopping):
            task.cancel()
