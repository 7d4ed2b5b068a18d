"""The JetStream log while servers are killed, paused, restarted or away: what was acknowledged stays, once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Self

import pytest

from conformance.log import entry
from natsd import Node, Servers, until_async
from plaudit.errors import UnavailableError
from plaudit.log.jetstream import JetStreamLog
from plaudit.log.jetstream import log as module
from plaudit.spec.envelope import Entry, Envelope
from support import free_port

PARTITIONS = 4
_names = (f"F{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("shaken")) as servers:
        yield servers


@pytest.fixture
async def servers(shaken: Servers) -> Servers:
    """All three of them, well before each test."""
    for node in shaken.nodes:
        if node.running:
            node.resume()
    await asyncio.to_thread(shaken.start)
    return shaken


class Traffic:
    """Appends without end, from several at once; and a reader of every partition."""

    def __init__(self, log: JetStreamLog, reading: JetStreamLog) -> None:
        self._log = log
        self._reading = reading
        self._numbers = itertools.count()
        self.acknowledged: dict[str, int] = {}  # message id: position
        self.refused = 0
        self.slowest = 0.0
        self.read: dict[int, list[tuple[int, str]]] = {n: [] for n in range(PARTITIONS)}
        self._tasks: list[asyncio.Task[None]] = []
        self._stop = False

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._append(1 if n else 20)) for n in range(8)]
        self._readers = [asyncio.create_task(self._follow(n)) for n in range(PARTITIONS)]
        await self.goes_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)
        with contextlib.suppress(AssertionError):  # `check` says it better
            await until_async(lambda: not self.missing(), "all is read", 30)
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def goes_on(self, count: int = 200, seconds: float = 40) -> float:
        """Wait for that many more to be acknowledged; how long it took."""
        started, before = time.monotonic(), len(self.acknowledged)
        await until_async(lambda: len(self.acknowledged) >= before + count, "appends go on", seconds)
        return time.monotonic() - started

    async def _append(self, size: int) -> None:
        while not self._stop:
            names = [f"m{next(self._numbers)}" for _ in range(size)]
            started = time.monotonic()
            try:
                position = await self._log.append(
                    Entry(1, 1000, [Envelope(name, "track", 5, b"{}") for name in names])
                )
                self.acknowledged |= dict.fromkeys(names, position)
            except UnavailableError:
                self.refused += 1
            self.slowest = max(self.slowest, time.monotonic() - started)

    async def _follow(self, partition: int) -> None:
        after = 0
        while True:
            try:
                found = await self._reading.read(partition, after, 50)
                for position, each in found:
                    assert position > after
                    after = position
                    self.read[partition] += [(position, envelope.message_id) for envelope in each.events]
                if not found:
                    await self._reading.wait(partition, after, 5)
            except UnavailableError:
                await asyncio.sleep(0.1)

    def missing(self) -> set[str]:
        """Acknowledged, and not read."""
        return set(self.acknowledged) - {name for read in self.read.values() for _, name in read}

    async def check(self, log: JetStreamLog) -> None:
        """All that was acknowledged is there once; and the reader met just what is there, in order."""
        assert not self.missing()
        there: Counter[str] = Counter()
        for number in range(PARTITIONS):
            found, after = [], 0
            while batch := await log.read(number, after, 1000):
                found += [(position, each.message_id) for position, e in batch for each in e.events]
                after = batch[-1][0]
            assert found[: len(self.read[number])] == self.read[number]
            there.update(name for _, name in found)
        assert set(self.acknowledged) <= set(there)
        assert set(there.values()) == {1}


@contextlib.asynccontextmanager
async def traffic(servers: Servers, nodes: list[Node] | None = None) -> AsyncIterator[tuple[Traffic, str]]:
    """Traffic on a new stream, checked when it is over; and the stream's name."""
    stream = next(_names)
    url = servers.url(f"stream={stream}", nodes=nodes)
    log, reading = (JetStreamLog(url, partitions=PARTITIONS) for _ in range(2))
    async with Traffic(log, reading) as under_way:
        yield under_way, stream
    checking = JetStreamLog(servers.url(f"stream={stream}"), partitions=PARTITIONS)
    await until_async(lambda: all(node.running for node in servers.nodes), "all run again")
    await under_way.check(checking)
    for each in (log, reading, checking):
        await each.close()


async def test_the_leader_is_killed(servers: Servers) -> None:
    async with traffic(servers) as (under_way, stream):
        for _ in range(2):
            leader = await asyncio.to_thread(servers.leader, stream)
            leader.kill()
            print(f"goes on after {await under_way.goes_on():.1f} s")
            await asyncio.to_thread(servers.start)
            await under_way.goes_on()
    assert under_way.slowest < module.PATIENCE + 2


@pytest.mark.parametrize("which", ["leader", "other", "only known"])
async def test_a_server_stands_still(servers: Servers, which: str) -> None:
    known = [servers.nodes[0]] if which == "only known" else None
    async with traffic(servers, known) as (under_way, stream):
        leader = await asyncio.to_thread(servers.leader, stream)
        others = [node for node in servers.nodes if node is not leader]
        node = {"leader": leader, "other": others[0], "only known": servers.nodes[0]}[which]
        node.pause()
        try:
            if known:
                await until_async(lambda: under_way.refused >= 8, "appends are refused")
            else:
                print(f"goes on after {await under_way.goes_on():.1f} s")
        finally:
            node.resume()
        await under_way.goes_on()
    assert under_way.slowest < module.PATIENCE + 3


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_all_servers_go_and_come_back(servers: Servers, how: str) -> None:
    async with traffic(servers) as (under_way, _):
        for node in servers.nodes:
            node.kill() if how == "kill" else node.stop()
        before = under_way.refused
        await until_async(lambda: under_way.refused >= before + 8, "appends are refused", 20)
        await asyncio.to_thread(servers.start)
        await under_way.goes_on()
    assert under_way.slowest < module.PATIENCE + 2


async def test_a_process_starts_while_servers_are_away() -> None:
    log = JetStreamLog(f"nats://user:secret@127.0.0.1:{free_port()},localhost:{free_port()}", patience=0.5)
    for work in (log.open(), log.append(entry()), log.read(0, 0, 1), log.head(0), log.trim(0, 1, 1)):
        started = time.monotonic()
        with pytest.raises(
            UnavailableError, match=r"the log is not available: .*127\.0\.0\.1:\d+: .*"
        ) as error:
            await work
        assert "secret" not in str(error.value)
        assert time.monotonic() - started < 3
    await asyncio.wait_for(log.wait(0, 0, 0.1), 3)
    await log.close()


async def test_what_cannot_be_sent_does_not_fill_memory(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1_000_000)
    log = JetStreamLog(servers.url(f"stream={next(_names)}"), patience=3)
    await log.append(entry())
    for node in servers.nodes:
        node.pause()
    try:
        started = time.monotonic()
        appending = [asyncio.create_task(log.append(entry(n, size=10_000))) for n in range(1000)]
        await asyncio.sleep(0.2)
        assert sum(task.done() for task in appending) >= 900
        results = await asyncio.gather(*appending, return_exceptions=True)
        assert all(isinstance(each, UnavailableError) for each in results)
        assert time.monotonic() - started < 8
    finally:
        for node in servers.nodes:
            node.resume()
    await until_async(lambda: all(node.healthy for node in servers.nodes), "they are well")
    while True:
        with contextlib.suppress(UnavailableError):
            assert await log.append(entry(5000))
            break
    await log.close()
