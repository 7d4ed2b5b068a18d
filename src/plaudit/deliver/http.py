"""HTTP out, over pyreqwest: one client an origin, connections kept, everything bounded.

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
from plaudit.deliver.failures import NoAnswerError, NotSentError
from plaudit.destinations.base import Answer, Fault, Request

CONNECT_SECONDS = 5
TOTAL_SECONDS = 30
IDLE_SECONDS = 15  # shorter than servers keep idle connections, so that we rarely write into one being closed
ANSWER_BYTES = 64 * 1024
READ_AHEAD = 1  # bytes of the body that are waited for with the status: as few as can be
NAME_SECONDS = 60.0  # how long resolved addresses are used
_CONNECTING = "client error (Connect)"
# What the operating system says when the way out is this machine's own trouble.
_OURS = (
    "Network is unreachable",
    "No route to host",
    "Too many open files",
    "Cannot assign requested address",
)


class HttpTransport:
    """Sends requests, to however many hosts a channel has; each is looked up and checked by itself."""

    def __init__(self, *, allow_private: bool, timeout: float = TOTAL_SECONDS) -> None:
        self._allow_private = allow_private
        self._timeout = timeout
        self._origins: dict[str, _Origin] = {}

    async def send(self, request: Request) -> Answer:
        """Raises `NotSentError`, `NoAnswerError`, and `ForbiddenAddressError` when the settings are to blame."""
        url = request.url
        end = url.find("/", 8)  # behind "https://"
        start = url if end < 0 else url[:end]
        origin = self._origins.get(start)
        if origin is None:
            origin = self._origins[start] = _Origin(start, self._allow_private, self._timeout)
        client = origin.client if time.monotonic() < origin.until else await origin.look_up()
        body = b""
        builder = client.request(request.method, url).headers(request.headers).body_bytes(request.body)
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
            raise origin.meaning(error) from None

    async def close(self) -> None:
        origins, self._origins = self._origins, {}
        for origin in origins.values():
            await origin.close()


class _Origin:
    """One scheme, host and port: the address in use, and the client that is pinned to it."""

    client: Client

    def __init__(self, url: str, allow_private: bool, timeout: float) -> None:
        self._url = url
        self._allow_private = allow_private
        self._timeout = timeout
        self._endpoint: Endpoint | None = None  # that `client` is for
        self.until = 0.0  # how long the client may be used without a look-up
        self._turn = 0

    async def look_up(self) -> Client:
        """The client, after the name has been looked up again."""
        try:
            endpoint = await resolve(self._url, allow_private=self._allow_private)
        except ResolveError as error:
            raise NotSentError("dns", str(error), Fault.OURS) from None
        if endpoint != self._endpoint:
            # The old client is left to finish what it has in flight.
            self._endpoint, self.client = endpoint, self._build(endpoint)
        self.until = time.monotonic() + NAME_SECONDS
        return self.client

    def meaning(self, error: Exception) -> NotSentError | NoAnswerError:
        """What a failure proves: see the top."""
        details = getattr(error, "details", None) or {}
        # The first cause names the URL, and so the key: it is left out.
        causes = [str(cause.get("message", "")) for cause in details.get("causes") or []][1:]
        if _CONNECTING in causes:
            # The next attempt looks the name up again, and tries its next address.
            self._endpoint, self.until = None, 0.0
            self._turn += 1
            fault = Fault.OURS if causes[-1].startswith(_OURS) else Fault.VENDOR
            return NotSentError("no_connection", f"cannot connect: {causes[-1]}", fault)
        if any("timed out" in cause for cause in causes):
            return NoAnswerError("no_answer", f"no answer within {self._timeout:g} s")
        return NoAnswerError(
            "connection_lost",
            f"the connection broke before the answer: {causes[-1] if causes else type(error).__name__}",
        )

    async def close(self) -> None:
        if self._endpoint is not None:
            self._endpoint, self.until = None, 0.0
            await self.client.close()

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
