"""`/destinations/{name}/tester`: an event, edited in place: what it would cause, with nothing sent; then for real."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from plaudit.clock import iso
from plaudit.console.destination import of_name
from plaudit.console.views import pretty, render
from plaudit.manage import destinations, events, shapes, sources
from plaudit.manage.context import context
from plaudit.manage.destinations import DestinationView
from plaudit.manage.forms import form
from plaudit.manage.given import OfId, id_of, number, read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.manage.sources import TryEvent
from plaudit.spec import dispositions

RECENT = 10
PATIENCE_MS = 30_000  # after so long the page stops asking, and says what it knows


async def _tester(request: Request) -> Response:
    its = context(request)
    row = await _row(request)
    chosen = request.query_params.get("source") or (row.sources[0] if row.sources else "")
    text = pretty(sample(its.clock.now()))
    return await _page(request, row, chosen, text)


async def _from_event(request: Request) -> Response:
    """A recent event into the editor. It has a customer in it, so that is recorded."""
    row, its = await _row(request), context(request)
    given = await form(request)
    id_ = id_of("event", given.get("event", ""))
    raw = await events.reveal(its, request.state.who, OfId(id=id_))
    event = dict(raw.json) if isinstance(raw.json, dict) else {}
    for own in ("messageId", "timestamp", "sentAt", "originalTimestamp"):  # it shall count as a new one
        event.pop(own, None)
    shown = pretty(event) if event else raw.text
    return await _page(request, row, given.get("source", ""), shown)


async def _try(request: Request) -> Response:
    """Dry first; `do` = send: for real."""
    row, its, who = await _row(request), context(request), request.state.who
    given = await form(request)
    source, text = given.get("source", ""), given.get("text", "")
    values: dict[str, Any] = {"problem": "", "findings": None, "invites": False}
    try:
        event = msgspec.json.decode(text)
        asked = read({"name": source, "event": event, "destination": row.name}, TryEvent)
        if given.get("do") == "send":
            values |= {"sent": await sources.send(its, who, asked), "now": its.clock.now()}
        else:
            found = (await sources.check(its, who, asked)).data
            invites = any(each.disposition == dispositions.INVITED and each.requests for each in found)
            values |= {"findings": found, "invites": invites}
    except msgspec.DecodeError as error:
        values["problem"] = f"this is no JSON: {error}"
    except RecursionError:
        values["problem"] = "this is no JSON that can be read: it is nested too deeply"
    except ProblemError as error:
        if error.status not in (400, 404, 422):
            raise
        values["problem"] = error.detail
    if "hx-request" in request.headers:
        return render(request, "destination/result.html", row=row, source=source, text=text, **values)
    return await _page(request, row, source, text, **values)


async def _became(request: Request) -> Response:
    """What became of an event that was sent: asked again until it is known, or has taken too long."""
    its, row = context(request), await _row(request)
    id_, since = (_number(request, name) for name in ("event", "since"))
    now, found = its.clock.now(), await its.store.event(id_)
    event = shapes.event(found) if found else None
    late = event is None and now - since > PATIENCE_MS
    return render(
        request,
        "destination/became.html",
        row=row,
        id=id_,
        event=event,
        route=next((each for each in event.destinations if each.destination == row.name), None)
        if event
        else None,
        late=late,
        waited=now - since,
        since=now if late else since,
        ahead=await events.ahead(its, id_) if late else None,
    )


def _number(request: Request, name: str) -> int:
    found = number(request.query_params.get(name, ""))
    if found is None:
        raise ProblemError(400, "bad_request", f"{name} must be a number")
    return found


async def _page(request: Request, row: DestinationView, source: str, text: str, **result: Any) -> Response:
    its = context(request)
    recent = await its.store.events(source=source, limit=RECENT) if source else []
    values: dict[str, Any] = {"problem": "", "findings": None}
    return render(
        request,
        "destination/tester.html",
        row=row,
        kind=its.kinds.get(row.type),
        source=source,
        text=text,
        recent=[(event.id, event.event or event.type, iso(event.received_at)) for event in recent],
        tab="tester",
        **(values | result),
    )


def sample(now: int) -> dict[str, Any]:
    """An order like a shop's, of somebody who does not exist."""
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": "test-customer",
        "context": {"locale": "en-GB", "traits": {"email": "ada@example.com", "firstName": "Ada"}},
        "properties": {
            "order_id": f"test-{now // 1000}",
            "total": 27.5,
            "currency": "EUR",
            "products": [{"sku": "SKU-1", "name": "Blue cup", "price": 27.5, "quantity": 1}],
        },
    }


async def _row(request: Request) -> DestinationView:
    return await destinations.one(context(request), request.state.who, of_name(request))


_AT = "/destinations/{name}/tester"
routes: list[BaseRoute] = [
    guarded(_AT, _tester, role=Role.OPERATOR, name="tester"),
    guarded(_AT, _try, role=Role.OPERATOR, methods=["POST"], name="try_event"),
    guarded(f"{_AT}/event", _from_event, role=Role.OPERATOR, methods=["POST"], name="tester_event"),
    guarded(f"{_AT}/became", _became, role=Role.OPERATOR, name="tester_became"),
]
