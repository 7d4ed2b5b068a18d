"""The app of a process that serves the console: health, API and pages behind one guard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plaudit.errors import PlauditError
from plaudit.manage.context import Context
from plaudit.manage.guard import declared
from plaudit.manage.headers import Hardened
from plaudit.manage.problems import ProblemError, browses, handle, problem_of
from plaudit.observe import happenings

# What a page shows in place of what was asked for.
Shown = Callable[[Request, ProblemError], Awaitable[Response]]


def create_app(context: Context, routes: Iterable[BaseRoute], shown: Shown | None = None) -> Starlette:
    """`shown` makes the pages of errors, for browsers; what asks under /api/, and an SDK on a wrong path, get JSON."""

    async def failed(request: Request, error: Exception) -> Response:
        if shown is None or request.url.path.startswith("/api/") or not browses(request):
            return await handle(request, error)
        return await shown(request, problem_of(error))

    async def unforeseen(request: Request, error: Exception) -> Response:
        happenings.RequestFailed(request.method, happenings.where(error)).emit()
        return await failed(request, error)

    app = Starlette(
        routes=declared(routes),
        middleware=[Middleware(Hardened), Middleware(_Unforeseen, answer=unforeseen)],
        exception_handlers={PlauditError: failed, HTTPException: failed},
    )
    # SDKs take a redirect for success, and a proxy's https would become http.
    app.router.redirect_slashes = False
    app.state.context = context
    return app


class _Unforeseen:
    """ASGI middleware: an exception that nobody foresaw becomes an answer, if none has begun."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - whatever it was, whoever asked gets an answer
            response = await self._answer(Request(scope, receive), error)
            if not begun:
                await response(scope, receive, send)
