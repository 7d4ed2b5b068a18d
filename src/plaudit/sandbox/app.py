"""The sandbox as one ASGI app: the channels by their paths, all else to the control API and the page.

`create_app` is the only place that puts the parts together. Its state is in memory and in two objects,
`recorder` and `faults`, which a program that runs the sandbox may use directly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from plaudit.clock import Clock, SystemClock
from plaudit.errors import RefusedError
from plaudit.sandbox.afs.channel import Afs
from plaudit.sandbox.control import Control
from plaudit.sandbox.faults import Fault, Faults
from plaudit.sandbox.integration_key.channel import IntegrationKey
from plaudit.sandbox.invitations_api.channel import InvitationsApi
from plaudit.sandbox.page import Page
from plaudit.sandbox.partner.channel import PATH as PARTNER
from plaudit.sandbox.partner.channel import Partner
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

    def __init__(
        self,
        recorder: Recorder,
        faults: Faults,
        keys: Collection[str] | None,
        page: Page,
        api: InvitationsApi,
        afs: Afs,
    ) -> None:
        self.recorder = recorder
        self.faults = faults
        self.page = page
        self.afs = afs
        self._channel = IntegrationKey(recorder, faults, keys)
        self._api = api
        self._partner = Partner(recorder, faults, keys)
        self._control = Control(recorder, faults)
        self._rest = Starlette(
            routes=[*self._control.routes, *page.routes],
            exception_handlers={RefusedError: _refused, HTTPException: _failed, ClientDisconnect: _gone},
        )

    @property
    def certificate(self) -> bytes:
        """What a mail client must trust, in PEM; empty while there is no mail server."""
        return self._control.certificate

    @certificate.setter
    def certificate(self, pem: bytes) -> None:
        self._control.certificate = pem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith("/api/"):
                await self._channel(scope, receive, send)
                return
            if path.startswith("/v1/"):
                await self._api(scope, receive, send)
                return
            if path == PARTNER:
                await self._partner(scope, receive, send)
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
    clients: Mapping[str, str] | None = None,
    smtp_users: Mapping[str, str] | None = None,
) -> Sandbox:
    """A new, empty sandbox.

    `keys`: the Integration Keys that it lets in; None: any that look like one. `keep`: how many records it
    holds. `hint`: the command line that the empty page offers; by default a curl that posts to the sandbox.
    `clients`: API keys of the Invitations API with their secrets; None: any. `smtp_users`: those who may send
    mail, with their passwords; None: anybody, logged in or not.
    """
    clock = clock or SystemClock()
    recorder = Recorder(clock, keep)
    active = Faults(faults, clock)
    api = InvitationsApi(recorder, active, clock, clients)
    afs = Afs(recorder, active, smtp_users)
    return Sandbox(recorder, active, keys, Page(recorder, active, clock, hint), api, afs)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - narrows the type that starlette has checked
    return JSONResponse({"code": error.code, "message": error.message}, error.status)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type that starlette has checked
    code = "method_not_allowed" if error.status_code == 405 else "not_found"
    message = f"{error.detail}; there are /, /sandbox/invitations, /sandbox/calls, /sandbox/stats and /sandbox/faults"
    return JSONResponse({"code": code, "message": message}, error.status_code, headers=error.headers)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)
