"""HTTP out, over pyreqwest: one client a destination, connections kept, everything bounded.

What matters most here is what an error means. Only an error that names the connecting stage proves that no
request left (`NotSentError`); after any other one the vendor may have the invitation (`NoAnswerError`).
pyreqwest's exception classes do not tell the two apart, its causes do: docs/adr/0004.
"""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from plaudit import __version__
from plaudit.deliver.address import Endpoint, ResolveError, resolve
from plaudit.destinations.base import Answer, Request

CONNECT_SECONDS = 5
TOTAL_SECONDS = 30
IDLE_SECONDS = 15  # shorter than servers keep idle connections, so that we rarely write into one being closed
ANSWER_BYTES = 64 * 1024
READ_AHEAD = 1  # bytes of the body that are waited for with the status: as few as can be
NAME_SECONDS = 60.0  # how long resolved addresses are used
_CONNECTING = "client error (Connect)"


class NotSentError(Exception):
    """No request left this machine; the reason is a code, the text says more."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class NoAnswerError(Exception):
    """The request left, or may have, and no whole answer came."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HttpTransport:
    """Sends requests to one base URL."""

    def __init__(self, base_url: str, *, allow_private: bool, timeout: float = TOTAL_SECONDS) -> None:
        self._base_url = base_url
        self._allow_private = allow_private
        self._timeout = timeout
        self._client: Client | None = None
        self._endpoint: Endpoint | None = None
        self._until = 0.0
        self._turn = 0

    async def send(self, request: Request) -> Answer:
        """Raises `NotSentError`, `NoAnswerError`, and `ForbiddenAddressError` when the settings are to blame."""
        client = await self._current()
        body = b""
        builder = (
            client.request(request.method, request.url).headers(request.headers).body_bytes(request.body)
        )
        try:
            async with builder.streamed_read_buffer_limit(READ_AHEAD).build_streamed() as response:
                if response.get_header("content-length") != "0":
                    # The status says what became of the invitation; a body that breaks off takes nothing from that.
                    with contextlib.suppress(PyreqwestError, OSError):
                        body = bytes(await response.body_reader.read(ANSWER_BYTES) or b"")
                headers = {
                    name: value
                    for name in ("retry-after", "date", "content-type")
                    if (value := response.get_header(name)) is not None
                }
                return Answer(response.status, headers, body)
        except (PyreqwestError, OSError) as error:
            raise self._meaning(error) from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _current(self) -> Client:
        """The client, with a name looked up not long ago."""
        now = time.monotonic()
        if self._client is None or now >= self._until:
            try:
                endpoint = await resolve(self._base_url, allow_private=self._allow_private)
            except ResolveError as error:
                raise NotSentError("dns", str(error)) from None
            if self._client is None or endpoint != self._endpoint:
                # The old client is left to finish what it has in flight.
                self._endpoint, self._client = endpoint, self._build(endpoint)
            self._until = now + NAME_SECONDS
        return self._client

    def _build(self, endpoint: Endpoint) -> Client:
        address = endpoint.addresses[self._turn % len(endpoint.addresses)]
        return (
            ClientBuilder()
            .user_agent(f"Plaudit/{__version__}")
            .resolve(endpoint.host, address, endpoint.port)
            .no_proxy()
            .follow_redirects(enable=False)
            .connect_timeout(timedelta(seconds=min(CONNECT_SECONDS, self._timeout)))
            .timeout(timedelta(seconds=self._timeout))
            .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
            .build()
        )

    def _meaning(self, error: Exception) -> NotSentError | NoAnswerError:
        details = getattr(error, "details", None) or {}
        # The first cause names the URL, and so the key: it is left out.
        causes = [str(cause.get("message", "")) for cause in details.get("causes") or []][1:]
        if _CONNECTING in causes:
            self._client = None  # the next attempt looks the name up again, and tries its next address
            self._turn += 1
            return NotSentError("no_connection", f"cannot connect: {causes[-1]}")
        if any("timed out" in cause for cause in causes):
            return NoAnswerError("no_answer", f"no answer within {self._timeout:g} s")
        return NoAnswerError(
            "connection_lost",
            f"the connection broke before the answer: {causes[-1] if causes else type(error).__name__}",
        )
