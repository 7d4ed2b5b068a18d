"""Making and changing an audience or trait: the query, and while it is typed, how many it would match."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.config import FaultsError
from plaudit.console import building, computing
from plaudit.console.audiences import KINDS, found, kind_of
from plaudit.console.views import render
from plaudit.engage.language import QueryError
from plaudit.manage import defining
from plaudit.manage import preview as previews
from plaudit.manage.context import context
from plaudit.manage.defining import PutDefinition
from plaudit.manage.forms import Form, form
from plaudit.manage.given import read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.process.profiles import definitions_of

PATIENCE_MS = 700  # that an estimate may take
START = {
    "audience": "event('Order Completed').within(30 days).count() >= 1",
    "trait": "event('Order Completed').sum(property('total'))",
}
EXAMPLES = {
    "audience": (
        ("Ordered in the last 30 days", START["audience"]),
        ("Ordered three times or more", "event('Order Completed').count() >= 3"),
        ("Has not ordered for 90 days", "NOT event('Order Completed').within(90 days).count() >= 1"),
        ("On a plan", "trait('plan') = 'gold'"),
    ),
    "trait": (
        ("What they spent", START["trait"]),
        ("How often they ordered", "event('Order Completed').count()"),
    ),
}

WORDS: dict[str, Any] = {"often": building.OFTEN, "is_": building.IS, "how": computing.HOW}


async def _new(request: Request) -> Response:
    kind = kind_of(request)
    values: dict[str, Any] = {
        "title": "",
        "query": START[kind],
        "destinations": [],
        "send": "identify",
        "enabled": True,
    }
    return await _form(request, "", values)


async def _edit(request: Request) -> Response:
    row = await found(request)
    there = await context(request).store.configuration()
    names = {each.id: each.name for each in there.destinations}
    for each in there.definitions:
        if each.name == row.name and each.kind == row.kind:
            to = [names[id_] for id_ in each.destinations if id_ in names]
            values: dict[str, Any] = {"title": each.title, "query": each.query, "destinations": to}
            values |= {"send": each.options.send, "enabled": each.enabled}
            return await _form(request, row.name, values)
    raise ProblemError(409, "wrong_state", f"{row.name} was just taken out")


async def _save(request: Request) -> Response:
    its, who, kind = context(request), request.state.who, kind_of(request)
    name = request.path_params.get("name", "")
    given = await form(request)
    values = _values(given)
    asked = {**values, "kind": kind, "name": name or defining.named(values["title"]), "new": not name}
    try:
        await defining.put(its, who, read(asked, PutDefinition))
    except FaultsError as error:
        return await _form(request, name, values, error.faults, 422)
    except ProblemError as error:
        if error.status not in (400, 409, 422):
            raise
        return await _form(request, name, values, error.errors or [error.detail], error.status)
    return RedirectResponse(f"/{_at(kind)}/{asked['name']}", 303)


async def _estimate(request: Request) -> Response:
    """About how many the query matches, as exactly as a short while allows."""
    its, kind = context(request), kind_of(request)
    query = (await form(request)).get("query", "")
    about, problem = None, ""
    until = its.clock.now() + PATIENCE_MS
    try:
        async for each in previews.preview(its.store, its.kinds, query, kind, its.clock):
            about = each
            if its.clock.now() > until:
                break
    except QueryError as error:
        problem = error.shown()
    return render(request, "audiences/estimate.html", kind=kind, about=about, problem=problem)


async def _step(request: Request) -> Response:
    """Rows and text kept in step: whichever was changed, the other follows."""
    kind, given = kind_of(request), await form(request)
    by, query, problem = given.get("by", ""), given.get("query", ""), ""
    built: Any = None
    if by == "rows":
        form_of = _form_of(kind)
        built = form_of.of_form(given)
        try:
            query = form_of.put_together(built)
        except QueryError as error:
            problem = str(error)
    else:
        built = _rows(kind, query)
    return render(
        request,
        "audiences/step.html",
        kind=kind,
        by=by,
        whole=by != "rows" or bool(given.get("add") or given.get("drop")),
        query=query,
        problem=problem,
        built=built,
        bereft=isinstance(built, building.Built)
        and given.get("drop") == str(len(built.rows)),  # its last row is gone
        **WORDS,
    )


def _form_of(kind: str) -> Any:
    """Which part of the language needs no typing: conditions, or one value of events."""
    return building if kind == "audience" else computing


def _rows(kind: str, query: str) -> building.Built | computing.Computed | None:
    """None: there are none for it, or it cannot be read yet."""
    if not query.strip():
        return building.Built(True, []) if kind == "audience" else computing.Computed()
    try:
        built: building.Built | computing.Computed | None = _form_of(kind).taken_apart(query)
    except QueryError:
        return None
    return built


async def _remove(request: Request) -> Response:
    row = await found(request)
    if (await form(request)).get("sure") != row.name:
        return render(request, "audiences/remove.html", kind=row.kind, row=row)
    await defining.remove(context(request), request.state.who, row.kind, row.name)
    return RedirectResponse(f"/{_at(row.kind)}", 303)


async def _form(
    request: Request, name: str, values: dict[str, Any], faults: list[str] | None = None, status: int = 200
) -> Response:
    its, kind = context(request), kind_of(request)
    there = await its.store.configuration()
    outlets = definitions_of(there, its.kinds).outlets
    return render(
        request,
        "audiences/form.html",
        status,
        kind=kind,
        name=name,
        values=values,
        faults=faults or [],
        every_destination=[row.name for row in there.destinations],
        carrying=[row.name for row in there.destinations if row.id in outlets and outlets[row.id].carries],
        examples=EXAMPLES[kind],
        built=_rows(kind, values["query"]),
        bereft=False,
        **WORDS,
    )


def _values(given: Form) -> dict[str, Any]:
    return {
        "title": given.get("title", "").strip(),
        "query": given.get("query", "").strip(),
        "destinations": given.getlist("destinations"),
        "send": given.get("send", "identify"),
        "enabled": given.get("enabled") == "on",
    }


def _at(kind: str) -> str:
    return next(at for at, each in KINDS.items() if each == kind)


routes: list[BaseRoute] = [
    route
    for at, kind in KINDS.items()
    for route in (
        guarded(f"/{at}/new", _new, role=Role.ADMIN, name=f"new_{kind}"),
        guarded(f"/{at}/new", _save, role=Role.ADMIN, methods=["POST"], name=f"add_{kind}"),
        guarded(f"/{at}/estimate", _estimate, role=Role.ADMIN, methods=["POST"], name=f"estimate_{kind}"),
        guarded(f"/{at}/step", _step, role=Role.ADMIN, methods=["POST"], name=f"step_{kind}"),
        guarded(f"/{at}/{{name}}/edit", _edit, role=Role.ADMIN, name=f"edit_{kind}"),
        guarded(f"/{at}/{{name}}/edit", _save, role=Role.ADMIN, methods=["POST"], name=f"save_{kind}"),
        guarded(f"/{at}/{{name}}/remove", _remove, role=Role.ADMIN, methods=["POST"], name=f"remove_{kind}"),
    )
]
