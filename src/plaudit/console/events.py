"""`/events`: what came in, live, with what became of each and why; one event masked, or as it came if that is asked for.

The list is rendered here and goes on by an event stream, which says what is newer than the page. A source's page is
this list, of that source alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from plaudit.console.views import render, text_of
from plaudit.errors import PlauditError
from plaudit.manage import events, shapes
from plaudit.manage.context import Context, context
from plaudit.manage.events import FindEvents
from plaudit.manage.given import OfId, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.spec import dispositions

FIRST = 50  # rows of a page
MOST = 100  # rows that the stream looks back, each time
SECONDS = 1.0  # between looks
LONGEST = 300  # looks of one stream; then the browser asks again, and is asked who it is
QUIET = 15.0  # after so long with nothing to say the stream says that it lives
KNOWN = frozenset({"disposition", "order_id"})


class Wanted(NamedTuple):
    """Which events a stream tells of."""

    source: str | None
    disposition: str | None
    order_id: str | None


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
    return read({"id": request.path_params["id"]}, OfId, text=True)


async def _live(request: Request) -> Response:
    query = request.query_params
    wanted = Wanted(*(query.get(key) or None for key in Wanted._fields))
    return stream(_news(context(request), query.get("seen", ""), wanted))


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


def message(html: str, event: str = "message") -> str:
    return f"event: {event}\n" + "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"


async def looks(its: Context) -> AsyncIterator[None]:
    """One each second, until it is time to ask again or the server stops."""
    for _ in range(LONGEST):
        if its.closing.is_set():
            return
        yield
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(its.closing.wait(), SECONDS)


async def _news(its: Context, seen: str, wanted: Wanted) -> AsyncIterator[str]:
    """Rows newer than the one that the page has on top, each once."""
    shown: set[int] | None = None
    silent = 0.0
    yield ": here\n\n"
    async for _ in looks(its):
        newest = await its.store.events(
            source=wanted.source, disposition=wanted.disposition, order_id=wanted.order_id, limit=MOST
        )
        if shown is None:
            ids = [str(row.id) for row in newest]
            newer = ids.index(seen) if seen in ids else 0 if seen else len(ids)
            shown = {row.id for row in newest[newer:]}
        fresh = [row for row in newest if row.id not in shown]
        shown = {row.id for row in newest}
        for row in reversed(fresh):
            yield message(text_of("events/row.html", row=shapes.event(row), shown_source=not wanted.source))
        silent = 0.0 if fresh else silent + SECONDS
        if silent >= QUIET:
            silent = 0.0
            yield ": still here\n\n"


async def _first(request: Request) -> Response:
    return stream(_arrival(context(request), request.path_params["source"]))


async def _arrival(its: Context, source: str) -> AsyncIterator[str]:
    """Getting started: the newest event of a source, what became of it, until that is settled."""
    said, silent = "", 0.0
    yield ": here\n\n"
    async for _ in looks(its):
        for row in await its.store.events(source=source, limit=1):
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
    guarded("/events/first/{source}", _first, role=Role.VIEWER, name="events_first"),
    guarded("/events/{id:int}", _one, role=Role.VIEWER, name="event"),
    guarded("/events/{id:int}/raw", _raw, role=Role.OPERATOR, methods=["POST"], name="event_raw"),
]
