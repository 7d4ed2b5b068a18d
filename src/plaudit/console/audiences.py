"""`/audiences` and `/traits`: what there is, how each is told, who is in, and why one person is or is not."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from plaudit.console.invitations import address
from plaudit.console.views import render
from plaudit.destinations.base import What
from plaudit.engage.definitions import Kind
from plaudit.engage.identifiers import Identifier
from plaudit.errors import PlauditError
from plaudit.manage import audiences, engaging
from plaudit.manage.audiences import Listed
from plaudit.manage.context import Context, context
from plaudit.manage.forms import form
from plaudit.manage.given import not_found, number
from plaudit.manage.guard import Role, guarded
from plaudit.manage.masking import masked_name, masked_value

MEMBERS = 50
KINDS: dict[str, Kind] = {"audiences": "audience", "traits": "trait"}


def kind_of(request: Request) -> Kind:
    return KINDS[request.url.path.split("/")[1]]


async def found(request: Request) -> Listed:
    """The one that the path names. Raises `ProblemError`: there is none."""
    kind, name = kind_of(request), request.path_params["name"]
    its = context(request)
    for each in await audiences.listed(its.store, its.kinds, kind):
        if each.name == name:
            return each
    raise not_found(kind, name[:64])


async def _list(request: Request) -> Response:
    its, kind = context(request), kind_of(request)
    rows = await audiences.listed(its.store, its.kinds, kind)
    return render(request, "audiences/list.html", kind=kind, rows=rows)


async def _one(request: Request) -> Response:
    return await _page(request)


async def _part(request: Request) -> Response:
    """What changes while one looks on; with its end the members too, who have come meanwhile."""
    its, row = context(request), await found(request)
    state, moving = await _state(its, row), _moves(row)
    ended = {} if moving else {**await _members(request, its, row), "apart": True}
    return render(request, "audiences/part.html", **state, moving=moving, after=_after(request), **ended)


async def _state(its: Context, row: Listed) -> dict[str, Any]:
    """What its template wants. `stuck`: by destination, where the calls that failed are."""
    waiting = await its.store.attention(What.IDENTIFY)
    stuck = {}
    for sync in row.syncs:
        states = waiting.get(sync.destination) or {"": 0}
        chosen = {"what": What.IDENTIFY.value, "destination": sync.destination}
        stuck[sync.destination] = address(chosen, state=max(states, key=lambda state: states[state]))
    row = await audiences.with_runs(its.store, row)
    return {"kind": row.kind, "row": row, "stuck": stuck, "kept": audiences.KEPT}


async def _explain(request: Request) -> Response:
    """It is asked by a form, so that no name of a person comes to stand in an address."""
    row, its = await found(request), context(request)
    wanted = (await form(request)).get("who", "").strip()
    try:
        asked = engaging.Ask(name=row.name, who=wanted)
        said = await engaging.explain(its, request.state.who, asked)
    except PlauditError as error:
        return await _page(request, wanted=wanted, problem=str(error))
    return await _page(request, wanted=wanted, said=said)


async def _page(
    request: Request, wanted: str = "", said: engaging.Explanation | None = None, problem: str = ""
) -> Response:
    its, row = context(request), await found(request)
    return render(
        request,
        "audiences/one.html",
        **await _state(its, row),
        **await _members(request, its, row),
        after=_after(request),
        wanted=wanted,
        said=said,
        problem=problem,
        moving=_moves(row),
    )


def _after(request: Request) -> int:
    """The profile after which the page of members begins."""
    return number(request.query_params.get("after", "")) or 0


async def _members(request: Request, its: Context, row: Listed) -> dict[str, Any]:
    """What their template wants."""
    after = _after(request)
    members = await audiences.members(its.store, its.kinds, row.name, after=after, limit=MEMBERS + 1)
    shown: list[dict[str, Any]] = [
        {
            "profile": each.profile_id,
            "value": masked_value(each.value, row.query),
            "since": each.since,
            "until": each.until,
            "names": [named(masked_name(name)) for name in each.identifiers],
        }
        for each in members[:MEMBERS]
    ]
    more = shown[-1]["profile"] if len(members) > MEMBERS else None
    return {"members": shown, "next": more, "first": not after}


def named(name: Identifier) -> str:
    """A name of a person, with its kind in words."""
    kind = {"email": "e-mail"}.get(name.type, name.type.replace("_", " "))
    return f"{kind} {name.value}"


def _moves(row: Listed) -> bool:
    """Whether something is under way that ends by itself."""
    runs = any(sync.started_at is not None and sync.ended_at is None for sync in row.syncs)
    return row.progress is not None or runs


routes: list[BaseRoute] = [
    route
    for at, kind in KINDS.items()
    for route in (
        guarded(f"/{at}", _list, role=Role.VIEWER, name=at),
        guarded(f"/{at}/{{name}}", _one, role=Role.VIEWER, name=kind),
        guarded(f"/{at}/{{name}}/state", _part, role=Role.VIEWER, name=f"{kind}_state"),
        guarded(
            f"/{at}/{{name}}/explain", _explain, role=Role.OPERATOR, methods=["POST"], name=f"explain_{kind}"
        ),
    )
]
