"""The lanes, one a destination, kept in step with the configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from plaudit.clock import Clock
from plaudit.deliver.gate import Waits
from plaudit.deliver.lane import Lane
from plaudit.deliver.transport import Transport, transport_for
from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Settings
from plaudit.observe import happenings
from plaudit.store.base import BY_HAND, Configuration, ConfiguredDestination, Store

GRACE = 20.0  # seconds for what is in flight when Plaudit stops
RECOVERY = 30.0  # seconds between two looks for leases that ran out

MakeTransport = Callable[[Destination, Settings], Transport]


class Deliverer:
    """`configure` and `hold` start, replace and stop lanes; `stop` ends them all."""

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
        self._rows: dict[int, ConfiguredDestination] = {}
        self._version = 0
        self._held: set[int] | None = None if alone else set()  # None: all
        self._resend: list[int] = []

    async def configure(self, configuration: Configuration) -> None:
        """What there is to deliver to; `hold` says what of it is this process's."""
        self._version = configuration.version
        self._rows = {row.id: row for row in configuration.destinations if row.type in self._kinds}
        self._resend = [row.id for row in self._rows.values() if self._kinds[row.type].resends(row.settings)]
        self._arrange(nudge=True)

    def hold(self, destination_ids: set[int]) -> None:
        """Deliver to these and no others from now on."""
        self._held = destination_ids
        self._arrange()

    def _arrange(self, *, nudge: bool = False) -> None:
        """One lane for each destination that is held. One whose settings changed gets a new lane at once.

        The old one finishes what it has in flight meanwhile: a claim is one lane's alone, so they cannot meet.
        """
        wanted = {id_: row for id_, row in self._rows.items() if self._held is None or id_ in self._held}
        for id_, (lane, task) in list(self._lanes.items()):
            # What is known of pauses is as old as the configuration, so only a new one can tell that one has ended.
            if id_ not in wanted or not _same(lane, wanted[id_], fresh=nudge):
                del self._lanes[id_]
                ending = asyncio.create_task(_end(lane, task))
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
            elif nudge:
                lane.nudge(self._version)
        for id_, row in wanted.items():
            if id_ not in self._lanes:
                kind = self._kinds[row.type]
                transport = self._transport(kind, row.settings)
                lane = Lane(row, kind, self._store, transport, self._clock, self._owner, self._version)
                self._lanes[id_] = (lane, asyncio.create_task(lane.run(), name=f"lane {row.name}"))

    def waits(self, destination_id: int) -> Waits | None:
        """What its lane waits after. None: after nothing, or it is not this process's."""
        found = self._lanes.get(destination_id)
        return found[0].waits() if found is not None else None

    def faults(self) -> list[str]:
        """What keeps lanes from delivering, but for what their destinations answer."""
        lanes = [(lane.row.name, lane.trouble, task.done()) for lane, task in self._lanes.values()]
        ended = [f"the step 'deliver {name}' has ended" for name, _, done in lanes if done]
        return ended + [
            f"the step 'deliver {name}' fails, and tries again: {said}" for name, said, _ in lanes if said
        ]

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
        self.hold(set())
        await asyncio.gather(*self._ending)


async def _end(lane: Lane, task: asyncio.Task[None]) -> None:
    await lane.stop(GRACE)
    await task


def _same(lane: Lane, row: ConfiguredDestination, *, fresh: bool) -> bool:
    """Whether a lane can go on as it is: the same settings, and no pause that has ended or that a person has made."""
    if fresh and row.paused_reason == BY_HAND and not lane.paused:
        return False
    resumed = fresh and lane.paused and row.paused_at is None
    return (lane.row.type, lane.row.settings) == (row.type, row.settings) and not resumed
