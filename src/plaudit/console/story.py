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
from plaudit.destinations.base import Outcome, State, What
from plaudit.manage import events, invitations, shapes
from plaudit.manage.context import context
from plaudit.manage.given import OfId, id_of
from plaudit.manage.guard import Role, guarded
from plaudit.store.decisions import Decided
from plaudit.store.meeting import INTERRUPTED

# It will be another one soon, without anybody's doing.
MOVING = frozenset({State.QUEUED, State.SENDING})
# There may be a request yet.
AHEAD = frozenset(State) - {State.ACCEPTED, State.CANCELLED}
BY_HAND = {
    Decided.RETRY: "Retried by hand",
    Decided.CANCEL: "Cancelled by hand",
    Decided.SENT: "Looked up: it had arrived",
    Decided.NOT_SENT: "Looked up: it had not arrived, send it again",
    Decided.DROP: "Looked up: it had not arrived, drop it",
}


class Moment(NamedTuple):
    """A point of the timeline. `kind` says how it is drawn."""

    at: str
    kind: str  # event, made, attempt, hand, next
    title: str
    message: str = ""
    attempt: shapes.Attempt | None = None
    event: shapes.Event | None = None
    decision: shapes.Decision | None = None


async def _story(request: Request) -> Response:
    return await _shown(request, "invitations/story.html")


async def _part(request: Request) -> Response:
    """What changes while one looks on."""
    return await _shown(request, "invitations/story_part.html")


async def _shown(request: Request, template: str) -> Response:
    its, id_ = context(request), _id(request)
    given = OfId(id=id_)
    story = await invitations.story(its, request.state.who, given)
    ahead = story.invitation.state in AHEAD
    requests = await invitations.requests(its, request.state.who, given) if ahead else []
    whom = about([story.invitation], await its.store.configuration()).get(id_)
    return _page(request, template, story, requests, whom, revealed=False)


async def _reveal(request: Request) -> Response:
    """The same in the clear. It is recorded, and the page is kept by nobody."""
    its, given = context(request), OfId(id=_id(request))
    story = await invitations.story(its, request.state.who, given)
    found = await invitations.reveal(its, request.state.who, given)
    clear = msgspec.structs.replace(
        story, invitation=found.invitation, order=found.order, history=found.history
    )
    whom = about([found.invitation], await its.store.configuration()).get(given.id)
    came = {each.id: each for each in found.events}
    return _page(request, "invitations/story.html", clear, found.requests, whom, revealed=True, came=came)


def _page(
    request: Request,
    template: str,
    story: invitations.Story,
    requests: list[dict[str, Any]],
    whom: Any,
    *,
    revealed: bool,
    came: dict[int, events.RawEvent] | None = None,
) -> Response:
    row = story.invitation
    return render(
        request,
        template,
        story=story,
        row=row,
        order=story.order,
        about=whom,
        moments=timeline(story),
        requests=requests if row.state in AHEAD else [],
        actions=possible(row.state),
        moving=row.state in MOVING and not revealed,
        revealed=revealed,
        came=came or {},
        readable=readable,
        unkept=unkept,
    )


async def _event(request: Request) -> Response:
    """An event's body, with whom it is about masked: a part of the page, for when somebody opens it."""
    id_ = _id(request, "event")
    found = await events.one(context(request), request.state.who, OfId(id=id_))
    return render(request, "invitations/event.html", body=found.body)


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
    found += [moment for each in story.decisions for moment in _decided(each)]
    found.sort(key=lambda moment: moment.at)  # stable: an event comes before what it made
    counting = any(each.undone_at is None for each in story.decisions)
    if row.reason == "by_hand" and row.state not in MOVING and not counting:  # nothing is kept of it any more
        found.append(Moment(row.updated_at, "hand", row.state.capitalize(), row.message or ""))
    if row.state in (State.HELD, State.QUEUED):
        said = "It is held until then" if row.state == State.HELD else "It is sent then, or soon after"
        found.append(Moment(row.due_at, "next", "Next", said))
    return found


def _decided(each: shapes.Decision) -> list[Moment]:
    """What somebody decided, and that it was taken back."""
    found = [Moment(each.at, "hand", BY_HAND[each.action], f"It was {each.was} before.", decision=each)]
    if each.undone_at is not None:
        said = f"“{BY_HAND[each.action]}” no longer counts. Before it, this was {each.was}."
        found.append(Moment(each.undone_at, "hand", "Undone by hand", said))
    return found


def _made(what: str) -> str:
    return "Call" if what == What.IDENTIFY else "Invitation"


def _became(event: shapes.Event, destination: str) -> str:
    for route in event.destinations:
        if route.destination == destination:
            return route.message
    return event.message


def readable(text: str) -> str:
    """A body for people: JSON with indents, all else as it is."""
    try:
        return msgspec.json.format(text, indent=2) if text[:1] in ("{", "[") else text
    except msgspec.MsgspecError:
        return text


def unkept(attempt: shapes.Attempt, row: shapes.Invitation) -> str:
    """Why an attempt has no request to look at."""
    if row.forgotten:
        return "What was sent is forgotten, as the customer is."
    if attempt.reason == INTERRUPTED:
        return "Plaudit stopped before the answer came, so neither request nor answer was written down."
    if row.what != What.INVITATION and attempt.outcome == Outcome.ACCEPTED:
        return "Of calls that went well, request and answer are not kept."
    return "Nothing was sent, or it was so long ago that it is no longer kept."


def _id(request: Request, name: str = "id") -> int:
    return id_of("invitation" if name == "id" else name, request.path_params[name])


routes: list[BaseRoute] = [
    guarded("/invitations/{id}", _story, role=Role.VIEWER, name="invitation"),
    guarded("/invitations/{id}/part", _part, role=Role.VIEWER, name="invitation_part"),
    guarded("/invitations/{id}/events/{event}", _event, role=Role.VIEWER, name="invitation_event"),
    guarded(
        "/invitations/{id}/reveal", _reveal, role=Role.OPERATOR, methods=["POST"], name="reveal_invitation"
    ),
]
