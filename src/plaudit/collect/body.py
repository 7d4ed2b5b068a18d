"""Reading a request's body: bounded in size and in what it unpacks to. The server bounds the time (serving.py)."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from plaudit.errors import RefusedError
from plaudit.spec.wire import BATCH_BYTES

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
DRAIN_BYTES = 8 * 1024 * 1024  # read past the limit, so that the client gets its answer rather than a reset


class Disconnected(Exception):  # noqa: N818 - no error: the client left
    """The client went away in the middle of its request."""


async def read(receive: Receive, encoding: bytes | None) -> bytes:
    """The whole body, unpacked. Raises `RefusedError`: 413 too large, 400 or 415 not to be unpacked."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, body)
    if len(body) > BATCH_BYTES:
        raise _too_large()
    if encoding is None or encoding == b"identity":
        return body
    if encoding.lower() not in (b"gzip", b"x-gzip"):
        raise RefusedError("unsupported_encoding", "Content-Encoding must be gzip or left out", 415)
    return gunzip(body)


async def _rest(receive: Receive, first: bytes) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        more = message.get("more_body", False)
        if size <= BATCH_BYTES:
            parts.append(part)
        elif size > DRAIN_BYTES:
            break
    if size > BATCH_BYTES:
        raise _too_large()
    return b"".join(parts)


def gunzip(packed: bytes) -> bytes:
    """Unpack to at most the batch limit: what unpacks to more is refused before it takes memory."""
    parts: list[bytes] = []
    size = 0
    while packed:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(packed, BATCH_BYTES + 1 - size)
        except zlib.error:
            raise RefusedError(
                "bad_request", "the body is not gzip, though Content-Encoding says so"
            ) from None
        parts.append(part)
        size += len(part)
        if size > BATCH_BYTES:
            raise _too_large()
        if not unpacker.eof:
            raise RefusedError("bad_request", "the gzip body ends too early")
        packed = unpacker.unused_data
    return b"".join(parts)


def _too_large() -> RefusedError:
    return RefusedError(
        "payload_too_large", f"the body is larger than {BATCH_BYTES:,} bytes: send smaller batches", 413
    )
