"""`/settings/…`: people and roles, one's own password, tokens of programs, and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from plaudit.console.views import render
from plaudit.manage import people
from plaudit.manage.context import context
from plaudit.manage.forms import form
from plaudit.manage.given import Nothing, OfId, id_of, read
from plaudit.manage.guard import Role, guarded, keep
from plaudit.manage.passwords import SHORTEST
from plaudit.manage.problems import ProblemError
from plaudit.store.decisions import Decided


async def _begin(request: Request) -> Response:
    admin = request.state.who.role.covers(Role.ADMIN)
    return RedirectResponse("/settings/people" if admin else "/settings/account", 303)


def _again(given: Mapping[str, str]) -> dict[str, str]:
    """What a dialog shows again; a password is typed again."""
    return {key: given.get(key, "")[:1000] for key in ("name", "role")}


async def _people(request: Request) -> Response:
    return await _show_people(request)


async def _show_people(
    request: Request,
    error: ProblemError | None = None,
    at: str = "",
    given: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """`at`: the dialog that the error is of, which is open again with what was given."""
    found = await people.find(context(request), request.state.who, Nothing())
    return render(
        request,
        "settings/people.html",
        error.status if error else 200,
        people=found.data,
        problem=error.detail if error else "",
        at=at,
        given=_again(given),
        roles=list(Role),
        shortest=SHORTEST,
    )


async def _add_person(request: Request) -> Response:
    given = await form(request)
    asked = {key: given.get(key, "") for key in ("name", "role", "password")}
    try:
        await people.add(context(request), request.state.who, read(asked, people.AddPerson))
    except ProblemError as error:
        return await _show_people(request, _plain(error), "add-person", asked)
    return RedirectResponse("/settings/people", 303)


async def _change_person(request: Request) -> Response:
    """A role, or a password: whichever the form has."""
    given = await form(request)
    asked: dict[str, Any] = {key: given[key] for key in ("role", "password") if given.get(key)}
    try:
        await people.change(
            context(request), request.state.who, read({**asked, "id": _id(request)}, people.ChangePerson)
        )
    except ProblemError as error:
        at = f"password-{_id(request)}" if "password" in asked else ""
        return await _show_people(request, _plain(error), at)
    return RedirectResponse("/settings/people", 303)


async def _remove_person(request: Request) -> Response:
    try:
        await people.remove(context(request), request.state.who, read({"id": _id(request)}, OfId))
    except ProblemError as error:
        return await _show_people(request, error)
    return RedirectResponse("/settings/people", 303)


async def _account(request: Request) -> Response:
    return render(request, "settings/account.html", problem="", shortest=SHORTEST)


async def _change_password(request: Request) -> Response:
    given = await form(request)
    asked = {key: given.get(key, "") for key in ("password", "new")}
    try:
        await people.change_password(context(request), request.state.who, read(asked, people.ChangePassword))
    except ProblemError as error:
        said = _plain(error)
        return render(request, "settings/account.html", said.status, problem=said.detail, shortest=SHORTEST)
    return keep(request, RedirectResponse("/sign-in", 303), "")  # it ended every session


async def _tokens(request: Request) -> Response:
    return await _show_tokens(request)


async def _show_tokens(
    request: Request,
    error: ProblemError | None = None,
    made: people.NewToken | None = None,
    given: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    found = await people.tokens(context(request), request.state.who, Nothing())
    return render(
        request,
        "settings/tokens.html",
        error.status if error else 200,
        tokens=found.data,
        problem=error.detail if error else "",
        made=made,
        given=_again(given),
        roles=list(Role),
    )


async def _add_token(request: Request) -> Response:
    """Answers with the page itself: the token is shown this once, and stands in no address."""
    given = await form(request)
    asked = {key: given.get(key, "") for key in ("name", "role")}
    try:
        made = await people.add_token(context(request), request.state.who, read(asked, people.AddToken))
    except ProblemError as error:
        return await _show_tokens(request, _plain(error), given=asked)
    return await _show_tokens(request, made=made)


async def _remove_token(request: Request) -> Response:
    await people.remove_token(context(request), request.state.who, read({"id": _id(request)}, OfId))
    return RedirectResponse("/settings/tokens", 303)


async def _audit(request: Request) -> Response:
    query = request.query_params
    asked = {key: query[key] for key in ("cursor", "action") if query.get(key)}
    problem, found = "", people.Audit([], None)
    try:
        found = await people.audit(context(request), request.state.who, read(asked, people.FindAudit))
    except ProblemError as error:
        if error.status != 400:
            raise
        problem = error.detail
    return render(
        request,
        "settings/audit.html",
        entries=found.data,
        next=found.next,
        first="cursor" not in asked,
        action=asked.get("action", ""),
        decisions=frozenset(Decided),
        links={each.about: _place(each.about) for each in found.data},
        problem=problem,
    )


def _place(about: str) -> str:
    """Where that is which an entry is about; "": it has no page."""
    thing, _, name = about.removeprefix("write key of ").partition(" ")
    at = {"person": "people", "token": "tokens", "configuration": "configuration"}.get(thing)
    if at is not None:
        return f"/settings/{at}"
    known = ("destination", "source", "invitation", "profile", "event", "audience", "trait")
    return f"/{thing}s/{quote(name)}" if thing in known and name else ""


def _id(request: Request) -> int:
    return id_of("person or token", request.path_params["id"])


def _plain(error: ProblemError) -> ProblemError:
    """An empty field, as a person would say it."""
    if error.code != "bad_request":
        return error
    return ProblemError(422, "bad_request", "fill in every field")


routes: list[BaseRoute] = [
    guarded("/settings", _begin, role=Role.VIEWER, name="settings"),
    guarded("/settings/account", _account, role=Role.VIEWER, name="account"),
    guarded("/settings/account", _change_password, role=Role.VIEWER, methods=["POST"], name="own_password"),
    guarded("/settings/people", _people, role=Role.ADMIN, name="people"),
    guarded("/settings/people", _add_person, role=Role.ADMIN, methods=["POST"], name="add_person"),
    guarded("/settings/people/{id}", _change_person, role=Role.ADMIN, methods=["POST"], name="change_person"),
    guarded(
        "/settings/people/{id}/remove",
        _remove_person,
        role=Role.ADMIN,
        methods=["POST"],
        name="remove_person",
    ),
    guarded("/settings/tokens", _tokens, role=Role.ADMIN, name="tokens"),
    guarded("/settings/tokens", _add_token, role=Role.ADMIN, methods=["POST"], name="add_token"),
    guarded(
        "/settings/tokens/{id}/remove",
        _remove_token,
        role=Role.ADMIN,
        methods=["POST"],
        name="remove_token",
    ),
    guarded("/settings/audit", _audit, role=Role.ADMIN, name="audit"),
]
