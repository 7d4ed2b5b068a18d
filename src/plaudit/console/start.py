"""`/start`: from nothing to the first invitation, in the four steps of Segment's own page.

Choose Trustpilot from the catalog, choose sources, enter the Integration Key as "API Key" and test it, switch on. A
destination that is made here is paused until it is switched on: so nothing is sent while somebody still looks.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.connections import NAMING
from plaudit.console.snippets import snippets
from plaudit.console.views import render
from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Kind, Setting
from plaudit.manage import destinations, sources
from plaudit.manage.context import Context, context
from plaudit.manage.destinations import PauseGiven, PutDestination
from plaudit.manage.forms import Form, form
from plaudit.manage.given import Nothing, OfName, read
from plaudit.manage.guard import Role, Who, guarded, here
from plaudit.manage.problems import ProblemError

WAITS = "not switched on yet"
ELSEWHERE = ("base_url", "allow_private")  # where the vendor is, if not at its own address: the sandbox


async def _page(request: Request) -> Response:
    return await _steps(request)


async def _steps(
    request: Request, problem: ProblemError | None = None, given: dict[str, Any] | None = None
) -> Response:
    its, who, query = context(request), request.state.who, request.query_params
    configured = (await destinations.find(its, who, Nothing())).data
    names = {each.name: each for each in configured}
    kind = its.kinds.get(query.get("type", "") or (given or {}).get("type", ""))
    row = None
    if kind is None and configured:
        row = names.get(query.get("destination", ""), configured[0])
        kind = its.kinds.get(row.type)
    chosen = row.sources if row else [*dict.fromkeys((given or {}).get("sources") or query.getlist("source"))]
    channel = (given or {}).get("channel") or query.get("channel") or (kind.channels[0].name if kind else "")
    return render(
        request,
        "start/page.html",
        status=problem.status if problem else 200,
        kinds=list(its.kinds.values()),
        kind=kind,
        row=row,
        step=_step(kind, row, chosen),
        sources=(await sources.find(its, who, Nothing())).data,
        chosen=chosen,
        free=_free_name(kind, set(names)),
        fields=fields(kind, channel) if kind else ([], []),
        channel=channel,
        given=given or {},
        problem=problem,
        snippets=snippets(here(request)),
        switched_on=row is not None and row.paused is None,
    )


def _step(kind: Destination | None, row: destinations.DestinationView | None, chosen: list[str]) -> int:
    if row is not None:
        return 4
    return 1 if kind is None else 3 if chosen else 2


def _free_name(kind: Destination | None, taken: set[str]) -> str:
    """The kind's own name, or the first of its name-2, name-3 … that is free."""
    if kind is None:
        return ""
    names = (kind.type if n == 1 else f"{kind.type}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def fields(kind: Destination, channel: str) -> tuple[list[Setting], list[Setting]]:
    """What the channel cannot do without, and what says where the vendor is."""
    known = [each for each in kind.settings if not each.channels or channel in each.channels]
    needed = [each for each in known if each.required or channel in each.needed]
    return needed, [each for each in known if each.key in ELSEWHERE and each not in needed]


async def _choose_sources(request: Request) -> Response:
    """Step 2: with a new source, which is made at once, since it has a write key."""
    given = await form(request)
    chosen, new = given.getlist("source"), given.get("new", "").strip()
    kind = context(request).kinds.get(given.get("type", ""))
    if kind is None:
        return RedirectResponse("/start", 303)
    again = {"type": kind.type, "new": new[:64], "chosen": chosen}
    if not chosen and not new:
        return await _steps(
            request, ProblemError(422, "bad_name", "choose a source, or name a new one"), again
        )
    if new:
        try:
            await sources.add(context(request), request.state.who, read({"name": new}, OfName))
        except ProblemError as error:
            said = NAMING if error.code == "bad_request" else error.detail
            return await _steps(request, ProblemError(422, error.code, said), again)
        chosen = [*chosen, new]
    query = urlencode([("type", kind.type), *(("source", each) for each in chosen)])
    return RedirectResponse(f"/start?{query}#step-3", 303)


async def _connect(request: Request) -> Response:
    """Step 3: the destination with its key, paused."""
    given = await form(request)
    kind = context(request).kinds.get(given.get("type", ""))
    if kind is None:
        return RedirectResponse("/start", 303)
    channel = given.get("channel", kind.channels[0].name)
    name, values, chosen = (
        given.get("name", "").strip(),
        _settings(kind, channel, given),
        given.getlist("source"),
    )
    asked = {"name": name, "type": kind.type, "sources": chosen, "settings": values}
    secret = {each.key for each in kind.settings if each.secret}
    shown = {key: value for key, value in values.items() if key not in secret}
    again = asked | {"channel": channel, "settings": shown}
    if given.get("change"):  # another channel, and its fields
        return await _steps(request, None, again)
    try:
        await _make_paused(context(request), request.state.who, asked)
    except ProblemError as error:
        problem = ProblemError(422, error.code, NAMING) if error.code == "bad_request" else error
        return await _steps(request, problem, again)
    return RedirectResponse(f"/start?destination={name}#step-3", 303)


async def _make_paused(its: Context, who: Who, asked: dict[str, Any]) -> None:
    """With no source at first, so that nothing can reach it before it is paused."""
    given = read(asked, PutDestination)
    if given.name in {each.name for each in (await destinations.find(its, who, Nothing())).data}:
        said = f"there is a destination {given.name} already: choose another name"
        raise ProblemError(409, "exists", said)
    await destinations.put(its, who, read(asked | {"sources": []}, PutDestination))
    await destinations.pause(its, who, PauseGiven(name=given.name, message=WAITS))
    await destinations.put(its, who, given)


def _settings(kind: Destination, channel: str, given: Form) -> dict[str, Any]:
    values: dict[str, Any] = {"channel": channel} if len(kind.channels) > 1 else {}
    for each in (field for group in fields(kind, channel) for field in group):
        said = given.get(each.key, "").strip()
        if each.kind == Kind.FLAG:
            values |= {each.key: True} if said else {}
        elif each.kind == Kind.NUMBER and said.isdecimal():
            values[each.key] = int(said)
        elif each.kind == Kind.LIST and said:
            values[each.key] = [part.strip() for part in said.split(",") if part.strip()]
        elif said:
            values[each.key] = said
    return values


async def _test(request: Request) -> Response:
    name = read({"name": request.path_params["name"]}, OfName)
    found = await destinations.test(context(request), request.state.who, name)
    return render(request, "start/tested.html", found=found)


async def _switch_on(request: Request) -> Response:
    name = read({"name": request.path_params["name"]}, OfName)
    try:
        await destinations.resume(context(request), request.state.who, name)
    except ProblemError as error:
        if error.code != "wrong_state":  # somebody was quicker
            raise
    return RedirectResponse(f"/start?destination={name.name}#step-4", 303)


async def _filled_in(request: Request) -> Response:
    """The snippets with a source's write key, which is an asking that is recorded."""
    found = await sources.reveal(
        context(request), request.state.who, read({"name": request.path_params["name"]}, OfName)
    )
    filled = snippets(here(request), found.write_key)
    return render(request, "start/code.html", snippets=filled, filled=found.name)


routes: list[BaseRoute] = [
    guarded("/start", _page, role=Role.VIEWER, name="start"),
    guarded("/start/sources", _choose_sources, role=Role.ADMIN, methods=["POST"], name="start_sources"),
    guarded("/start/connect", _connect, role=Role.ADMIN, methods=["POST"], name="start_connect"),
    guarded("/start/{name}/test", _test, role=Role.OPERATOR, methods=["POST"], name="start_test"),
    guarded("/start/{name}/on", _switch_on, role=Role.OPERATOR, methods=["POST"], name="start_on"),
    guarded("/start/{name}/snippets", _filled_in, role=Role.ADMIN, methods=["POST"], name="start_snippets"),
]
