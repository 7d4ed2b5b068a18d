"""`/profiles`: one person: their names, traits, audiences, events and orders, masked until asked for; and forgetting."""

from __future__ import annotations

import contextlib
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.audiences import named
from plaudit.console.views import render
from plaudit.destinations.base import What
from plaudit.errors import PlauditError
from plaudit.manage import events, privacy, profiles, shapes
from plaudit.manage.context import context
from plaudit.manage.forms import form
from plaudit.manage.given import id_of, not_found, number
from plaudit.manage.guard import Role, guarded
from plaudit.manage.masking import masked_json
from plaudit.manage.problems import ProblemError
from plaudit.manage.profiles import Known

EVENTS, ORDERS = 50, 50
NOBODY = "This customer has no profile: their events are not processed yet, were forgotten, or kept out of profiles."


async def _ask(request: Request) -> Response:
    return render(request, "profiles/ask.html", wanted="", problem="")


async def _find(request: Request) -> Response:
    """It is asked by a form, so that no name of a person comes to stand in an address."""
    its, wanted = context(request), (await form(request)).get("who", "").strip()
    try:
        known = await profiles.person(its.store, its.kinds, wanted, its.clock.now())
    except PlauditError as error:
        return render(request, "profiles/ask.html", 404, wanted=wanted[:300], problem=str(error))
    return RedirectResponse(f"/profiles/{known.id}", 303)


async def _one(request: Request) -> Response:
    return await _page(request, await _known(request), revealed=False)


async def _of_event(request: Request) -> Response:
    its, id_ = context(request), id_of("event", request.path_params["id"])
    if await its.store.event(id_) is None:
        raise not_found("event", str(id_))
    return await _seek(request, await events.names(its, id_))


async def _of_invitation(request: Request) -> Response:
    """The customer's, or of a call, the profile that it is about."""
    its, id_ = context(request), id_of("invitation", request.path_params["id"])
    row = await its.store.invitation(id_)
    if row is None:
        raise not_found("invitation", str(id_))
    if row.what == What.IDENTIFY:
        return await _seek(request, [f"#{row.order_id.split('/')[1]}"] if "/" in row.order_id else [])
    return await _seek(request, [row.order.email] if row.order is not None and row.order.email else [])


async def _seek(request: Request, names: list[str]) -> Response:
    """To the profile of the first name that is known, so that no name comes to stand in an address."""
    its = context(request)
    for name in names:
        with contextlib.suppress(PlauditError):
            known = await profiles.person(its.store, its.kinds, name, its.clock.now())
            return RedirectResponse(f"/profiles/{known.id}", 303)
    return render(request, "profiles/ask.html", 404, wanted="", problem=NOBODY)


async def _reveal(request: Request) -> Response:
    """The same in the clear. It is recorded before it is answered."""
    known = await _known(request)
    await context(request).record(request.state.who, "reveal", f"profile {known.id}")
    return await _page(request, known, revealed=True)


async def _page(request: Request, known: Known, *, revealed: bool) -> Response:
    its, query = context(request), request.query_params
    before = {key: number(query.get(key, "")) for key in ("orders", "events")}
    facts = await its.store.profiles.facts(known.id, before["events"] or 0, EVENTS + 1)
    shown_facts = sorted(facts[:EVENTS], key=lambda each: -each.timestamp)  # they come as they arrived
    orders = [
        shapes.invitation(row, masked=not revealed)
        for email in _addresses(known)
        for row in await its.store.invitations(email=email, before=before["orders"], limit=ORDERS + 1)
    ]
    orders.sort(key=lambda each: -each.id)  # those of all addresses, the newest first
    seen = known if revealed else await profiles.masked(its.store, known)
    shown: Any = (lambda value: value) if revealed else masked_json
    return render(
        request,
        "profiles/one.html",
        known=seen,
        names=[named(each) for each in seen.identifiers],
        facts=[(each.id, each.name, each.timestamp, shown(each.properties)) for each in shown_facts],
        titles={(each.kind, each.name): each.title for each in (await its.store.configuration()).definitions},
        orders=orders[:ORDERS],
        older_orders=orders[ORDERS - 1].id if len(orders) > ORDERS else None,
        older_events=facts[EVENTS - 1].id if len(facts) > EVENTS else None,
        before=before,
        revealed=revealed,
        forgettable=bool(_addresses(known)),
    )


async def _forget(request: Request) -> Response:
    """Counts first; with `sure` it is done, and cannot be undone."""
    its, known = context(request), await _known(request)
    addresses = _addresses(known)
    if not addresses:
        raise ProblemError(
            409,
            "wrong_state",
            "no e-mail address of this person is known, and who is forgotten is known by one",
        )
    sure = (await form(request)).get("sure") == str(known.id)
    done = [
        await privacy.forget(its, request.state.who, privacy.Forget(email=email, dry_run=not sure))
        for email in addresses
    ]
    return render(
        request,
        "profiles/forget.html",
        known=known,
        sure=sure,
        deliveries=sum(each.deliveries for each in done),
        asked=[asked for each in done for asked in each.asked],
        note=done[0].note,
    )


async def _known(request: Request) -> Known:
    return await profiles.of_id(context(request), id_of("profile", request.path_params["id"]))


def _addresses(known: Known) -> list[str]:
    return [each.value for each in known.identifiers if each.type == "email"]


routes: list[BaseRoute] = [
    guarded("/profiles", _ask, role=Role.VIEWER, name="profiles"),
    guarded("/profiles", _find, role=Role.VIEWER, methods=["POST"], name="find_profile"),
    guarded("/events/{id}/profile", _of_event, role=Role.VIEWER, name="event_profile"),
    guarded("/invitations/{id}/profile", _of_invitation, role=Role.VIEWER, name="invitation_profile"),
    guarded("/profiles/{id}", _one, role=Role.VIEWER, name="profile"),
    guarded("/profiles/{id}/reveal", _reveal, role=Role.OPERATOR, methods=["POST"], name="reveal_profile"),
    guarded("/profiles/{id}/forget", _forget, role=Role.ADMIN, methods=["POST"], name="forget_profile"),
]
