"""`/invitations/{id}`: one order's whole story, from its event to the vendor's answer, and what can be done about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from plaudit.console.decisions import possible
from plaudit.console.invitations import about
from plaudit.console.views import render
from plaudit.destinations.base import State, What
from plaudit.manage import events, invitations, shapes
from plaudit.manage.context import context
from plaudit.manage.given import OfId, not_found
from plaudit.manage.guard import Role, guarded
from plaudit.manage.showing import requests_of

# It will be another one soon, without anybody's doing.
MOVING = frozenset({State.QUEUED, State.SENDING})


class Moment(NamedTuple):
    """A point of the timeline. `kind` says how it is drawn."""

    at: str
    kind: str  # event, made, attempt, hand, next
    title: str
    message: str = ""
    attempt: shapes.Attempt | None = None
    event: shapes.Event | None = None


async def _story(request: Request) -> Response:
    return await _shown(request, "invitations/story.html")


async def _part(request: Request) -> Response:
    """What changes while one looks on."""
    return await _shown(request, "invitations/story_part.html")


async def _shown(request: Request, template: str) -> Response:
    its, id_ = context(request), _id(request)
    story = await invitations.story(its, request.state.who, OfId(id=id_))
    return render(
        request,
        template,
        story=story,
        row=story.invitation,
        order=story.order,
        about=about([story.invitation], await its.store.configuration()).get(id_),
        moments=timeline(story),
        requests=await requests_of(its, id_),
        actions=possible(story.invitation.state),
        moving=story.invitation.state in MOVING,
        revealed=None,
        pretty=pretty,
    )


async def _reveal(request: Request) -> Response:
    """The same in the clear. It is recorded, and the page is kept by nobody."""
    its, id_ = context(request), _id(request)
    story = await invitations.story(its, request.state.who, OfId(id=id_))
    found = await invitations.reveal(its, request.state.who, OfId(id=id_))
    return render(
        request,
        "invitations/story.html",
        story=story,
        row=found.invitation,
        order=found.order,
        about={},
        moments=timeline(story),
        requests=found.requests,
        actions=possible(found.invitation.state),
        moving=False,
        revealed=True,
        pretty=pretty,
    )


async def _event(request: Request) -> Response:
    """An event's body, with whom it is about masked: a part of the page, for when somebody opens it."""
    id_ = _id(request, "event")
    found = await events.one(context(request), request.state.who, OfId(id=id_))
    return render(request, "invitations/event.html", event=found.event, body=found.body, pretty=pretty)


def timeline(story: invitations.Story) -> list[Moment]:
    """What happened, in the order of its happening, and what is to come."""
    row = story.invitation
    found = [
        Moment(each.received_at, "event", each.event or each.type, _became(each, row.destination), event=each)
        for each in story.events
    ]
    found.append(Moment(row.created_at, "made", f"{_made(row.what)} made", f"for {row.destination}"))
    found += [
        Moment(each.finished_at, "attempt", f"Attempt {each.attempt}", each.message, attempt=each)
        for each in story.history
    ]
    found.sort(key=lambda moment: moment.at)  # stable: an event comes before what it made
    if row.reason == "by_hand" and row.state not in MOVING:
        found.append(Moment(row.updated_at, "hand", row.state.capitalize(), row.message or ""))
    if row.state in (State.HELD, State.QUEUED):
        said = "It is held until then" if row.state == State.HELD else "It is sent then, or soon after"
        found.append(Moment(row.due_at, "next", "Next", said))
    return found


def _made(what: str) -> str:
    return "Call" if what == What.IDENTIFY else "Invitation"


def _became(event: shapes.Event, destination: str) -> str:
    for route in event.destinations:
        if route.destination == destination:
            return route.message
    return event.message


def pretty(value: Any) -> str:
    """JSON for people."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _id(request: Request, name: str = "id") -> int:
    text = request.path_params[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise not_found("invitation" if name == "id" else name, text[:40])
    return int(text)


routes: list[BaseRoute] = [
    guarded("/invitations/{id}", _story, role=Role.VIEWER, name="invitation"),
    guarded("/invitations/{id}/part", _part, role=Role.VIEWER, name="invitation_part"),
    guarded("/invitations/{id}/events/{event}", _event, role=Role.VIEWER, name="invitation_event"),
    guarded(
        "/invitations/{id}/reveal", _reveal, role=Role.OPERATOR, methods=["POST"], name="reveal_invitation"
    ),
]
