"""`/invitations`: the ledger, searched by order, customer, state and time, a page at a time.

Who looks for an address posts it, so that no address comes to stand in a link or in a proxy's log.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.destinations.base import ATTENTION, State, What
from plaudit.manage import invitations
from plaudit.manage.context import Context, context
from plaudit.manage.forms import form
from plaudit.manage.given import read
from plaudit.manage.guard import Role, guarded
from plaudit.manage.invitations import SearchInvitations
from plaudit.manage.problems import ProblemError
from plaudit.manage.shapes import Invitation
from plaudit.store.base import Configuration

CONDITIONS = ("what", "order_id", "email", "state", "destination", "source", "reason", "since", "until")
AGO = ("1 hour", "1 day", "7 days", "30 days")


async def _list(request: Request) -> Response:
    chosen = _conditions(request.query_params)
    if chosen.pop("email", None):
        return await _page(
            request, chosen, None, "An address does not belong into a link: search for it here."
        )
    return await _page(request, chosen, request.query_params.get("cursor"))


async def _search(request: Request) -> Response:
    """To the list's own address, unless that would name a person."""
    given = await form(request)
    chosen = _conditions(given)
    wanted = given.get("q", "").strip()
    if wanted:
        chosen["email" if "@" in wanted else "order_id"] = wanted
    if "email" in chosen:
        return await _page(request, chosen, given.get("cursor") or None)
    return RedirectResponse(address(chosen), 303)


async def _page(request: Request, chosen: dict[str, str], cursor: str | None, problem: str = "") -> Response:
    its = context(request)
    found = invitations.Invitations([], None)
    try:
        asked = read(chosen | ({"cursor": cursor} if cursor else {}), SearchInvitations, text=True)
        found = await invitations.search(its, request.state.who, asked)
    except ProblemError as error:
        if error.status != 400:
            raise
        problem = error.detail
    there = await its.store.configuration()
    calls = chosen.get("what") == What.IDENTIFY
    return render(
        request,
        "invitations/list.html",
        calls=calls,
        about=about(found.data, there) if calls else {},
        found=found,
        chosen=chosen,
        kept={key: value for key, value in chosen.items() if key in ("state", "what")},
        others={key: value for key, value in chosen.items() if key != "state"},
        problem=problem,
        first=cursor is None,
        states=[each.value for each in State],
        waiting=await waiting(its, What.IDENTIFY if calls else What.INVITATION),
        destinations=[row.name for row in there.destinations],
        sources=[*(row.name for row in there.sources), *(row.name for row in there.inlets)],
        ago=AGO,
        address=address,
    )


def _conditions(given: Any) -> dict[str, str]:
    """Those that say something."""
    found = {key: str(given.get(key) or "").strip() for key in CONDITIONS}
    return {key: value for key, value in found.items() if value and (key, value) != ("what", What.INVITATION)}


def address(chosen: dict[str, str], **others: str) -> str:
    """The list with these conditions, and others in their places; "" takes one away."""
    asked = {key: value for key, value in (chosen | others).items() if value and key != "email"}
    return "/invitations" + (f"?{urlencode(asked)}" if asked else "")


class About(NamedTuple):
    """What a call tells: of which audience or trait, about which profile."""

    kind: str
    name: str
    title: str
    profile: int


def about(calls: list[Invitation], there: Configuration) -> dict[int, About]:
    """By the id of the call; without those that were passed on as they came, which have a message id for a key."""
    definitions = {each.id: each for each in there.definitions}
    found = {}
    for call in calls:
        definition, _, rest = call.order_id.partition("/")
        profile = rest.partition("/")[0]
        if definition.isdecimal() and profile.isdecimal() and (its := definitions.get(int(definition))):
            found[call.id] = About(its.kind, its.name, its.title, int(profile))
    return found


async def waiting(its: Context, what: What) -> dict[str, int]:
    """How many wait for a person, by state."""
    everywhere = await its.store.attention(what)
    counted = {state.value: sum(each.get(state, 0) for each in everywhere.values()) for state in ATTENTION}
    return {state: number for state, number in counted.items() if number}


routes: list[BaseRoute] = [
    guarded("/invitations", _list, role=Role.VIEWER, name="invitations"),
    guarded("/invitations", _search, role=Role.VIEWER, methods=["POST"], name="search_invitations"),
]
