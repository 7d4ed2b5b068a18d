"""`/profiles`: one person: their names, traits, audiences, events and orders, masked until asked for; and forgetting."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.audiences import masked
from plaudit.console.views import render
from plaudit.errors import PlauditError
from plaudit.manage import privacy, profiles, shapes
from plaudit.manage.context import Context, context
from plaudit.manage.forms import form
from plaudit.manage.given import not_found
from plaudit.manage.guard import Role, guarded
from plaudit.manage.problems import ProblemError
from plaudit.manage.profiles import Known

EVENTS, ORDERS = 50, 50


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


async def _reveal(request: Request) -> Response:
    """The same in the clear. It is recorded before it is answered."""
    known = await _known(request)
    await context(request).record(request.state.who, "reveal", f"profile {known.id}")
    return await _page(request, known, revealed=True)


async def _page(request: Request, known: Known, *, revealed: bool) -> Response:
    its = context(request)
    facts = await its.store.profiles.facts(known.id, 0, EVENTS)
    orders = [
        shapes.invitation(row, masked=not revealed)
        for email in _addresses(known)
        for row in await its.store.invitations(email=email, limit=ORDERS)
    ]
    shown: Any = (lambda value: value) if revealed else shapes.masked_json
    return render(
        request,
        "profiles/one.html",
        known=known,
        names=[
            f"{each.type}: {each.value}" if revealed else masked(each.type, each.value)
            for each in known.identifiers
        ],
        traits=shown(known.traits),
        facts=[(each.name, each.timestamp, shown(each.properties)) for each in facts],
        orders=orders,
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
    its: Context = context(request)
    id_ = request.path_params["id"]
    if not (id_.isascii() and id_.isdecimal() and len(id_) < 19):
        raise not_found("profile", id_[:40])
    try:
        return await profiles.person(its.store, its.kinds, f"#{id_}", its.clock.now())
    except PlauditError:
        raise not_found("profile", id_) from None


def _addresses(known: Known) -> list[str]:
    return [each.value for each in known.identifiers if each.type == "email"]


routes: list[BaseRoute] = [
    guarded("/profiles", _ask, role=Role.VIEWER, name="profiles"),
    guarded("/profiles", _find, role=Role.VIEWER, methods=["POST"], name="find_profile"),
    guarded("/profiles/{id}", _one, role=Role.VIEWER, name="profile"),
    guarded("/profiles/{id}/reveal", _reveal, role=Role.OPERATOR, methods=["POST"], name="reveal_profile"),
    guarded("/profiles/{id}/forget", _forget, role=Role.ADMIN, methods=["POST"], name="forget_profile"),
]
