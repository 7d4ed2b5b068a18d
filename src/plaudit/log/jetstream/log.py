"""The log in a JetStream stream: a subject a partition, a message for each partition that a request touches.

Invariant: `append` returns after a majority of servers has every one of its messages on disk. A position is a
sequence of the stream, so positions grow in each partition, with gaps; a partition is a subject. Reading keeps
nothing at the servers: each read asks for what is after a position, so there is no consumer that could be lost.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import uuid

import msgspec
from nats.aio.msg import Msg

from plaudit.errors import ConfigError, DataError, PlauditError, UnavailableError
from plaudit.log.jetstream import reading
from plaudit.log.jetstream.answers import Answer, Refused, Trouble, understood
from plaudit.log.jetstream.link import Link
from plaudit.log.jetstream.reading import Found
from plaudit.log.jetstream.session import Session
from plaudit.log.jetstream.settings import parse
from plaudit.log.jetstream.split import Piece, pieces
from plaudit.log.jetstream.stream import API_SECONDS, info
from plaudit.spec.envelope import PARTITIONS, Entry, decode

PATIENCE = 5.0  # seconds that an append goes on trying; then whoever sent the events sends them again
ATTEMPT = 2.0  # seconds for one try
MOST_BYTES = 64 * 1024 * 1024  # sent, and not acknowledged yet
MOST_MESSAGES = 20_000
LOOK = 1.0  # seconds between looks for what a waiting reader was not told of
TRIM = 256  # entries at a time
LAGS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064)  # seconds that a server may be behind its leader
SKIP = 1000  # positions skipped at a time
MOST_SKIPPED = 1_000_000


class _Stored(Answer):
    seq: int = 0


class _Purged(Answer):
    purged: int = 0


_decode_stored = msgspec.json.Decoder(_Stored).decode
_decode_purged = msgspec.json.Decoder(_Purged).decode


class JetStreamLog:
    """See `Log`. What the URL may say is in settings.py."""

    def __init__(self, url: str, *, partitions: int = 16, patience: float = PATIENCE) -> None:
        """Connects when it is first used. Raises `ConfigError`: what is wrong with the URL."""
        if not 1 <= partitions <= PARTITIONS:
            raise ConfigError(f"a log has from 1 to {PARTITIONS} partitions")
        self.partitions = partitions
        self._settings = parse(url, os.environ)
        self._link = Link(self._settings, partitions)
        self._patience = patience
        self._run, self._numbers = uuid.uuid4().hex, itertools.count()
        self._newest = dict.fromkeys(range(partitions), 0)  # positions that are known to be there
        self._barren: dict[int, tuple[int, int]] = {}  # (after, through): positions without entries
        self._watched: dict[int, tuple[Session, asyncio.Future[Msg]]] = {}
        self._messages = self._bytes = 0  # on their way
        self._settled = asyncio.Event()
        self._closed = False

    async def open(self) -> None:
        """Connect, and look at the stream and its servers.

        Raises `ConfigError`: they cannot keep what a 200 promises. `UnavailableError`: they are away.
        """
        await self._link.persist(reading.nothing, patience=self._patience, attempt=ATTEMPT)

    async def append(self, entry: Entry) -> int:
        if self._closed:
            raise UnavailableError("the log is closed")
        size = sum(len(each.body) for each in entry.events)
        count = min(len(entry.events), self.partitions)
        if self._bytes + size > MOST_BYTES or self._messages + count > MOST_MESSAGES:
            raise UnavailableError(f"{self._messages} messages wait for the log to take them", retry_after=1)
        self._bytes += size
        self._messages += count
        try:
            return await self._append(entry)
        finally:
            self._bytes -= size
            self._messages -= count
            if not self._messages:
                self._settled.set()

    async def _append(self, entry: Entry) -> int:
        session = self._link.ready or await self._ready()
        messages = pieces(entry, self.partitions, session.limit)
        name = f"{self._run}-{next(self._numbers)}"
        if len(messages) == 1:
            return await self._put(messages[0], name)
        puts = (self._put(each, f"{name}-{number}") for number, each in enumerate(messages))
        done = await asyncio.gather(*puts, return_exceptions=True)
        if failed := [each for each in done if isinstance(each, BaseException)]:
            raise failed[0]
        return max(each for each in done if isinstance(each, int))

    async def _ready(self) -> Session:
        """A connection. What keeps the log from being used is a 503, whatever it is."""
        try:
            return await self._link.persist(reading.nothing, patience=self._patience, attempt=ATTEMPT)
        except ConfigError as error:
            raise UnavailableError(str(error), retry_after=60) from None

    async def _put(self, piece: Piece, name: str) -> int:
        """Store a message; its position. However often it is sent, it is stored once: servers know its name."""
        subject = f"{self._settings.subjects}.events.{piece.partition}"
        headers = {"Nats-Msg-Id": name, "Nats-Expected-Stream": self._settings.stream}

        async def publish(session: Session, seconds: float) -> int:
            answer = await session.request(subject, piece.body, seconds=seconds, headers=headers)
            return _decode_stored(understood(answer).data).seq

        position = await self._link.persist(publish, patience=self._patience, attempt=ATTEMPT)
        self._newest[piece.partition] = max(self._newest[piece.partition], position)
        return position

    async def read(self, partition: int, after: int, limit: int) -> list[tuple[int, Entry]]:
        entries: list[tuple[int, Entry]] = []
        lags, start = iter(LAGS), after
        while not entries:
            found = await self._found(partition, after, limit)
            entries = [(position, decode(body)) for position, body in found if body]
            if found:
                after = found[-1][0]
            elif self._newest[partition] <= after:
                break
            elif (lag := next(lags, None)) is not None:  # who answered has not heard of it yet
                await asyncio.sleep(lag)
            else:
                self._newest[partition] = await self._next(partition, after)
                break
        if not entries:
            self._barren[partition] = (start, after)
        return entries

    async def _found(self, partition: int, after: int, limit: int) -> list[Found]:
        async def batch(session: Session, seconds: float) -> list[Found]:
            return await reading.batch(session, self._settings, partition, after, limit, seconds)

        return await self._link.persist(batch, patience=self._patience * 2, attempt=API_SECONDS)

    async def _next(self, partition: int, after: int) -> int:
        """The position of the first message after one, as the leader has it; 0: there is none."""

        async def ask(session: Session, seconds: float) -> int:
            return await reading.following(session, self._settings, partition, after, seconds)

        return await self._link.persist(ask, patience=self._patience, attempt=ATTEMPT)

    async def head(self, partition: int) -> int:
        async def ask(session: Session, seconds: float) -> int:
            return await reading.last(session, self._settings, partition, seconds)

        position = await self._link.persist(ask, patience=self._patience, attempt=ATTEMPT)
        self._newest[partition] = max(self._newest[partition], position)
        return position

    async def wait(self, partition: int, after: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        low, high = self._barren.get(partition, (0, 0))
        after = high if low <= after <= high else after
        while self._newest[partition] <= after and (left := deadline - loop.time()) > 0:
            session = None
            try:
                session = await self._link.session(left)
                told = await self._watch(session, partition)
                await self._look(session, partition, after)
            except (Trouble, Refused, PlauditError) as error:
                if session is not None and isinstance(error, Trouble):
                    self._link.doubt(session, error)
                await asyncio.sleep(min(LOOK, max(deadline - loop.time(), 0)))
                continue
            if self._newest[partition] <= after:
                await asyncio.wait((told,), timeout=min(LOOK, max(deadline - loop.time(), 0)))
            if told.done():
                self._newest[partition] = max(self._newest[partition], reading.position(told.result()))

    async def _watch(self, session: Session, partition: int) -> asyncio.Future[Msg]:
        """Done when the next message is stored. Those who wait for the same partition wait for the same future."""
        watched, told = self._watched.get(partition, (None, None))
        if told is None or watched is not session or told.done():
            told = await reading.told(session, self._settings, partition)
            self._watched[partition] = (session, told)
        return told

    async def _look(self, session: Session, partition: int, after: int) -> None:
        """Whether something came that nobody was told of: before it was asked to be, or while there was no leader."""
        position = await reading.following(session, self._settings, partition, after, ATTEMPT)
        self._newest[partition] = max(self._newest[partition], position)

    async def trim(self, partition: int, through: int, before: int) -> int:
        gone, done, newest = 0, 0, await self.head(partition)
        while done < through:  # the first that is young ends it
            entries = await self.read(partition, done, TRIM)
            old = list(itertools.takewhile(lambda e: e[0] <= through and e[1].received_at < before, entries))
            if not old:
                break
            done = old[-1][0]
            # The newest stays: it is what tells how far the partition has come.
            gone += await self._purge(f"events.{partition}", min(done + 1, newest))
            if len(old) < len(entries):
                break
        return gone

    async def _purge(self, subject: str, below: int) -> int:
        body = msgspec.json.encode({"filter": f"{self._settings.subjects}.{subject}", "seq": below})

        async def purge(session: Session, seconds: float) -> int:
            api = f"$JS.API.STREAM.PURGE.{self._settings.stream}"
            return _decode_purged(understood(await session.request(api, body, seconds=seconds)).data).purged

        return await self._link.persist(purge, patience=self._patience * 2, attempt=API_SECONDS)

    async def advance(self, partition: int, position: int) -> None:
        """See `Log`. Positions that were lost are skipped by messages without content, so this takes a while.

        Raises `DataError`: too many were lost for that; what to do is in its words.
        """
        if await self.head(partition) >= position:
            return
        last = await self._link.persist(self._last, patience=self._patience, attempt=API_SECONDS)
        missing = position - 1 - last
        if missing > MOST_SKIPPED:
            raise DataError(
                f"the stream {self._settings.stream} stands at {last}, and its reader at {position}: stop what appends,"
                f" delete the stream, and start again with first={position + 1} in the log's URL"
            )
        for start in range(0, missing, SKIP):
            count = min(SKIP, missing - start)
            name = f"{self._run}-skip-{position}-{start}"
            await asyncio.gather(*(self._skip("skipped", f"{name}-{n}") for n in range(count)))
        await self._skip(f"events.{partition}", f"{self._run}-advance-{partition}-{position}")
        if missing > 0:
            await self._purge("skipped", position)

    async def _last(self, session: Session, seconds: float) -> int:
        del seconds  # it has its own
        return (await info(session, self._settings)).state.last_seq

    async def _skip(self, subject: str, name: str) -> None:
        async def publish(session: Session, seconds: float) -> None:
            headers = {"Nats-Msg-Id": name}
            whole = f"{self._settings.subjects}.{subject}"
            understood(await session.request(whole, seconds=seconds, headers=headers))

        await self._link.persist(publish, patience=self._patience * 2, attempt=ATTEMPT)

    async def close(self) -> None:
        self._closed = True
        while self._messages:
            self._settled.clear()
            await self._settled.wait()
        await self._link.close()
