"""`/destinations/{name}`: how its lane does, its settings as a form, and whether it would work."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.clock import iso
from plaudit.console.fields import groups, in_words, settings_of
from plaudit.console.views import render
from plaudit.destinations.base import State
from plaudit.manage import destinations, stats
from plaudit.manage.context import context
from plaudit.manage.destinations import DestinationView, PauseGiven, PutDestination
from plaudit.manage.forms import form
from plaudit.manage.given import OfName, not_found, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError

_ALIVE = (State.HELD, State.QUEUED, State.SENDING)
MOST_WAITING = 10_000  # that are counted: a page costs the same however long the backlog is


async def _lane(request: Request) -> Response:
    return await _lane_page(request, "destination/lane.html")


async def _lane_part(request: Request) -> Response:
    """What changes while one looks on."""
    return await _lane_page(request, "destination/lane_part.html")


async def _lane_page(request: Request, template: str) -> Response:
    its, who = context(request), request.state.who
    row = await destinations.one(its, who, of_name(request))
    day = await stats.last_day(its, row.id)
    counted = await its.store.waiting(row.id, MOST_WAITING)
    due = await its.store.next_due(row.id)
    return render(
        request,
        template,
        row=row,
        kind=its.kinds.get(row.type),
        day=day,
        alive={state.value: counted.get(state, 0) for state in _ALIVE},
        many=counted.get(State.QUEUED, 0) + counted.get(State.HELD, 0) == MOST_WAITING,
        due=None if due is None else iso(due),
        now=iso(its.clock.now()),
        tab="lane",
    )


async def _settings(request: Request) -> Response:
    row = await destinations.one(context(request), request.state.who, of_name(request))
    saved = request.query_params.get("saved") == "yes"
    return await _form(request, row, row.settings, row.sources, [], saved=saved)


async def _other_channel(request: Request) -> Response:
    """The form as it is for another channel: nothing is saved."""
    its = context(request)
    row = await destinations.one(its, request.state.who, of_name(request))
    given = await form(request)
    kind = its.kinds.get(row.type)
    settings = row.settings | (settings_of(kind, given) if kind else {})
    return await _form(request, row, settings, given.getlist("sources"), [])


async def _save(request: Request) -> Response:
    its, who = context(request), request.state.who
    row = await destinations.one(its, who, of_name(request))
    kind = its.kinds.get(row.type)
    if kind is None:
        raise ProblemError(409, "wrong_state", f"there is no destination of the type {row.type} any more")
    given = await form(request)
    settings, sources = settings_of(kind, given), given.getlist("sources")
    try:
        wanted: dict[str, Any] = {
            "name": row.name,
            "type": row.type,
            "sources": sources,
            "settings": settings,
        }
        await destinations.put(its, who, read(wanted, PutDestination))
    except ProblemError as error:
        if error.status != 422:
            raise
        return await _form(request, row, settings, sources, error.errors or [error.detail], status=422)
    return RedirectResponse(f"/destinations/{row.name}/settings?saved=yes", 303)


async def _form(
    request: Request,
    row: DestinationView,
    settings: dict[str, Any],
    sources: list[str],
    faults: list[str],
    *,
    saved: bool = False,
    status: int = 200,
) -> Response:
    its = context(request)
    kind = its.kinds.get(row.type)
    if kind is None:
        raise ProblemError(409, "wrong_state", f"there is no destination of the type {row.type} any more")
    template = "destination/fields.html" if "hx-request" in request.headers else "destination/settings.html"
    return render(
        request,
        template,
        status,
        row=row,
        kind=kind,
        groups=groups(kind, settings, faults),
        chosen=kind.channel({"channel": settings.get("channel")}),
        sources=sources,
        every_source=[source.name for source in (await its.store.configuration()).sources],
        faults=[in_words(kind.setting(fault.partition(" ")[0]), fault) for fault in faults],
        saved=saved,
        tab="settings",
    )


async def _pause(request: Request) -> Response:
    given = await form(request)
    message = given.get("message", "").strip() or "paused by hand"
    asked = read({"name": request.path_params["name"], "message": message}, PauseGiven)
    await destinations.pause(context(request), request.state.who, asked)
    return _back(request)


async def _resume(request: Request) -> Response:
    try:
        await destinations.resume(context(request), request.state.who, of_name(request))
    except ProblemError as error:
        if error.code != "wrong_state":  # somebody was quicker
            raise
    return _back(request)


async def _test(request: Request) -> Response:
    found = await destinations.test(context(request), request.state.who, of_name(request))
    if "hx-request" in request.headers:
        return render(request, "destination/tested.html", found=found)
    row = await destinations.one(context(request), request.state.who, of_name(request))
    return render(request, "destination/tested_page.html", row=row, found=found, tab="lane")


async def _remove(request: Request) -> Response:
    its, who, asked = context(request), request.state.who, of_name(request)
    row = await destinations.one(its, who, asked)
    if (await form(request)).get("sure") != row.name:
        return render(request, "destination/remove.html", row=row)
    await destinations.remove(its, who, asked)
    return RedirectResponse("/", 303)


def _back(request: Request) -> Response:
    return RedirectResponse(f"/destinations/{request.path_params['name']}", 303)


def of_name(request: Request) -> OfName:
    try:
        return read({"name": request.path_params["name"]}, OfName)
    except ProblemError:
        raise not_found("destination", request.path_params["name"][:64]) from None


_AT = "/destinations/{name}"
routes: list[BaseRoute] = [
    guarded(_AT, _lane, role=Role.VIEWER, name="destination"),
    guarded(f"{_AT}/lane", _lane_part, role=Role.VIEWER, name="destination_lane"),
    guarded(f"{_AT}/settings", _settings, role=Role.VIEWER, name="destination_settings"),
    guarded(f"{_AT}/settings", _save, role=Role.ADMIN, methods=["POST"], name="save_destination"),
    guarded(f"{_AT}/fields", _other_channel, role=Role.ADMIN, methods=["POST"], name="destination_fields"),
    guarded(f"{_AT}/pause", _pause, role=Role.OPERATOR, methods=["POST"], name="pause_destination"),
    guarded(f"{_AT}/resume", _resume, role=Role.OPERATOR, methods=["POST"], name="resume_destination"),
    guarded(f"{_AT}/test", _test, role=Role.OPERATOR, methods=["POST"], name="test_destination"),
    guarded(f"{_AT}/remove", _remove, role=Role.ADMIN, methods=["POST"], name="remove_destination"),
]
