"""`/connections`: the sources and destinations there are; `/catalog`: what can be a destination."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.manage import destinations, sources
from plaudit.manage.context import context
from plaudit.manage.forms import form
from plaudit.manage.given import Nothing, OfName, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError

NAMING = "a name has 1 to 64 letters, digits, - and _, and begins with a letter or a digit"


async def _page(request: Request) -> Response:
    return await _list(request)


async def _list(request: Request, problem: str = "", name: str = "", status: int = 200) -> Response:
    its, who = context(request), request.state.who
    there = await its.store.configuration()
    return render(
        request,
        "connections/page.html",
        status,
        sources=(await sources.find(its, who, Nothing())).data,
        inlets=there.inlets,
        destinations=(await destinations.find(its, who, Nothing())).data,
        titles={kind.type: kind.title for kind in its.kinds.values()},
        problem=problem,
        name=name,
    )


async def _add(request: Request) -> Response:
    name = (await form(request)).get("name", "").strip()
    try:
        await sources.add(context(request), request.state.who, read({"name": name}, OfName))
    except ProblemError as error:
        said = NAMING if error.code == "bad_request" else error.detail
        return await _list(request, said, name[:100], error.status)
    return RedirectResponse(f"/sources/{name}", 303)


async def _catalog(request: Request) -> Response:
    return render(request, "connections/catalog.html", kinds=list(context(request).kinds.values()))


routes: list[BaseRoute] = [
    guarded("/connections", _page, role=Role.VIEWER, name="connections"),
    guarded("/connections/sources", _add, role=Role.ADMIN, methods=["POST"], name="add_source"),
    guarded("/catalog", _catalog, role=Role.VIEWER, name="catalog"),
]
