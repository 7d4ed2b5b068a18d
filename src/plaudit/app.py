"""The composition root: what a running Plaudit consists of, and the order in which it starts and stops.

Start: store and log, then what dead processes left, then the steps from the vendor's end to the network's.
Stop: the other way round, so that nothing accepted waits on something that has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import msgspec

from plaudit import config as files
from plaudit.clock import Clock, SystemClock, write_key
from plaudit.collect.app import Collect
from plaudit.collect.inlets import Inlets
from plaudit.collect.partner import PLACE
from plaudit.collect.sources import Sources
from plaudit.config import Config
from plaudit.deliver.deliverer import RECOVERY, Deliverer
from plaudit.destinations.base import ATTENTION
from plaudit.destinations.catalog import destinations
from plaudit.errors import DataError, InUseError, PlauditError
from plaudit.log.sqlite import SqliteLog
from plaudit.manage.health import create_app
from plaudit.observe import happenings, metrics
from plaudit.process.loop import Processor
from plaudit.secrets import vault
from plaudit.serving import HttpServer
from plaudit.store.base import Configuration, Store, Wanted
from plaudit.store.sqlite import SqliteStore

DAY_MS = 24 * 3600 * 1000
ROLES = frozenset({"collect", "process", "deliver"})
WATCH_SECONDS = 0.75  # how soon an `apply` reaches this process
HOUSEKEEPING_SECONDS = 600.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What `plaudit serve` takes."""

    data: Path = Path("plaudit-data")
    host: str = "127.0.0.1"
    port: int = 8710
    config: Path | None = None
    keep_days: int = 30  # events and their message ids; the ledger is kept for ever
    roles: frozenset[str] = ROLES


def installed(data: Path) -> bool:
    """Whether there is an installation in this directory."""
    return (data / "store.db").exists()


def open_store(data: Path, *, create: bool = False) -> Store:
    """The store of an installation. Raises `DataError`: there is none."""
    if not create and not installed(data):
        raise DataError(
            f"there is no installation in {data}: name its directory with --data, or make one with 'plaudit serve'"
        )
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DataError(f"cannot make the directory {data}: {error.strerror}") from None
    return SqliteStore(data / "store.db", vault(data))


def open_log(data: Path) -> SqliteLog:
    """The log of an installation, for a command that reads or appends while a server may run."""
    return SqliteLog(data / "log.db")


async def readable(store: Store) -> Configuration | None:
    """The configuration in place; None when the key that it was sealed with is lost, which applying one mends."""
    try:
        return await store.configuration()
    except DataError:
        return None


async def apply(store: Store, config: Config, now: int) -> Configuration:
    """Put a configuration in place. A source without a write key keeps the one it has, or gets a new one."""
    now_there = await readable(store)
    known = {source.name: source.write_key for source in now_there.sources} if now_there else {}
    return await store.apply(
        Wanted(
            sources={
                name: s.write_key or known.get(name) or write_key() for name, s in config.sources.items()
            },
            destinations={name: (d.type, d.settings, d.sources) for name, d in config.destinations.items()},
        ),
        now,
    )


def exported(configuration: Configuration) -> Config:
    """The configuration of an installation, as a file would say it."""
    names = {source.id: source.name for source in configuration.sources}
    return Config(
        sources={source.name: files.SourceConfig(source.write_key) for source in configuration.sources},
        destinations={
            d.name: files.DestinationConfig(
                d.type,
                sorted(names[s] for s, to in configuration.connections if to == d.id and s in names),
                d.settings,
            )
            for d in configuration.destinations
        },
    )


