"""The composition root: what a running Plaudit consists of, and the order in which it starts and stops.

Start: store and log, then what dead processes left, then the steps from the vendor's end to the network's.
Stop: the other way round, so that nothing accepted waits on something that has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from starlette.routing import BaseRoute

from plaudit.clock import Clock, SystemClock
from plaudit.collect.app import Collect
from plaudit.collect.inlets import Inlets
from plaudit.collect.partner import PLACE
from plaudit.collect.sources import Sources
from plaudit.config import Config
from plaudit.console import app as console
from plaudit.deliver.deliverer import RECOVERY, Deliverer
from plaudit.destinations.base import ATTENTION
from plaudit.destinations.catalog import destinations
from plaudit.errors import PlauditError
from plaudit.installation import DATA, Place, apply, checked, lock, open_log, open_store
from plaudit.manage import calls, health
from plaudit.manage.app import create_app
from plaudit.manage.context import Context
from plaudit.observe import happenings, metrics
from plaudit.process.partitions import Partitions
from plaudit.process.profiles import definitions_of
from plaudit.process.timer import Timer
from plaudit.serving import HttpServer

DAY_MS = 24 * 3600 * 1000
ROLES = frozenset({"collect", "process", "deliver", "console"})
WATCH_SECONDS = 0.75  # how soon an `apply` reaches this process
HOUSEKEEPING_SECONDS = 600.0
SHARE_SECONDS = 1.0  # how often processes of a cluster divide the work anew
LEASE_SECONDS = 5.0  # after which the work of one that is gone is taken over
SHARED_RECOVERY = 3.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What `plaudit serve` takes."""

    data: Path = DATA
    store: str = ""
    log: str = ""
    host: str = "127.0.0.1"
    port: int = 8710
    config: Path | None = None
    keep_days: int = 30  # events and their message ids; the ledger is kept for ever
    keep_facts_days: int = 1095  # what profiles did: as far back as Segment looks (segment.md 6.4)
    roles: frozenset[str] = ROLES

    @property
    def place(self) -> Place:
        return checked(Place(self.data, self.store, self.log))


