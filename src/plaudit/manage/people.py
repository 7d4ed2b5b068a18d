"""People with their roles, tokens of programs, and the audit log of what all of them did."""

from __future__ import annotations

import msgspec

from plaudit.clock import iso
from plaudit.manage import passwords
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Id, Nothing, OfId, Page, Text, not_found
from plaudit.manage.problems import ProblemError
from plaudit.manage.sessions import new_token
from plaudit.store.access import Person, Role, Via, Who, hashed

LAST_ADMIN = "an admin must be left: make somebody else one first"


class PersonView(msgspec.Struct):
    id: int
    name: str
    role: Role
    created_at: str


class People(msgspec.Struct):
    data: list[PersonView]


class Me(msgspec.Struct):
    """Who asks."""

    name: str
    role: Role
    via: Via


class AddPerson(Given, kw_only=True):
    name: Text
    role: Role
    password: Text


class ChangePerson(Given, kw_only=True):
    id: Id
    role: Role | None = None
    password: Text | None = None


class ChangePassword(Given, kw_only=True):
    """One's own; the one before is asked for."""

    password: Text
    new: Text


class TokenView(msgspec.Struct):
    id: int
    name: str
    role: Role
    created_at: str
    used_at: str | None


class Tokens(msgspec.Struct):
    data: list[TokenView]


class AddToken(Given, kw_only=True):
    name: Text
    role: Role


class NewToken(msgspec.Struct):
    """`token` is shown this once."""

    id: int
    name: str
    role: Role
    token: str


class FindAudit(Page, kw_only=True):
    action: Text | None = None


class AuditEntry(msgspec.Struct):
    """`who` null: whoever may run commands on the machine."""

    id: int
    at: str
    via: str
    who: str | None
    action: str
    about: str
    detail: str


class Audit(msgspec.Struct):
    data: list[AuditEntry]
    next: str | None


async def me(context: Context, who: Who, given: Nothing) -> Me:
    del context, given
    return Me(who.name, who.role, who.via)


async def find(context: Context, who: Who, given: Nothing) -> People:
    del who, given
    return People([_person(each) for each in await context.store.access.people()])


async def add(context: Context, who: Who, given: AddPerson) -> PersonView:
    name, kept = passwords.login(given.name), await passwords.make(given.password)
    if await context.store.access.password(name) is not None:
        raise ProblemError(409, "exists", f"there is a person {name} already")
    await context.record(who, "add", f"person {name}", given.role)
    person = await context.store.access.add_person(name, given.role, kept, context.clock.now())
    if person is None:
        raise ProblemError(409, "exists", f"there is a person {name} already")
    return _person(person)


async def change(context: Context, who: Who, given: ChangePerson) -> PersonView:
    """Another role, another password, or both. A new password ends all of their sessions."""
    there = await _of_id(context, given.id)
    if given.role not in (None, Role.ADMIN):
        await _not_the_last(context, there)
    kept = await passwords.make(given.password) if given.password is not None else None
    said = [f"role {given.role}"] if given.role is not None else []
    await context.record(who, "change", f"person {there.name}", ", ".join(said + ["password"] * bool(kept)))
    person = await context.store.access.change_person(there.id, role=given.role, password=kept)
    if person is None:  # the other one went at the same moment
        raise ProblemError(409, "last_admin", LAST_ADMIN)
    return _person(person)


async def change_password(context: Context, who: Who, given: ChangePassword) -> None:
    """Of whoever is signed in; it signs them out everywhere."""
    if who.via is not Via.SESSION or who.id is None:
        raise ProblemError(403, "forbidden", "a token has no password: sign in")
    await context.sessions.confirm(who, given.password)
    kept = await passwords.make(given.new)
    await context.record(who, "change", f"person {who.name}", "password")
    await context.store.access.change_person(who.id, password=kept)


async def remove(context: Context, who: Who, given: OfId) -> None:
    """They are signed out everywhere; the audit log still names them."""
    there = await _of_id(context, given.id)
    await _not_the_last(context, there)
    await context.record(who, "remove", f"person {there.name}")
    if not await context.store.access.remove_person(there.id):
        raise ProblemError(409, "last_admin", LAST_ADMIN)


async def tokens(context: Context, who: Who, given: Nothing) -> Tokens:
    del who, given
    return Tokens(
        [
            TokenView(t.id, t.name, t.role, iso(t.created_at), iso(t.used_at) if t.used_at else None)
            for t in await context.store.access.tokens()
        ]
    )


async def add_token(context: Context, who: Who, given: AddToken) -> NewToken:
    name = given.name.strip()[:100]
    if not name or not name.isprintable():
        raise ProblemError(422, "bad_name", "a token's name says which program has it: backup, or shop")
    await context.record(who, "add", f"token {name}", given.role)
    token = new_token()
    kept = await context.store.access.add_token(name, given.role, hashed(token), context.clock.now())
    return NewToken(kept.id, kept.name, kept.role, token)


async def remove_token(context: Context, who: Who, given: OfId) -> None:
    """It opens nothing any more."""
    names = {token.id: token.name for token in await context.store.access.tokens()}
    if given.id not in names:
        raise not_found("token", given.id)
    await context.record(who, "remove", f"token {names[given.id]}")
    await context.store.access.remove_token(given.id)


async def audit(context: Context, who: Who, given: FindAudit) -> Audit:
    """The newest first."""
    del who
    found = await context.store.access.audit(before=given.before, action=given.action, limit=given.limit + 1)
    data = [
        AuditEntry(e.id, iso(e.at), e.via, e.who, e.action, e.about, e.detail) for e in found[: given.limit]
    ]
    return Audit(data, str(data[-1].id) if len(found) > given.limit else None)


async def _of_id(context: Context, id_: int) -> Person:
    for person in await context.store.access.people():
        if person.id == id_:
            return person
    raise not_found("person", id_)


async def _not_the_last(context: Context, person: Person) -> None:
    """Before it is recorded: what is refused was not done."""
    admins = [each.id for each in await context.store.access.people() if each.role is Role.ADMIN]
    if admins == [person.id]:
        raise ProblemError(409, "last_admin", LAST_ADMIN)


def _person(person: Person) -> PersonView:
    return PersonView(person.id, person.name, person.role, iso(person.created_at))