class Plaudit:
    """One process with some or all roles on one data directory. `start`, then `stop` once.

    Any number of processes may collect; one processes and one delivers.
    """

    def __init__(self, options: Options, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._kinds = destinations()
        self._roles = options.roles
        self._locks = [_lock(options.data, role) for role in sorted(options.roles - {"collect"})]
        self.store: Store = open_store(options.data, create=True)
        self._log = SqliteLog(options.data / "log.db", quiet=1.0 if "collect" in options.roles else 0.1)
        self._sources = Sources()
        self._inlets = Inlets()
        owner = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._deliverer = Deliverer(self.store, self._clock, owner, self._kinds, alone=True)
        self._processor = Processor(0, self._log, self.store, self._clock, self._deliverer.notify)
        self._http = HttpServer(self._app(), options.host, options.port)
        self._version = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._steps: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        return self._http.url

    async def start(self, config: Config | None = None) -> None:
        """Apply `config`, if given, and begin. Raises `PlauditError`: why it cannot."""
        if config is not None:
            await apply(self.store, config, self._clock.now())
        self._http.bind()
        await self._configure()
        self._repeat(WATCH_SECONDS, "watch configuration", self._watch)
        if "deliver" in self._roles:
            await self._deliverer.recover()
            self._repeat(RECOVERY, "recover", self._deliverer.recover)
        if "process" in self._roles:
            await self._mend_log()
            self._steps = [asyncio.create_task(self._processor.run(), name="process")]
            self._repeat(HOUSEKEEPING_SECONDS, "housekeeping", self._keep_house)
        await self._http.start()
        happenings.Listening(self.url, str(self._options.data)).emit()

    async def stop(self) -> None:
        """Stop cleanly: requests are answered, the batch in hand is committed, attempts in flight are recorded."""
        happenings.Stopping().emit()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.stop()
        self._processor.stop()
        await asyncio.gather(*self._steps)
        await self._deliverer.stop()
        await self._log.close()
        await self.store.close()
        for lock in self._locks:
            lock.close()

    async def _mend_log(self) -> None:
        """A log that was lost or restored is older than the cursor: what it takes next must not go unread."""
        head, cursor = await self._log.head(0), await self.store.cursor(0)
        if head < cursor:
            happenings.LogBehind(head, cursor).emit()
            await self._log.advance(0, cursor)

    def _repeat(self, seconds: float, name: str, step: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(_every(seconds, name, step), name=name))

    def _app(self) -> Any:
        others = create_app(self._faults, self._measure)
        if "collect" not in self._roles:
            return others
        collect = Collect(self._log, self._sources, self._inlets, self._clock)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (collect if scope["path"].startswith(("/v1/", PLACE)) else others)(scope, receive, send)

        return app

    async def _faults(self) -> list[str]:
        """What keeps this process from being ready."""
        faults = [f"the step '{task.get_name()}' has ended" for task in self._steps if task.done()]
        if self._processor.trouble:
            faults.append(f"the step 'process' fails, and tries again: {self._processor.trouble}")
        try:
            await self.store.config_version()
        except PlauditError as error:
            faults.append(f"store: {error}")
        return faults

    async def _measure(self) -> None:
        """What is looked up when metrics are asked for."""
        with contextlib.suppress(PlauditError):
            metrics.log_lag.set(max(await self._log.head(0) - await self.store.cursor(0), 0))
            for destination, states in (await self.store.attention()).items():
                for state in ATTENTION:
                    metrics.attention.labels(destination, state).set(states.get(state, 0))

    async def _watch(self) -> None:
        if await self.store.config_version() != self._version:
            await self._configure()

    async def _configure(self) -> None:
        configuration = await self.store.configuration()
        self._version = configuration.version
        self._sources.configure(configuration)
        self._inlets.configure(configuration, self._kinds)
        self._processor.configure(configuration, self._kinds)
        if "deliver" in self._roles:
            await self._deliverer.configure(configuration)
        happenings.ConfigurationLoaded(
            configuration.version, len(configuration.sources), len(configuration.destinations)
        ).emit()

    async def _keep_house(self) -> None:
        """Let old events go, and log entries that have been processed."""
        before = self._clock.now() - self._options.keep_days * DAY_MS
        await self._log.trim(0, await self.store.cursor(0), before)
        await self.store.prune(before)


async def _every(seconds: float, name: str, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await step()
        except PlauditError as error:
            happenings.StepFailed(name, str(error), seconds).emit()


def _lock(data: Path, role: str) -> IO[bytes]:
    """Hold a role on the data directory for this process. Raises `InUseError`."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (data / f"{role}.lock").open("ab")
    except OSError as error:
        raise DataError(f"cannot use {data}: {error.strerror}") from None
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    file.close()
    raise InUseError(
        f"another 'plaudit serve' works on {data} (role {role}): stop it, choose another --data, or another --role"
    )
