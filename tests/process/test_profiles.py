"""Profiles follow the ledger: whatever goes wrong, and however far behind they are, each event is taken once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from conformance.rows import wanted
from plaudit import installation
from plaudit.clock import SystemClock
from plaudit.destinations.catalog import destinations
from plaudit.engage.identifiers import Identifier
from plaudit.errors import LostRaceError, UnavailableError
from plaudit.log.sqlite import SqliteLog
from plaudit.process import loop, profiles
from plaudit.process.loop import Processor
from plaudit.process.profiles import Follower, definitions_of
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import Store
from plaudit.store.profiles import Profiles, Taken
from support import until

ENTRIES = 120
FAULTS = [UnavailableError("full"), RuntimeError("anything"), LostRaceError("quicker")]


class TroubledProfiles:
    """They fail now and then, before or after they have taken a batch."""

    def __init__(self, real: Profiles, random: Random) -> None:
        self._real, self._random = real, random
        self.taken: list[int] = []  # events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def take(self, *given: Any) -> Taken:
        fault = self._random.choice(FAULTS) if self._random.random() < 0.2 else None
        if fault is not None and self._random.random() < 0.5:
            raise fault
        done = await self._real.take(*given)
        self.taken += [each.event_id for each in given[3]]
        if fault is not None:
            raise fault
        await asyncio.sleep(self._random.choice((0, 0, 0.02)))  # the ledger goes on meanwhile
        return done


class Troubled:
    """A store with such profiles."""

    def __init__(self, store: Store, random: Random) -> None:
        self._store = store
        self.profiles = TroubledProfiles(store.profiles, random)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class CountedLog:
    """How often it is read."""

    def __init__(self, log: SqliteLog) -> None:
        self._log = log
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    async def read(self, *given: Any) -> Any:
        self.reads += 1
        return await self._log.read(*given)


@pytest.fixture
async def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[SqliteLog, Store]]:
    for name, value in (("PATIENCE", 0.01), ("STALE", 0.01), ("EVENTS", 8), ("AT_HAND", 20), ("ENTRIES", 16)):
        monkeypatch.setattr(profiles, name, value)
    for name, value in (("EVENTS", 8), ("ENTRIES", 16)):
        monkeypatch.setattr(loop, name, value)
    store, log = installation.open_store(tmp_path, create=True), SqliteLog(tmp_path / "log.db")
    await store.apply(wanted(), now=500)
    yield log, store
    await log.close()
    await store.close()


async def append(log: SqliteLog, number: int, events: int) -> None:
    body = msgspec.json.encode({"event": "Viewed", "userId": "ann"})
    await log.append(Entry(1, 1000, [Envelope(f"m{number}-{n}", "track", 900, body) for n in range(events)]))


async def follow(
    log: Any, store: Any, followed: Any = None
) -> tuple[Processor, Follower, list[asyncio.Task[None]]]:
    configuration = await store.configuration()
    follower = Follower(0, followed or log, store, SystemClock(), lambda made: None)
    processor = Processor(0, log, store, SystemClock(), lambda made: None, follower.follow)
    follower.configure(definitions_of(configuration, destinations()))
    processor.configure(configuration, destinations())
    return processor, follower, [asyncio.create_task(each.run()) for each in (follower, processor)]


@pytest.mark.parametrize("seed", range(8))
async def test_each_event_once_and_in_order(parts: tuple[SqliteLog, Store], seed: int) -> None:
    log, store = parts
    random = Random(seed)
    troubled = Troubled(store, random)
    await append(log, -1, 3)
    processor, follower, running = await follow(log, troubled)
    sent = 3
    for number in range(ENTRIES):
        count = random.choice((1, 1, 1, 5, 12))
        await append(log, number, count)
        sent += count
        await asyncio.sleep(random.choice((0, 0, 0, 0.01)))

    async def done() -> bool:
        return await store.profiles.cursor(0) == await log.head(0)

    await until(done)
    for each in (follower, processor):
        each.stop()
    await asyncio.gather(*running)
    assert troubled.profiles.taken == sorted(set(troubled.profiles.taken))
    assert len(troubled.profiles.taken) == sent
    view = await store.profiles.person(
        Identifier("user_id", "ann"), definitions_of(await store.configuration(), {}), 0
    )
    assert view is not None
    assert view.facts == sent


async def test_who_keeps_up_does_not_read_what_the_ledger_has_read(parts: tuple[SqliteLog, Store]) -> None:
    log, store = parts
    counted = CountedLog(log)
    processor, follower, running = await follow(log, store, counted)

    async def done() -> bool:
        return await store.profiles.cursor(0) == await log.head(0)

    for number in range(10):
        await append(log, number, 2)
        await until(done)
    for each in (follower, processor):
        each.stop()
    await asyncio.gather(*running)
    assert counted.reads == 1  # the first time, since it could not know what it had missed
