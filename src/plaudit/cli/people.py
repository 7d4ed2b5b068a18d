"""`plaudit user` and `plaudit token`: who may use the console and the API, also while no server runs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plaudit.cli.options import DATA, Data, Json
from plaudit.cli.output import json_line, run, say, short, table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from plaudit.manage.context import Context
    from plaudit.store.access import Role

user = typer.Typer(help="Who may use the console.", no_args_is_help=True)
token = typer.Typer(help="What programs use the API with.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What they sign in with.", show_default=False)]
RoleName = Annotated[str, typer.Option("--role", help="viewer, operator or admin.")]


@user.command("add")
def user_add(name: Name, role: RoleName = "viewer", data: Data = DATA) -> None:
    """Add a person; the password is asked for, or read from standard input."""
    from plaudit.manage import people
    from plaudit.store.access import COMMAND

    wanted = people.AddPerson(name=name, role=_role(role), password=_password())

    async def add(context: Context) -> None:
        made = await people.add(context, COMMAND, wanted)
        say(f"{made.name} may sign in, as {made.role}")

    _with(data, add)


@user.command("list")
def user_list(json: Json = False, data: Data = DATA) -> None:
    """List people with their roles."""

    async def show(context: Context) -> None:
        found = await context.store.access.people()
        if json:
            for each in found:
                json_line(
                    {"id": each.id, "name": each.name, "role": each.role, "created_at": _iso(each.created_at)}
                )
            return
        rows = [[each.name, each.role, short(each.created_at)] for each in found]
        table(["name", "role", "since (UTC)"], rows, empty="nobody yet: plaudit user add NAME --role admin")

    _with(data, show)


@user.command("role")
def user_role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, operator or admin.", show_default=False)],
    data: Data = DATA,
) -> None:
    """Give a person another role."""
    from plaudit.manage import people
    from plaudit.store.access import COMMAND

    wanted = _role(role)

    async def change(context: Context) -> None:
        given = people.ChangePerson(id=await _id(context, name), role=wanted)
        made = await people.change(context, COMMAND, given)
        say(f"{made.name} is now {made.role}")

    _with(data, change)


@user.command("password")
def user_password(name: Name, data: Data = DATA) -> None:
    """Give a person a new password, which signs them out everywhere."""
    from plaudit.manage import people
    from plaudit.store.access import COMMAND

    async def change(context: Context) -> None:
        given = people.ChangePerson(id=await _id(context, name), password=_password())
        made = await people.change(context, COMMAND, given)
        say(f"{made.name} has a new password, and is signed out everywhere")

    _with(data, change)


@user.command("remove")
def user_remove(name: Name, data: Data = DATA) -> None:
    """Remove a person, who is signed out everywhere."""
    from plaudit.manage import people
    from plaudit.manage.given import OfId
    from plaudit.store.access import COMMAND

    async def remove(context: Context) -> None:
        await people.remove(context, COMMAND, OfId(id=await _id(context, name)))
        say(f"{name} may not sign in any more")

    _with(data, remove)


@token.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="Which program has it.", show_default=False)],
    role: RoleName = "viewer",
    json: Json = False,
    data: Data = DATA,
) -> None:
    """Make a token, and print it: this once."""
    from plaudit.manage import people
    from plaudit.store.access import COMMAND

    wanted = people.AddToken(name=name, role=_role(role))

    async def add(context: Context) -> None:
        made = await people.add_token(context, COMMAND, wanted)
        if json:
            json_line(made)
        else:
            say(made.token)

    _with(data, add)


@token.command("list")
def token_list(json: Json = False, data: Data = DATA) -> None:
    """List tokens, with when they were used."""

    async def show(context: Context) -> None:
        from plaudit.manage import people
        from plaudit.manage.given import Nothing
        from plaudit.store.access import COMMAND

        found = (await people.tokens(context, COMMAND, Nothing())).data
        if json:
            for each in found:
                json_line(each)
            return
        rows = [[str(t.id), t.name, t.role, t.created_at, t.used_at or "never"] for t in found]
        table(["id", "name", "role", "since", "used"], rows, empty="no tokens: plaudit token add NAME")

    _with(data, show)


@token.command("remove")
def token_remove(
    id_: Annotated[int, typer.Argument(metavar="ID", help="As list shows it.", show_default=False)],
    data: Data = DATA,
) -> None:
    """Remove a token, which opens nothing any more."""
    from plaudit.manage import people
    from plaudit.manage.given import OfId
    from plaudit.store.access import COMMAND

    async def remove(context: Context) -> None:
        await people.remove_token(context, COMMAND, OfId(id=id_))
        say(f"token {id_} opens nothing any more")

    _with(data, remove)


@contextlib.asynccontextmanager
async def context_of(data: Any) -> AsyncIterator[Context]:
    """What operations work with, of an installation."""
    from plaudit.clock import SystemClock
    from plaudit.destinations.catalog import destinations
    from plaudit.installation import open_store
    from plaudit.manage.context import Context

    store = open_store(data)
    try:
        yield Context(store, SystemClock(), destinations())
    finally:
        await store.close()


def _with(data: Any, do: Callable[[Context], Awaitable[None]]) -> None:
    async def main() -> None:
        async with context_of(data) as context:
            await do(context)

    run(main)


def _role(written: str) -> Role:
    from plaudit.errors import UsageError
    from plaudit.store.access import Role

    if written not in set(Role):
        raise UsageError(f"a role is one of {', '.join(Role)}, not {written!r}")
    return Role(written)


def _password() -> str:
    """Typed twice on a terminal; elsewhere the first line of standard input."""
    from getpass import getpass

    from plaudit.errors import PlauditError

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass("password: ")
    if getpass("once more: ") != first:
        raise PlauditError("the two are not the same: nothing was done")
    return first


async def _id(context: Context, name: str) -> int:
    from plaudit.errors import PlauditError
    from plaudit.manage.passwords import login

    people = {person.name: person.id for person in await context.store.access.people()}
    wanted = login(name)
    if wanted not in people:
        raise PlauditError(f"nobody is called {wanted!r}; there is {', '.join(people) or 'nobody yet'}")
    return people[wanted]


def _iso(ms: int) -> str:
    from plaudit.clock import iso

    return iso(ms)
