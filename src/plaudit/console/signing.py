"""`/sign-in`, `/sign-out`, and `/set-up`, where the first person makes themselves known."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.manage.context import context
from plaudit.manage.forms import form
from plaudit.manage.guard import COOKIE, Role, address, guarded, keep, local, public
from plaudit.manage.passwords import SHORTEST
from plaudit.manage.problems import ProblemError


async def _ask(request: Request) -> Response:
    to = local(request.query_params.get("next"))
    if request.state.who is not None:
        return RedirectResponse(to, 303)
    nobody = not await context(request).store.access.anybody()
    return render(request, "sign_in.html", next=to, name="", problem="", nobody=nobody)


async def _sign_in(request: Request) -> Response:
    given = await form(request)
    name, to = given.get("name", ""), local(given.get("next"))
    try:
        session = await context(request).sessions.sign_in(name, given.get("password", ""), address(request))
    except ProblemError as error:
        page = render(
            request,
            "sign_in.html",
            error.status,
            next=to,
            name=name[:100],
            problem=error.detail,
            nobody=False,
        )
        page.headers.update(error.headers)
        return page
    return keep(request, RedirectResponse(to, 303), session.secret)


async def _sign_out(request: Request) -> Response:
    secret = request.cookies.get(COOKIE)
    if secret:
        await context(request).sessions.sign_out(secret)
    return keep(request, RedirectResponse("/sign-in", 303), "")


async def _set_up(request: Request) -> Response:
    link = request.query_params.get("link", "")
    if await context(request).store.access.anybody():
        return RedirectResponse("/sign-in", 303)
    problem = "" if link else "This page needs the one-time link that the server printed when it started."
    return render(request, "set_up.html", link=link, name="", problem=problem, shortest=SHORTEST)


async def _begin(request: Request) -> Response:
    given = await form(request)
    link, name = given.get("link", ""), given.get("name", "")
    try:
        session = await context(request).sessions.set_up(link, name, given.get("password", ""))
    except ProblemError as error:
        return render(
            request,
            "set_up.html",
            error.status,
            link=link,
            name=name[:100],
            problem=error.detail,
            shortest=SHORTEST,
        )
    return keep(request, RedirectResponse("/start", 303), session.secret)


routes: list[BaseRoute] = [
    public("/sign-in", _ask, name="sign_in"),
    public("/sign-in", _sign_in, methods=["POST"], name="do_sign_in"),
    guarded("/sign-out", _sign_out, role=Role.VIEWER, methods=["POST"], name="sign_out"),
    public("/set-up", _set_up, name="set_up"),
    public("/set-up", _begin, methods=["POST"], name="do_set_up"),
]
