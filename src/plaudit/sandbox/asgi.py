"""The little HTTP that channels need: read a body, judge it, send an answer, wait, break the connection.

Breaking it needs the server's help: `server.py` puts a function into the scope's extensions that drops the
TCP connection with no byte sent. Under any other server a break is a ConnectionResetError from the app.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from starlette.types import Receive, Scope, Send

from plaudit.sandbox.faults import KINDS, Fault
from plaudit.sandbox.recorder import Recorder

ABORT = "plaudit.sandbox.abort"
BODY_LIMIT = 1024 * 1024

_JSON = re.compile(r"application/json\s*(;\s*charset\s*=\s*\"?utf-?8\"?\s*)?", re.IGNORECASE)


class Answer(NamedTuple):
    """What to answer. `broken` names the fault that breaks the connection instead."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    delay: float = 0.0
    broken: str = ""

    @property
    def name(self) -> str:
        """The answer in counts and on the page."""
        return self.broken or str(self.status)


def told(status: int, message: str, *headers: tuple[bytes, bytes]) -> Answer:
    """An answer for a person: JSON with a message."""
    return json(status, {"message": message}, *headers)


def json(status: int, value: object, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(status, msgspec.json.encode(value), ((b"content-type", b"application/json"), *headers))


def faulty(fault: Fault | None) -> Answer | None:
    """The answer that a fault gives whose name is a status, or one that breaks the connection."""
    if fault is None:
        return None
    if fault.name in ("reset", "reset-after"):
        return Answer(0, broken=fault.name)
    return told(int(fault.name), because(fault), *later(fault))


def because(fault: Fault) -> str:
    return f"the sandbox's fault {fault.name} is on: {KINDS[fault.name].meaning}"


def later(fault: Fault) -> tuple[tuple[bytes, bytes], ...]:
    """Retry-After, if the fault has a value for it."""
    return ((b"retry-after", fault.value.encode()),) if fault.value else ()


def basic(scope: Scope) -> tuple[str, str] | None:
    """User and password of Basic authentication; None if there is none, or none that can be read."""
    scheme, _, token = header(scope, b"authorization").partition(" ")
    try:
        text = base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if scheme.lower() == "basic" and colon else None


def header(scope: Scope, name: bytes) -> str:
    """The header's value (`name` in lower case), empty if absent."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def is_json(scope: Scope) -> bool:
    """Whether the body is said to be JSON in UTF-8."""
    return _JSON.fullmatch(header(scope, b"content-type").strip()) is not None


async def read(receive: Receive, limit: int) -> bytes | None:
    """The body; at most a little over `limit` bytes of it. None if the client went away."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > limit or not message.get("more_body", False):
            return body


async def converse(
    judge: Callable[[Scope, bytes], Answer], recorder: Recorder, scope: Scope, receive: Receive, send: Send
) -> None:
    """One request from its body to its answer; `judge` records what is to be recorded."""
    body = await read(receive, BODY_LIMIT)
    if body is None:
        return
    answer = judge(scope, body)
    recorder.answered(answer.name)
    await give(answer, scope, receive, send)


async def give(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, late or never if that is what the answer says."""
    if answer.delay and await _gone_within(answer.delay, receive):
        return
    if answer.broken:
        await _break(scope, receive)
        return
    headers = [(b"content-length", str(len(answer.body)).encode()), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _break(scope: Scope, receive: Receive) -> None:
    extension = scope.get("extensions", {}).get(ABORT)
    if extension is None:
        raise ConnectionResetError("the sandbox breaks this connection")
    extension["abort"]()
    # Only when the server has seen the disconnect may the app return without an answer.
    await _gone_within(5, receive)


async def _gone_within(seconds: float, receive: Receive) -> bool:
    """Wait, but no longer than the client does: a closed connection must not hold up a stop."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
