"""`/events`: what came in, live, with what became of each and why; one event masked, or as it came if that is asked for.

The list is rendered here and goes on by an event stream, which says what is newer than the page. A source's page is
this list, of that source alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from plaudit.console.views import render, text_of
from plaudit.errors import PlauditError
from plaudit.manage import events, shapes
from plaudit.manage.context import Context, context
from plaudit.manage.events import FindEvents
from plaudit.manage.given import OfId, id_of, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.spec import dispositions

FIRST = 50  # rows of a page
MOST = 100  # rows that the stream looks back, each time
SECONDS = 1.0  # between looks
LONGEST = 300  # looks of one stream; then the browser asks again, and is asked who it is
QUIET = 15.0  # after so long with nothing to say the stream says that it lives
KNOWN = frozenset({"disposition", "order_id"})


async def _page(request: Request) -> Response:
    return await listing(request, "events/page.html")


async def listing(request: Request, template: str, source: str | None = None, **values: Any) -> Response:
    """A page with the list: of one source, or of all."""
    its, query = context(request), request.query_params
    chosen = {key: query[key].strip() for key in KNOWN if query.get(key, "").strip()}
    asked: dict[str, Any] = {**chosen, "limit": FIRST}
    problem, found = "", events.Events([], None)
    if query.get("cursor"):
        asked["cursor"] = query["cursor"]
    try:
        given = read(asked | ({"source": source} if source else {}), FindEvents)
        found = await events.find(its, request.state.who, given)
    except ProblemError as error:
        if error.status != 400:
            raise
        problem = error.detail
    return render(
        request,
        template,
        found=found,
        chosen=chosen,
        problem=problem,
        source=source,
        live=not query.get("cursor") and not problem,
        sentences=dispositions.SENTENCES,
        **values,
    )


async def _one(request: Request) -> Response:
    """Beside the list; or on a page of its own, which can be passed on."""
    found = await events.one(context(request), request.state.who, _id(request))
    template = "events/detail.html" if "hx-request" in request.headers else "events/one.html"
    return render(request, template, found=found, raw=None)


async def _raw(request: Request) -> Response:
    its, who = context(request), request.state.who
    raw = await events.reveal(its, who, _id(request))
    found = await events.one(its, who, _id(request))
    level = 1 if request.query_params.get("alone") else 2
    return render(request, "events/detail.html", found=found, raw=raw, level=level)


def _id(request: Request) -> OfId:
    return OfId(id=id_of("event", request.path_params["id"]))


async def _live(request: Request) -> Response:
    query = request.query_params
    wanted = read({key: query[key] for key in (*KNOWN, "source") if query.get(key)}, FindEvents)
    events.selection(wanted)  # which says what is wrong with it
    # A browser that asks again says what it had.
    seen = request.headers.get("last-event-id") or query.get("seen", "")
    return stream(_news(context(request), seen, wanted))


def stream(messages: AsyncIterator[str]) -> Response:
    """Server-sent events: `messages` are already in their form."""
    return StreamingResponse(
        _until_trouble(messages),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no", "cache-control": "no-store"},
    )


async def _until_trouble(messages: AsyncIterator[str]) -> AsyncIterator[str]:
    """A stream that ends is asked for again by the browser: so it ends when the store is away."""
    with contextlib.suppress(PlauditError):
        async for each in messages:
            yield each


def message(html: str, id_: int | None = None) -> str:
    numbered = "" if id_ is None else f"id: {id_}\n"
    return f"event: message\n{numbered}" + "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"


async def looks(its: Context) -> AsyncIterator[None]:
    """One each second, until it is time to ask again or the server stops."""
    for _ in range(LONGEST):
        if its.closing.is_set():
            return
        yield
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(its.closing.wait(), SECONDS)


async def _news(its: Context, seen: str, wanted: FindEvents) -> AsyncIterator[str]:
    """Rows newer than the one that the page has on top, each once; and a row that says so where more came than `MOST`."""
    shown: set[int] | None = None
    silent = 0.0
    yield f"retry: {int(SECONDS * 1000)}\n\n"
    async for _ in looks(its):
        newest = await its.store.events(**events.selection(wanted), limit=MOST + 1)
        if shown is None:
            ids = [str(row.id) for row in newest]
            shown = {row.id for row in newest[ids.index(seen) :]} if seen in ids else set()
        fresh = [row for row in newest if row.id not in shown]
        shown = {row.id for row in newest}
        if len(fresh) > MOST:
            fresh = fresh[:MOST]
            yield message(text_of("events/more.html", href=_before(fresh[-1].id, wanted), last=fresh[-1].id))
        for row in reversed(fresh):
            html = text_of("events/row.html", row=shapes.event(row), shown_source=not wanted.source)
            yield message(html, row.id)
        silent = 0.0 if fresh else silent + SECONDS
        if silent >= QUIET:
            silent = 0.0
            yield ": still here\n\n"


def _before(id_: int, wanted: FindEvents) -> str:
    """Where the events stand that came before this one."""
    chosen = {key: value for key in sorted(KNOWN) if (value := getattr(wanted, key))}
    at = f"/sources/{quote(wanted.source)}" if wanted.source else "/events"
    return f"{at}?{urlencode({**chosen, 'cursor': id_})}"


async def _first(request: Request) -> Response:
    return stream(_arrival(context(request), request.query_params.getlist("source")[:MOST]))


async def _arrival(its: Context, sources: list[str]) -> AsyncIterator[str]:
    """Getting started: the newest event of these sources, and what became of it."""
    said, silent = "", 0.0
    yield f"retry: {int(SECONDS * 1000)}\n\n"
    async for _ in looks(its):
        newest = [row for source in sources for row in await its.store.events(source=source, limit=1)]
        for row in sorted(newest, key=lambda row: row.received_at)[-1:]:
            event = shapes.event(row)
            ids = [each.invitation for each in event.destinations if each.invitation]
            invitation = await its.store.invitation(ids[0]) if ids else None
            html = text_of("start/arrived.html", event=event, invitation=invitation)
            if html != said:
                said, silent = html, 0.0
                yield message(html)
        silent += SECONDS
        if silent >= QUIET:
            silent = 0.0
            yield ": still here\n\n"


routes: list[BaseRoute] = [
    guarded("/events", _page, role=Role.VIEWER, name="events"),
    guarded("/events/live", _live, role=Role.VIEWER, name="events_live"),
    guarded("/events/first", _first, role=Role.VIEWER, name="events_first"),
    guarded("/events/{id}", _one, role=Role.VIEWER, name="event"),
    guarded("/events/{id}/raw", _raw, role=Role.OPERATOR, methods=["POST"], name="event_raw"),
]
