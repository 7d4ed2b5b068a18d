"""The lanes, one a destination, kept in step with the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from plaudit.clock import Clock
from plaudit.deliver.lane import Lane
from plaudit.deliver.transport import Transport, transport_for
from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Settings
from plaudit.observe import happenings
from plaudit.store.base import Configuration, ConfiguredDestination, Store

GRACE = 20.0  # seconds for what is in flight when Plaudit stops
RECOVERY = 30.0  # seconds between two looks for leases that ran out

MakeTransport = Callable[[Destination, Settings], Transport]


class Deliverer:
    """`configure` starts, replaces and stops lanes; `stop` ends them all."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        owner: str,
        kinds: dict[str, Destination],
        *,
        alone: bool,
        transport: MakeTransport = transport_for,
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._kinds = kinds
        self._alone = alone
        self._transport = transport
        self._lanes: dict[int, tuple[Lane, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._resend: list[int] = []

    async def configure(self, configuration: Configuration) -> None:
        """One lane for each destination. One whose settings changed gets a new lane at once.

        The old one finishes what it has in flight meanwhile: a claim is one lane's alone, so they cannot meet.
        """
        wanted = {row.id: row for row in configuration.destinations if row.type in self._kinds}
        self._resend = [row.id for row in wanted.values() if self._kinds[row.type].resends(row.settings)]
        for id_, (lane, _) in list(self._lanes.items()):
            if id_ not in wanted or not _same(lane, wanted[id_]):
                ending = asyncio.create_task(self._end(id_))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
            else:
                lane.nudge()
        await asyncio.sleep(0)  # so that they have begun to end
        for id_, row in wanted.items():
            if id_ not in self._lanes:
                kind = self._kinds[row.type]
                transport = self._transport(kind, row.settings)
                lane = Lane(row, kind, self._store, transport, self._clock, self._owner)
                self._lanes[id_] = (lane, asyncio.create_task(lane.run(), name=f"lane {row.name}"))

    def notify(self, destination_ids: set[int]) -> None:
        for id_ in destination_ids:
            if id_ in self._lanes:
                self._lanes[id_][0].notify()

    async def recover(self) -> None:
        """Settle what processes that are gone left in the middle of an attempt."""
        now = self._clock.now()
        count = await self._store.recover(self._owner, alone=self._alone, now=now, resend=self._resend)
        if count:
            happenings.Recovered(count).emit()
            self.notify(set(self._lanes))

    async def stop(self) -> None:
        await asyncio.gather(*(self._end(id_) for id_ in list(self._lanes)), *self._ending)

    async def _end(self, id_: int) -> None:
        lane, task = self._lanes.pop(id_)
        await lane.stop(GRACE)
        await task


def _same(lane: Lane, row: ConfiguredDestination) -> bool:
    """Whether a lane can go on as it is: the same settings, and no pause that applying the configuration has ended."""
    resumed = lane.paused and row.paused_at is None
    return (lane.row.type, lane.row.settings) == (row.type, row.settings) and not resumed
