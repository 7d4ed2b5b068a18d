"""HTTP over sockets of our own, byte by byte as a test wants it, in pieces and with pauses."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple, Self

SECONDS = 20.0
Headers = Iterable[tuple[str, str]]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """A connection for one request after another; opened anew when the server has closed it."""

    def __init__(self, port: int, seconds: float = SECONDS) -> None:
        self._port = port
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exchange(self, pieces: Iterable[bytes], *, method: str = "POST", pause: float = 0.0) -> Answer | None:
        """Send the pieces, read one answer. None: the server closed the connection without one."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=self._seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it had read all
            for number, piece in enumerate(pieces):
                if number and pause:
                    time.sleep(pause)
                self._socket.sendall(piece)
        response = http.client.HTTPResponse(self._socket, method=method)
        try:
            response.begin()
            answer = Answer(
                response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
            )
        except (http.client.BadStatusLine, ConnectionResetError):
            self.close()
            return None
        finally:
            response.close()
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def exchange(
    port: int, pieces: Iterable[bytes], *, method: str = "POST", pause: float = 0.0
) -> Answer | None:
    """See `Connection.exchange`; over a connection for this request only."""
    with Connection(port) as connection:
        return connection.exchange(pieces, method=method, pause=pause)


def abandon(port: int, sent: bytes) -> None:
    """Send this, and leave."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as sock:
        sock.sendall(sent)


def whole(method: str, target: str, headers: Headers, body: bytes) -> list[bytes]:
    """The request with its length told, in one piece."""
    return [_head(method, target, [*headers, ("content-length", str(len(body)))]) + body]


def chunked(method: str, target: str, headers: Headers, body: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The request in chunks, its body cut at these places."""
    pieces = [_head(method, target, [*headers, ("transfer-encoding", "chunked")])]
    pieces += [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in cut(body, cuts)]
    return [*pieces, b"0\r\n\r\n"]


def cut(text: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The same bytes in pieces, none of them empty."""
    places = sorted({place % len(text) for place in cuts} | {0, len(text)}) if text else []
    return [text[start:end] for start, end in pairwise(places)]


def _head(method: str, target: str, headers: Headers) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "host: plaudit", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
