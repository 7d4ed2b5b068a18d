"""`/sources/{name}`: its write key, what it is connected to, and what comes from it, live."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.events import listing
from plaudit.console.snippets import snippets
from plaudit.console.views import render
from plaudit.manage import sources
from plaudit.manage.context import context
from plaudit.manage.given import Nothing, OfName, not_found, read
from plaudit.manage.guard import Role, guarded, here


def _name(request: Request) -> OfName:
    return read({"name": request.path_params["name"]}, OfName)


async def _page(request: Request) -> Response:
    its, who, name = context(request), request.state.who, request.path_params["name"]
    for each in (await sources.find(its, who, Nothing())).data:
        if each.name == name:
            return await listing(
                request, "sources/page.html", name, its=each, snippets=snippets(here(request)), inlet=None
            )
    for inlet in (await its.store.configuration()).inlets:
        if inlet.name == name:
            return await listing(request, "sources/page.html", name, its=None, snippets=[], inlet=inlet)
    raise not_found("source", name[:64])


async def _key(request: Request) -> Response:
    found = await sources.reveal(context(request), request.state.who, _name(request))
    return render(request, "sources/key.html", name=found.name, key=found.write_key, fresh=False)


async def _rotate(request: Request) -> Response:
    found = await sources.rotate(context(request), request.state.who, _name(request))
    return render(request, "sources/key.html", name=found.name, key=found.write_key, fresh=True)


async def _remove(request: Request) -> Response:
    await sources.remove(context(request), request.state.who, _name(request))
    return RedirectResponse("/connections", 303)


routes: list[BaseRoute] = [
    # That of an inlet has a slash: segment/trustpilot.
    guarded("/sources/{name:path}", _page, role=Role.VIEWER, name="source"),
    guarded("/sources/{name}/key", _key, role=Role.ADMIN, methods=["POST"], name="source_key"),
    guarded("/sources/{name}/rotate", _rotate, role=Role.ADMIN, methods=["POST"], name="source_rotate"),
    guarded("/sources/{name}/remove", _remove, role=Role.ADMIN, methods=["POST"], name="source_remove"),
]
