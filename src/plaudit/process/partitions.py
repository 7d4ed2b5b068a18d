"""The partitions of the log that this process works on: one `Processor` each, and a `Follower` a step behind it.

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
from plaudit.process.profiles import Follower, definitions_of
from plaudit.store.base import Configuration, Store


class _Pair:
    """What works on one partition."""

    def __init__(
        self, partition: int, log: Log, store: Store, clock: Clock, made: Callable[[set[int]], None]
    ) -> None:
        self.follower = Follower(partition, log, store, clock, made)
        self.processor = Processor(partition, log, store, clock, made, self.follower.follow)
        self._partition = partition
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for name, step in (("process", self.processor), ("profiles", self.follower)):
            self.tasks.append(asyncio.create_task(step.run(), name=f"{name} {self._partition}"))

    def stop(self) -> None:
        self.processor.stop()
        self.follower.stop()


class Partitions:
    """`configure`, then `hold`; `stop` ends all."""

    def __init__(self, log: Log, store: Store, clock: Clock, made: Callable[[set[int]], None]) -> None:
        self._log = log
        self._store = store
        self._clock = clock
        self._made = made
        self._configured: tuple[Configuration, dict[str, Destination]] | None = None
        self._holding = asyncio.Lock()
        self._running: dict[int, _Pair] = {}

    @property
    def held(self) -> set[int]:
        return set(self._running)

    def configure(self, configuration: Configuration, kinds: dict[str, Destination]) -> None:
        self._configured = (configuration, kinds)
        for pair in self._running.values():
            self._tell(pair)

    async def hold(self, partitions: set[int]) -> None:
        """Work on these and no others from now on. Raises `PlauditError`: log or store cannot be asked."""
        async with self._holding:  # two at once would start what the other one starts
            await self._hold(partitions)

    async def _hold(self, partitions: set[int]) -> None:
        for partition in self.held - partitions:
            self._running[partition].stop()
        for partition in self.held - partitions:
            for task in self._running[partition].tasks:
                await asyncio.shield(task)  # it ends by itself, whoever waits
            self._running.pop(partition)
        for partition in sorted(partitions - self.held):
            await self._mend_log(partition)
            pair = _Pair(partition, self._log, self._store, self._clock, self._made)
            self._tell(pair)
            self._running[partition] = pair
            pair.start()

    def _tell(self, pair: _Pair) -> None:
        if self._configured is not None:
            pair.processor.configure(*self._configured)
            pair.follower.configure(definitions_of(*self._configured))

    async def stop(self) -> None:
        """Finish the batches in hand."""
        await self.hold(set())

    async def trim(self, before: int) -> None:
        """Let log entries go that were processed, and received before then (ms)."""
        for partition in sorted(self.held):
            cursors = (await self._store.cursor(partition), await self._store.profiles.cursor(partition))
            await self._log.trim(partition, min(cursors), before)

    def faults(self) -> list[str]:
        """What keeps the work from going on."""
        pairs = self._running.values()
        found = [
            f"the step '{task.get_name()}' has ended" for pair in pairs for task in pair.tasks if task.done()
        ]
        for name, troubles in (
            ("process", {pair.processor.trouble for pair in pairs}),
            ("profiles", {pair.follower.trouble for pair in pairs}),
        ):
            found += [f"the step '{name}' fails, and tries again: {said}" for said in sorted(troubles - {""})]
        return found

    async def _mend_log(self, partition: int) -> None:
        """A log that was lost or restored is older than the cursor: what it takes next must not go unread."""
        head, cursor = await self._log.head(partition), await self._store.cursor(partition)
        if head < cursor:
            happenings.LogBehind(partition, head, cursor).emit()
            await self._log.advance(partition, cursor)
