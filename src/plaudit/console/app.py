"""All pages of the console, its files, and the page of an error."""

from __future__ import annotations

import contextlib

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from plaudit.console import (
    audiences,
    configuration,
    connections,
    decisions,
    defining,
    destination,
    events,
    invitations,
    overview,
    profiles,
    settings,
    signing,
    sources,
    start,
    story,
    tester,
)
from plaudit.console.views import STATIC, render
from plaudit.errors import PlauditError
from plaudit.manage.context import context
from plaudit.manage.guard import COOKIE, PublicFiles
from plaudit.manage.problems import ProblemError
from plaudit.manage.sessions import csrf

PAGES = (
    *(signing, overview, start, connections, sources, events),
    *(invitations, decisions, story, destination, tester),
    *(defining, audiences, profiles),
    *(settings, configuration),
)
HEADS = {
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    409: "Too late",
    410: "No longer there",
    500: "Something is wrong here",
    503: "Not now",
}


def routes() -> list[BaseRoute]:
    files: BaseRoute = PublicFiles("/static", GZipMiddleware(_Files()), name="static")
    return [files, *(route for page in PAGES for route in page.routes)]


async def shown(request: Request, problem: ProblemError) -> Response:
    """A page that says what cannot be done, in place of what was asked for."""
    if not hasattr(request.state, "who"):  # no route was found, or the store is away: nobody has looked
        request.state.who, request.state.csrf = None, ""
        secret = request.cookies.get(COOKIE)
        with contextlib.suppress(PlauditError):
            session = await context(request).sessions.of_cookie(secret) if secret else None
            if session is not None:
                request.state.who, request.state.csrf = session.who, csrf(session.secret)
    said = problem.detail
    if problem.code == "not_found" and said == "Not Found":
        said = f"There is nothing at {request.url.path[:100]}."
    page = render(
        request,
        "problem.html",
        problem.status,
        head=HEADS.get(problem.status, "This cannot be done"),
        said=said,
        errors=problem.errors,
        again=request.url.path if problem.status >= 500 and request.method == "GET" else "",
    )
    page.headers.update(problem.headers)
    return page


class _Files:
    """ASGI: the files of the console. Those asked for by their digest never change, so browsers keep them."""

    def __init__(self) -> None:
        self._files = StaticFiles(directory=STATIC)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = scope["query_string"].startswith(b"v=")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and kept and message["status"] == 200:
                lasting = (b"cache-control", b"public, max-age=31536000, immutable")
                message = {**message, "headers": [*message["headers"], lasting]}
            await send(message)

        await self._files(scope, receive, sending)
