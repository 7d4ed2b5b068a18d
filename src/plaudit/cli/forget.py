"""`plaudit forget`: takes a person out of the ledger for good, and asks the vendors that were told of them to do the same.

Later events of theirs make nothing, until `--allow` says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from plaudit.cli.options import DATA, Data, DryRun, Summary, Yes
from plaudit.cli.output import json_line, run, say

if TYPE_CHECKING:
    from plaudit.installation import Place
    from plaudit.manage.context import Context
    from plaudit.manage.privacy import ForgetDone, Known
    from plaudit.store.base import Configuration


def forget(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.", show_default=False)],
    destination: Annotated[
        str | None,
        typer.Option(
            help="Ask this destination, also when the ledger knows nothing of the person any more.",
            show_default=False,
        ),
    ] = None,
    allow: Annotated[
        bool, typer.Option("--allow", help="The way back: take their later events as anybody's again.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Summary = False,
    data: Data = DATA,
) -> None:
    """Take a person out of the ledger, leave them alone from then on, and have vendors delete them."""
    from plaudit.errors import UsageError
    from plaudit.spec.email import address

    found = address(email)
    if found is None:
        raise UsageError("that is no e-mail address")
    if allow:
        if destination is not None or dry_run:
            raise UsageError("--allow goes with neither --destination nor --dry-run")
        run(lambda: _allow(found, json, data))
    elif run(lambda: _forget(found, destination, dry_run, yes, json, data)):
        raise typer.Exit(1)


async def _allow(email: str, json: bool, data: Place) -> None:
    from plaudit.cli.people import context_of
    from plaudit.manage import privacy
    from plaudit.store.access import COMMAND

    async with context_of(data) as context:
        done = await privacy.allow(context, COMMAND, privacy.Allow(email=email))
    if json:
        json_line(done)
    elif done.allowed:
        say("later events of this person are taken as anybody's again; what was forgotten stays so")
    else:
        say("this person was not forgotten here, so there is nothing to allow")


async def _forget(
    email: str, destination: str | None, dry_run: bool, yes: bool, json: bool, data: Place
) -> bool:
    """Whether a vendor has to be asked again."""
    from plaudit.cli.ask import agree
    from plaudit.cli.people import context_of
    from plaudit.cli.replay import many
    from plaudit.manage import privacy
    from plaudit.store.access import COMMAND

    async with context_of(data) as context:
        there = await context.store.configuration()
        extra = privacy.named(there, destination)
        known = await privacy.known(context.store, email)
        told = {name for name, _ in known} | ({extra.name} if extra else set())
        if not json:
            _show(context, known, set() if yes else told, there)
        if not dry_run:
            agree("Forget this person? It cannot be undone.", yes=yes, json=json)
        given = privacy.Forget(email=email, destination=destination, dry_run=dry_run)
        done = await privacy.forget(context, COMMAND, given)
    if json:
        whole = {"dry_run": dry_run, "deliveries": done.deliveries, "asked": done.asked}
        json_line(whole if dry_run else whole | {"cancelled": done.cancelled})
        return _again(done)
    if not dry_run:
        if done.deliveries:
            unsent = f", {done.cancelled:,} not sent yet and now cancelled" if done.cancelled else ""
            say(f"forgotten here: {many(done.deliveries, 'row')} of the ledger{unsent}")
        say("later events of this person make nothing (customer_forgotten); the way back is --allow")
        for answer in done.asked:
            say(f"{answer.destination}: {answer.message}")
    say(done.note)
    return _again(done)


def _again(done: ForgetDone) -> bool:
    return any(answer.result not in ("asked", "by_hand") for answer in done.asked)


def _show(context: Context, known: Known, told: set[str], there: Configuration) -> None:
    from plaudit.cli.output import table
    from plaudit.manage import privacy

    if not known:
        say("the ledger has nothing of this person")
        return
    rows = [[name, state, f"{count:,}"] for (name, state), count in sorted(known.items())]
    table(["destination", "state", "how many"], rows, empty="", colour="state")
    names = {row.name: row for row in there.destinations}
    for name in sorted(told):
        say(f"{name}: {privacy.way(context.kinds, names.get(name))}")