class Plaudit:
    """One process with some or all roles. `start`, then `stop` once.

    On a data directory any number of processes may collect and serve the console; one processes and one delivers. In a cluster any
    number does anything: the store divides the partitions of the log, and the destinations, among them.
    """

    def __init__(self, options: Options, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._kinds = destinations()
        self._roles = options.roles
        self._shared = options.place.shared
        held = () if self._shared else sorted(options.roles - {"collect", "console"})
        self._locks = [lock(options.data, role) for role in held]
        self.store = open_store(options.place, create=True)
        self._log = open_log(options.place, quiet=1.0 if "collect" in options.roles else 0.1)
        self._sources = Sources()
        self._inlets = Inlets()
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        alone = not self._shared
        self._deliverer = Deliverer(self.store, self._clock, self._owner, self._kinds, alone=alone)
        self._partitions = Partitions(self._log, self.store, self._clock, self._deliverer.notify)
        self._timer = Timer(self.store, self._clock, self._deliverer.notify)
        self._context = Context(
            self.store, self._clock, self._kinds, self._log, self._faults, self._deliverer.waits
        )
        self._http = HttpServer(self._app(), options.host, options.port)
        self._version = 0
        self._lanes: list[int] = []
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._timing: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return self._http.url

    async def set_up_link(self) -> str | None:
        """The address where the first person makes themselves known; None when there is somebody."""
        link = await self._context.sessions.link() if "console" in self._roles else None
        return link and f"{self.url}/set-up?link={link}"

    async def start(self, config: Config | None = None) -> None:
        """Apply `config`, if given, and begin. Raises `PlauditError`: why it cannot."""
        if config is not None:
            await apply(self.store, config, self._clock.now())
        self._http.bind()
        await self._log.open()
        await self._configure()
        self._repeat(WATCH_SECONDS, "watch configuration", self._watch)
        if "deliver" in self._roles:
            await self._deliverer.recover()
            self._repeat(SHARED_RECOVERY if self._shared else RECOVERY, "recover", self._deliverer.recover)
        await self._share()
        if self._shared:
            self._repeat(SHARE_SECONDS, "share", self._share)
            self._repeat(SHARE_SECONDS, "listen", self._listen)
        if "process" in self._roles:
            self._timing = asyncio.create_task(self._timer.run(), name="timer")
            self._repeat(HOUSEKEEPING_SECONDS, "housekeeping", self._keep_house)
        await self._http.start()
        happenings.Listening(self.url, str(self._options.place)).emit()

    async def stop(self) -> None:
        """Stop cleanly: requests are answered, the batch in hand is committed, attempts in flight are recorded."""
        happenings.Stopping().emit()
        self._context.closing.set()
        self._stopping = True
        sharing = [task for task in self._tasks if task.get_name() == "share"]
        await _cancelled([task for task in self._tasks if task not in sharing])
        await self._http.stop()
        await self._partitions.stop()
        self._timer.stop()
        if self._timing is not None:
            await self._timing
        await self._deliverer.stop()
        await _cancelled(
            sharing
        )  # until now it says that this process lives: what is in flight is not abandoned
        with contextlib.suppress(PlauditError):  # others take over when the time has passed
            await self.store.leave(self._owner)
        await self._log.close()
        await self.store.close()
        for held in self._locks:
            held.close()

    def _repeat(self, seconds: float, name: str, step: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(_every(seconds, name, step), name=name))

    def _app(self) -> Any:
        pages = "console" in self._roles
        if pages:
            others = create_app(self._context, self.routes(), console.shown)
        else:
            others = health.create_app(self._faults, self._measure)
        if "collect" not in self._roles:
            return others
        collect = Collect(self._log, self._sources, self._inlets, self._clock)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (collect if _is_collected(scope, pages) else others)(scope, receive, send)

        return app

    def routes(self) -> list[BaseRoute]:
        """What a process with the role console serves beside `/v1/`; each says who may use it."""
        return [*health.routes(self._faults, self._measure), *calls.routes(), *console.routes()]

    async def _faults(self) -> list[str]:
        """What keeps this process from being ready."""
        faults = self._partitions.faults() + self._deliverer.faults()
        if self._timer.trouble:
            faults.append(f"the step 'timer' fails, and tries again: {self._timer.trouble}")
        if "collect" in self._roles <= {"collect", "console"}:
            return faults  # it goes on while the store is away, and must get requests for that
        try:
            await self.store.config_version()
        except PlauditError as error:
            faults.append(f"store: {error}")
        return faults

    async def _measure(self) -> None:
        """What is looked up when metrics are asked for."""
        with contextlib.suppress(PlauditError):
            lag = 0
            for partition in range(self._log.partitions):
                lag += max(await self._log.head(partition) - await self.store.cursor(partition), 0)
            metrics.log_lag.set(lag)
            for destination, states in (await self.store.attention()).items():
                for state in ATTENTION:
                    metrics.attention.labels(destination, state).set(states.get(state, 0))

    async def _watch(self) -> None:
        if await self.store.config_version() != self._version:
            await self._configure()
            await self._share()

    async def _configure(self) -> None:
        configuration = await self.store.configuration()
        self._version = configuration.version
        self._sources.configure(configuration)
        self._inlets.configure(configuration, self._kinds)
        self._partitions.configure(configuration, self._kinds)
        definitions = definitions_of(configuration, self._kinds)
        self._timer.configure(definitions)
        for key, fault in definitions.faults.items():
            happenings.StepFailed(f"evaluate {key}", fault, 0).emit()
        self._lanes = [row.id for row in configuration.destinations]
        if "deliver" in self._roles:
            await self._deliverer.configure(configuration)
        happenings.ConfigurationLoaded(
            configuration.version, len(configuration.sources), len(configuration.destinations)
        ).emit()

    async def _share(self) -> None:
        """Work on what is this process's to work on. Embedded, that is everything."""
        if "process" in self._roles:
            mine = await self._mine("process", range(self._log.partitions))
            if not self._stopping:
                await self._partitions.hold(mine)
        if "deliver" in self._roles:
            mine = await self._mine("lane", self._lanes)
            if not self._stopping:
                self._deliverer.hold(mine)

    async def _mine(self, what: str, numbers: Any) -> set[int]:
        resources = [f"{what}:{number}" for number in numbers]
        mine = await self.store.join(self._owner, what, resources, LEASE_SECONDS)
        return {int(resource.partition(":")[2]) for resource in mine}

    async def _listen(self) -> None:
        await self.store.listen(self._deliverer.notify)

    async def _keep_house(self) -> None:
        """Let old events go, and log entries that have been processed."""
        before = self._clock.now() - self._options.keep_days * DAY_MS
        await self._partitions.trim(before)
        if 0 in self._partitions.held:  # one process of many
            await self.store.prune(before)
            await self.store.profiles.prune(self._clock.now() - self._options.keep_facts_days * DAY_MS)
            await self.store.access.prune(self._clock.now() - calls.KEPT_MS)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _is_collected(scope: Any, pages: bool) -> bool:
    """Whether a request is collect's. Segment posts to a destination's name; its pages are at that name, and under it."""
    path: str = scope["path"]
    if not path.startswith(PLACE):
        return path.startswith("/v1/")
    return not pages or (scope["method"] not in ("GET", "HEAD") and "/" not in path[len(PLACE) :])


async def _every(seconds: float, name: str, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - nothing may end what is done again and again
            said = str(error) if isinstance(error, PlauditError) else happenings.where(error)
            happenings.StepFailed(name, said, seconds).emit()
