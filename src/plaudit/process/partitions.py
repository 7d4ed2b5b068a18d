"""The partitions of the log that this process works on: one `Processor` each, kept in step with what is held.

Who works on what is the store's to say (`Store.join`); the cursor, which moves only from where it was read, keeps
two that both believe in a partition from doing anything twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from plaudit.clock import Clock
from plaudit.destinations.base import Destination
from plaudit.log.base import Log
from plaudit.observe import happenings
from plaudit.process.loop import Processor
from plaudit.store.base import Configuration, Store


class Partitions:
    """`configure`, then `hold`; `stop` ends all."""

    def __init__(self, log: Log, store: Store, clock: Clock, made: Callable[[set[int]], None]) -> None:
        self._log = log
        self._store = store
        self._clock = clock
        self._made = made
        self._configured: tuple[Configuration, dict[str, Destination]] | None = None
        self._holding = asyncio.Lock()
        self._running: dict[int, tuple[Processor, asyncio.Task[None]]] = {}

    @property
    def held(self) -> set[int]:
        return set(self._running)

    def configure(self, configuration: Configuration, kinds: dict[str, Destination]) -> None:
        self._configured = (configuration, kinds)
        for processor, _ in self._running.values():
            processor.configure(configuration, kinds)

    async def hold(self, partitions: set[int]) -> None:
        """Work on these and no others from now on. Raises `PlauditError`: log or store cannot be asked."""
        async with self._holding:  # two at once would start what the other one starts
            await self._hold(partitions)

    async def _hold(self, partitions: set[int]) -> None:
        for partition in self.held - partitions:
            self._running[partition][0].stop()
        for partition in self.held - partitions:
            await asyncio.shield(self._running[partition][1])  # it ends by itself, whoever waits
            self._running.pop(partition)
        for partition in sorted(partitions - self.held):
            await self._mend_log(partition)
            processor = Processor(partition, self._log, self._store, self._clock, self._made)
            if self._configured is not None:
                processor.configure(*self._configured)
            self._running[partition] = (
                processor,
                asyncio.create_task(processor.run(), name=f"process {partition}"),
            )

    async def stop(self) -> None:
        """Finish the batches in hand."""
        await self.hold(set())

    async def trim(self, before: int) -> None:
        """Let log entries go that were processed, and received before then (ms)."""
        for partition in sorted(self.held):
            await self._log.trim(partition, await self._store.cursor(partition), before)

    def faults(self) -> list[str]:
        """What keeps the work from going on."""
        found = [
            f"the step '{task.get_name()}' has ended" for _, task in self._running.values() if task.done()
        ]
        troubles = {processor.trouble for processor, _ in self._running.values() if processor.trouble}
        return found + [f"the step 'process' fails, and tries again: {said}" for said in sorted(troubles)]

    async def _mend_log(self, partition: int) -> None:
        """A log that was lost or restored is older than the cursor: what it takes next must not go unread."""
        head, cursor = await self._log.head(partition), await self._store.cursor(partition)
        if head < cursor:
            happenings.LogBehind(partition, head, cursor).emit()
            await self._log.advance(partition, cursor)
