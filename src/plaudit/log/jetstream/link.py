"""The way to the servers: one connection at a time, made when it is needed and replaced when it is of no use.

Invariant: nobody waits longer than they said, and what went wrong is told in words. However many wait, one
connection is being made.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from plaudit.errors import ConfigError, UnavailableError
from plaudit.log.jetstream.answers import Refused, Stuck, Trouble
from plaudit.log.jetstream.session import Session
from plaudit.log.jetstream.settings import Settings
from plaudit.log.jetstream.stream import prepare, remake

T = TypeVar("T")
PAUSE = 0.05  # seconds before the second try; each further one waits twice as long
LONGEST_PAUSE = 0.5
RETRY_AFTER = 5


class Link:
    """A connection whenever one can be had."""

    def __init__(self, settings: Settings, partitions: int) -> None:
        self._settings = settings
        self._partitions = partitions
        self._servers = list(settings.servers)
        self._session: Session | None = None
        self._making: asyncio.Task[Session] | None = None
        self._prepared = False  # the stream and its servers were looked at
        self._doubted = False  # whether it is still there has to be seen
        self._closed = False

    @property
    def ready(self) -> Session | None:
        """The connection, if there is one."""
        return self._session if self._session is not None and not self._session.dead else None

    async def session(self, patience: float) -> Session:
        """A connection that works as far as is known. Raises `Trouble`, `ConfigError`, `UnavailableError`."""
        if self._closed:
            raise UnavailableError("the log is closed")
        if self.ready is not None:
            return self.ready
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make())
            self._making.add_done_callback(_heed)
        making = self._making
        await asyncio.wait((making,), timeout=patience)
        if not making.done():
            raise Trouble("no NATS server has answered yet")
        return making.result()

    async def _make(self) -> Session:
        """Try each server once."""
        troubles: list[str] = []
        for server in [*self._servers]:
            session = None
            try:
                session = await Session.connect(server, self._settings)
                await self._prepare(session)
            except (Trouble, ConfigError) as error:
                if session is not None:
                    session.discard(str(error))
                if isinstance(error, ConfigError):
                    raise
                troubles.append(str(error))
                self._servers.append(self._servers.pop(0))  # the next try begins with another
                continue
            self._session = session
            return session
        raise Trouble("; ".join(dict.fromkeys(troubles)))

    async def _prepare(self, session: Session) -> None:
        """Look at what the promises hang on; later, only whether the stream has gone, as far as that can be seen."""
        if not self._prepared:
            await prepare(session, self._settings, self._partitions)
        elif self._doubted:
            with contextlib.suppress(Trouble):  # no leader: what is stored can be read all the same
                await remake(session, self._settings, self._partitions)
        self._prepared, self._doubted = True, False

    def doubt(self, session: Session, error: Trouble) -> None:
        """After trouble: a server that says nothing at all is left for another."""
        if isinstance(error, Stuck) and not error.heard:
            self._leave(session, str(error))

    def despair(self, session: Session | None) -> None:
        """Nothing went well for as long as anybody waits: try another server, and see whether the stream is there."""
        self._doubted = True
        if session is not None and session is self._session:
            self._leave(session, "it led nowhere")

    def _leave(self, session: Session, why: str) -> None:
        session.discard(why)
        if self._servers[0].endswith(session.server):
            self._servers.append(self._servers.pop(0))

    async def persist(
        self, work: Callable[[Session, float], Awaitable[T]], *, patience: float, attempt: float
    ) -> T:
        """Do something until it is done, on as many connections as that takes. `work` gets the seconds that it has.

        Raises `UnavailableError`: it was not possible in time. `ConfigError`. What `Refused` means is for `work`.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + patience, PAUSE
        while True:
            session = None
            try:
                session = await self.session(deadline - loop.time())
                return await work(session, max(min(attempt, deadline - loop.time()), 0.05))
            except Trouble as error:
                if session is not None:
                    self.doubt(session, error)
                if loop.time() + pause >= deadline:
                    self.despair(session)
                    raise UnavailableError(f"the log is not available: {error}", RETRY_AFTER) from None
            except Refused as error:
                raise UnavailableError(
                    f"the log takes or gives nothing: NATS says: {error}", RETRY_AFTER
                ) from None
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def close(self) -> None:
        self._closed = True
        if self._making is not None and not self._making.done():
            self._making.cancel()
            with contextlib.suppress(asyncio.CancelledError, Trouble, ConfigError):
                await self._making
        if self._session is not None:
            await self._session.close()


def _heed(task: asyncio.Task[Session]) -> None:
    """Its exception is for those who still wait; there may be none."""
    if not task.cancelled():
        task.exception()
