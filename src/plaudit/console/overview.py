"""`/`: from events to accepted invitations, what fell out on the way and why, and what needs somebody now."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.manage import stats
from plaudit.manage.context import context
from plaudit.manage.events import ORDERS
from plaudit.manage.given import read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.spec import timestamps

SPANS = {"day": "24 hours", "week": "7 days", "month": "30 days", "year": "a year"}


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
    lines = ["Events", "Orders", "Accepted"] if destination is None else ["Invitations", "Accepted"]
    return render(
        request,
        "overview/page.html",
        found=found,
        steps=_steps(found, destination),
        lost=_lost(found, destination),
        span_=span,
        spans=SPANS,
        destination=destination,
        destinations=[row.name for row in there.destinations],
        lines=lines,
        names=msgspec.json.encode(lines).decode(),
        series=msgspec.json.encode(_series(found, lines)).decode(),
        link=link,
        waits=_WAITS,
    )


def _steps(found: stats.Overview, destination: str | None) -> list[Step]:
    made = {"destination": destination, "since": found.since}
    numbers = [
        ("Events", found.events, "/events"),
        ("Orders", found.orders, link("/events", disposition=ORDERS)),
        ("Invitations", found.invitations, link("/invitations", **made)),
        ("Accepted", found.accepted, link("/invitations", **made, state="accepted")),
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


def _lost(found: stats.Overview, destination: str | None) -> list[Loss]:
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
            _WAITS[state],
            number,
            link("/invitations", destination=destination, state=state, since=found.since),
        )
        for state, number in found.waiting.items()
    ]
    return lost


_WAITS = {
    "refused": "the vendor says that the data is bad",
    "failed": "given up after all tries; can be retried",
    "blocked": "the destination's settings do not work",
    "uncertain": "nobody knows whether it arrived",
}


def _series(found: stats.Overview, lines: list[str]) -> list[list[float]]:
    """As uPlot takes it: seconds, then one list a line."""
    at = [_seconds(each.at) for each in found.series]
    return [at, *([getattr(each, line.lower()) for each in found.series] for line in lines)]


def _seconds(iso: str) -> float:
    return (timestamps.parse(iso) or 0) / 1000


def link(path: str, **asked: str | None) -> str:
    """A path with the conditions that say something."""
    said = {key: value for key, value in asked.items() if value}
    return path + (f"?{urlencode(said)}" if said else "")


routes: list[BaseRoute] = [guarded("/", _page, role=Role.VIEWER, name="overview")]
