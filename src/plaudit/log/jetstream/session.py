"""One connection to one NATS server, from the moment it is up until it is let go.

Invariant: whoever waits for an answer gets it, or a `Trouble`, within the time that they gave; whatever the server
or the network does. There is no reconnecting here: a connection that fails is dropped, and another takes its place.
nats-py would keep what is unsent, stop at a server that stands still, and let its own time-outs be swallowed.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg

from plaudit.errors import ConfigError
from plaudit.log.jetstream.answers import Stuck, Trouble, status
from plaudit.log.jetstream.settings import Settings, look_for_keys, tls

T = TypeVar("T")
CONNECT_SECONDS = 2.0
LET_GO_SECONDS = 2.0
PING_SECONDS = 20
HEADERS = 512  # bytes that a message's headers may take of what the server allows

_background: set[asyncio.Future[Any]] = set()


class Session:
    """A connection. `dead` is why it is of no use any more, or empty."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = Client()
        self._waiting: dict[str, Callable[[Msg | None], None]] = {}
        self._numbers = itertools.count()
        self._inbox = ""
        self._leaving: asyncio.Future[None] | None = None
        self.server = ""
        self.dead = ""

    @classmethod
    async def connect(cls, server: str, settings: Settings) -> Session:
        """A connection to this server. Raises `Trouble`, `ConfigError`."""
        session = cls(settings)
        session.server = server.partition("://")[2]
        try:
            await _within(session._connect(server), CONNECT_SECONDS)
        except (ConfigError, asyncio.CancelledError):
            session.discard("not connected")
            raise
        except Exception as error:  # noqa: BLE001 - nats-py and the system have dozens, none of them is ours to tell apart
            session.discard("not connected")
            raise Trouble(f"{session.server}: {_words(error)}") from None
        return session

    async def _connect(self, server: str) -> None:
        said = self._settings
        look_for_keys(said)
        who: dict[str, Any] = {
            "user": said.user or None,
            "password": said.password or None,
            "token": said.token or None,
            "user_credentials": said.creds or None,
            "nkeys_seed": said.nkey or None,
            "tls": tls(said) if said.ca or said.cert or server.startswith("tls:") else None,
        }
        try:
            await self._client.connect(
                server,
                name="plaudit",
                **who,
                allow_reconnect=False,
                connect_timeout=int(CONNECT_SECONDS),
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                ping_interval=PING_SECONDS,
                pending_size=0,  # a publish never waits for the network, and nothing is kept for a later connection
                skip_subject_validation=True,  # ours are made here
                error_cb=_ignore,
                closed_cb=self._closed,
            )
        except ImportError:
            raise ConfigError("keys and creds files need a package: pip install 'nats-py[nkeys]'") from None
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*", cb=self._arrived, pending_bytes_limit=0)

    @property
    def limit(self) -> int:
        """Bytes that a message's body may have."""
        return self._client.max_payload - HEADERS

    @property
    def version(self) -> tuple[int, int]:
        version = self._client.connected_server_version
        return version.major, version.minor

    async def request(
        self, subject: str, body: bytes = b"", *, seconds: float, headers: dict[str, str] | None = None
    ) -> Msg:
        """One question, one answer. Raises `Trouble`."""
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()

        def told(message: Msg | None) -> None:
            if future.done():
                return
            if message is None:
                future.set_exception(Trouble(f"the connection to {self.server} is lost"))
            elif status(message) == 503:
                future.set_exception(Trouble("no NATS server takes this now: the stream has no leader"))
            else:
                future.set_result(message)

        await self._ask(subject, body, headers, told, future, seconds)
        return future.result()

    async def gather(
        self, subject: str, body: bytes, whole: Callable[[Msg], bool], *, seconds: float
    ) -> list[Msg]:
        """One question, and all that comes until `whole` says of one that it is the last. Raises `Trouble`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        messages: list[Msg] = []

        def told(message: Msg | None) -> None:
            if future.done():
                return
            if message is None:
                future.set_exception(Trouble(f"the connection to {self.server} is lost"))
            elif status(message) == 503:
                future.set_exception(Trouble("no NATS server answers this now"))
            else:
                messages.append(message)
                if whole(message):
                    future.set_result(None)

        await self._ask(subject, body, None, told, future, seconds)
        future.result()
        return messages

    async def _ask(
        self,
        subject: str,
        body: bytes,
        headers: dict[str, str] | None,
        told: Callable[[Msg | None], None],
        future: asyncio.Future[Any],
        seconds: float,
    ) -> None:
        """Send, and wait until the future is done. Raises `Trouble`."""
        token = str(next(self._numbers))
        heard = self._client.stats["in_msgs"]
        self._waiting[token] = told
        try:
            if not self.dead:
                await self._publish(subject, body, f"{self._inbox}.{token}", headers)
            if self.dead and not future.done():
                raise Trouble(self.dead)
            late = asyncio.get_running_loop().call_later(seconds, _late, future)
            try:
                await asyncio.wait(
                    (future,)
                )  # not wait_for: a cancelled future would leave its exception unread
            finally:
                late.cancel()
        finally:
            del self._waiting[token]
        if future.cancelled():
            raise Stuck(f"{self.server} does not answer", heard=self._client.stats["in_msgs"] > heard)

    async def _publish(self, subject: str, body: bytes, reply: str, headers: dict[str, str] | None) -> None:
        try:
            await self._client.publish(subject, body, reply, headers)
        except Exception as error:  # noqa: BLE001 - closed, closing, never open: it is of no use
            self.discard(f"{self.server}: {_words(error)}")

    async def once(self, subject: str) -> asyncio.Future[Msg]:
        """The next message on a subject."""
        future: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        try:
            subscription = await self._client.subscribe(subject, future=future, max_msgs=1)
            await subscription.unsubscribe(1)
        except Exception as error:  # noqa: BLE001 - as above
            self.discard(f"{self.server}: {_words(error)}")
            raise Trouble(self.dead) from None
        return future

    async def _arrived(self, message: Msg) -> None:
        told = self._waiting.get(message.subject.rpartition(".")[2])
        if told is not None:
            told(message)

    async def _closed(self) -> None:
        self.discard(f"the connection to {self.server} is lost")

    def discard(self, why: str) -> None:
        """Let go at once, whatever the other end does; those who wait hear of it."""
        if self.dead:
            return
        self.dead = why
        for told in list(self._waiting.values()):
            told(None)
        self._leaving = asyncio.ensure_future(self._let_go())
        _keep(self._leaving)

    async def close(self) -> None:
        """Let go, and wait for the end of it."""
        self.discard("the log is closed")
        if self._leaving is not None:
            await asyncio.wait((self._leaving,), timeout=LET_GO_SECONDS + 1)

    async def _let_go(self) -> None:
        # nats-py's own close waits for a peer that stands still to read what is left: first that is thrown away.
        client: Any = self._client
        client._pending, client._pending_data_size = [], 0  # noqa: SLF001 - see above
        writer = getattr(client._transport, "_io_writer", None)  # noqa: SLF001
        if writer is not None:
            writer.transport.abort()
        with contextlib.suppress(Exception):
            await _within(self._client.close(), LET_GO_SECONDS)


async def _within(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """Its result. nats-py swallows cancellation in places, so this waits beside it and not for it."""
    task = asyncio.ensure_future(work)
    _keep(task)
    done, _ = await asyncio.wait((task,), timeout=seconds)
    if not done:
        task.cancel()
        raise TimeoutError(f"no answer in {seconds:g} s")
    return task.result()


def _keep(task: asyncio.Future[Any]) -> None:
    """Hold on to a task that nobody may come to wait for."""
    _background.add(task)
    task.add_done_callback(_let_fall)


def _let_fall(task: asyncio.Future[Any]) -> None:
    _background.discard(task)
    if not task.cancelled():
        task.exception()


def _late(future: asyncio.Future[Any]) -> None:
    future.cancel()


async def _ignore(error: Exception) -> None:
    """Errors reach those whom they concern; nats-py's own report of them is a second one."""


def _words(error: BaseException) -> str:
    return str(error).removeprefix("nats: ") or type(error).__name__
