"""The sandbox as one ASGI app: `/api/` to the channel, all else to the control API and the page.

`create_app` is the only place that puts the parts together. Its state is in memory and in two objects,
`recorder` and `faults`, which a program that runs the sandbox may use directly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from plaudit.clock import Clock, SystemClock
from plaudit.errors import RefusedError
from plaudit.sandbox.control import Control
from plaudit.sandbox.faults import Fault, Faults
from plaudit.sandbox.integration_key.channel import IntegrationKey
from plaudit.sandbox.page import Page
from plaudit.sandbox.recorder import KEEP, Recorder

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Sandbox:
    """The app, with what it was sent (`recorder`), what it does wrong on request (`faults`), and its `page`."""

    def __init__(self, recorder: Recorder, faults: Faults, keys: Collection[str] | None, page: Page) -> None:
        self.recorder = recorder
        self.faults = faults
        self.page = page
        self._channel = IntegrationKey(recorder, faults, keys)
        self._rest = Starlette(
            routes=[*Control(recorder, faults).routes, *page.routes],
            exception_handlers={RefusedError: _refused, HTTPException: _failed, ClientDisconnect: _gone},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            await self._channel(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._rest(scope, receive, guarded)


def create_app(
    *,
    faults: Iterable[Fault] = (),
    keys: Collection[str] | None = None,
    clock: Clock | None = None,
    keep: int = KEEP,
    hint: str = "",
) -> Sandbox:
    """A new, empty sandbox.

    `keys`: the Integration Keys that it lets in; None: any that look like one. `keep`: how many records it
    holds. `hint`: the command line that the empty page offers; by default a curl that posts to the sandbox.
    """
    clock = clock or SystemClock()
    recorder = Recorder(clock, keep)
    active = Faults(faults, clock)
    return Sandbox(recorder, active, keys, Page(recorder, active, clock, hint))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - narrows the type that starlette has checked
    return JSONResponse({"code": error.code, "message": error.message}, error.status)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type that starlette has checked
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    message = f"{error.detail}; there are /, /sandbox/invitations, /sandbox/stats and /sandbox/faults"
    return JSONResponse({"code": code, "message": message}, error.status_code, headers=error.headers)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)
