"""`/`: from events to accepted invitations, what fell out on the way and why, and what needs somebody now."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.destinations.base import ATTENTION
from plaudit.manage import stats
from plaudit.manage.context import context
from plaudit.manage.given import read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.spec import timestamps

SPANS = {"day": "24 hours", "week": "7 days", "month": "30 days", "year": "a year"}
AGO = {"day": "1 day", "week": "7 days", "month": "30 days", "year": "365 days"}


class Step(NamedTuple):
    """One step of the funnel. `share`: of the step before, 0 to 1; None: there was nothing."""

    title: str
    number: int
    href: str
    share: float | None


async def _page(request: Request) -> Response:
    its, span = context(request), request.query_params.get("span", "week")
    there = await its.store.configuration()
    if not there.sources and not there.destinations and request.state.who.role.covers(Role.ADMIN):
        return RedirectResponse("/start", 303)
    destination = request.query_params.get("destination") or None
    asked = {"span": span} | ({"destination": destination} if destination else {})
    try:
        found = await stats.overview(its, request.state.who, read(asked, stats.Overviewed))
    except ProblemError as error:
        if error.status not in (400, 404):
            raise
        return RedirectResponse("/", 303)
    return render(
        request,
        "overview/page.html",
        found=found,
        steps=_steps(found, span, destination),
        lost=_lost(found, span, destination),
        span_=span,
        spans=SPANS,
        destination=destination,
        destinations=[row.name for row in there.destinations],
        series=msgspec.json.encode(_series(found)).decode(),
        link=link,
        ended=_ENDED,
    )


def _steps(found: stats.Overview, span: str, destination: str | None) -> list[Step]:
    ago = AGO[span]
    numbers = [
        ("Events", found.events, "/events"),
        ("Orders", found.orders, "/events"),
        ("Invitations", found.invitations, link("/invitations", destination=destination, since=ago)),
        (
            "Accepted",
            found.accepted,
            link("/invitations", destination=destination, state="accepted", since=ago),
        ),
    ]
    if destination is not None:
        numbers = numbers[2:]
    before = [0, *(number for _, number, _ in numbers)]
    return [
        Step(title, number, href, min(number / before[n], 1.0) if before[n] else None)
        for n, (title, number, href) in enumerate(numbers)
    ]


class Loss(NamedTuple):
    """Why something went no further. `after`: the step that it came to."""

    after: str
    code: str
    message: str
    number: int
    href: str


def _lost(found: stats.Overview, span: str, destination: str | None) -> list[Loss]:
    lost = [
        Loss(
            "Orders" if each.step == "order" else "Events",
            each.disposition,
            each.message,
            each.number,
            link("/events", disposition=each.disposition),
        )
        for each in found.fell_out
        if destination is None
    ]
    lost += [
        Loss(
            "Invitations",
            state,
            _ENDED[state],
            number,
            link("/invitations", destination=destination, state=state, since=AGO[span]),
        )
        for state, number in found.ended.items()
        if state in ATTENTION and number
    ]
    return lost


_ENDED = {
    "refused": "the vendor says that the data is bad",
    "failed": "given up after all tries; can be retried",
    "blocked": "the destination's settings do not work",
    "uncertain": "nobody knows whether it arrived",
}


def _series(found: stats.Overview) -> list[list[float]]:
    """As uPlot takes it: seconds, then one list a line."""
    at = [_seconds(each.at) for each in found.series]
    return [
        at,
        [each.events for each in found.series],
        [each.orders for each in found.series],
        [each.accepted for each in found.series],
    ]


def _seconds(iso: str) -> float:
    return (timestamps.parse(iso) or 0) / 1000


def link(path: str, **asked: str | None) -> str:
    """A path with the conditions that say something."""
    said = {key: value for key, value in asked.items() if value}
    return path + (f"?{urlencode(said)}" if said else "")


routes: list[BaseRoute] = [guarded("/", _page, role=Role.VIEWER, name="overview")]
