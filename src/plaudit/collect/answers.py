"""The answers of the tracking API: JSON with CORS open to all, since shops' pages post from everywhere.

A write key is no session: a page of another origin can do nothing with it but what the key is for.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CORS: Headers = [(b"access-control-allow-origin", b"*")]
PREFLIGHT: Headers = [
    *CORS,
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, x-retry-count"),
    (b"access-control-max-age", b"86400"),
    (b"vary", b"access-control-request-headers"),
]
SUCCESS = b'{"success":true}'
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

_SUCCESS_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"16"), *CORS],
}
_SUCCESS_BODY = {"type": "http.response.body", "body": SUCCESS}


async def success(send: Send) -> None:
    await send(_SUCCESS_START)
    await send(_SUCCESS_BODY)


async def json(send: Send, status: int, content: object, headers: Headers | None = None) -> None:
    await plain(send, status, msgspec.json.encode(content), b"application/json", headers)


async def refusal(
    send: Send, status: int, code: str, message: str, headers: Headers | None = None, **more: object
) -> None:
    """`{"success": false, "code", "message"}`: both are what analytics-python needs (segment.md 1.6)."""
    await json(send, status, {"success": False, "code": code, "message": message, **more}, headers)


async def plain(send: Send, status: int, body: bytes, kind: bytes, headers: Headers | None = None) -> None:
    start = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *CORS, *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def preflight(send: Send, asked: bytes | None) -> None:
    """Allow whatever headers the page asks for: new SDKs bring new ones, and none of them matters here."""
    headers = [(k, asked if asked and k == b"access-control-allow-headers" else v) for k, v in PREFLIGHT]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
