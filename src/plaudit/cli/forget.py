"""`plaudit forget`: takes a person out of the ledger for good, and asks the vendors that were told of them to do the same.

Later events of theirs make nothing, until `--allow` says otherwise.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plaudit.cli.options import DATA, Data, DryRun, Summary, Yes
from plaudit.cli.output import json_line, run, say

if TYPE_CHECKING:
    from plaudit.destinations.base import Verdict
    from plaudit.installation import Place
    from plaudit.store.base import Configuration, ConfiguredDestination, Store

Answer = dict[str, Any]
STILL_THERE = (
    "not reached: events in the log that hold the address, until they are as old as 'plaudit serve --keep-days' says"
    " (30 days unless it was set); until then 'plaudit replay' could read them again"
)


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
    from plaudit.installation import open_store

    store = open_store(data)
    try:
        was = await store.allow(email)
    finally:
        await store.close()
    if json:
        json_line({"allowed": was})
    elif was:
        say("later events of this person are taken as anybody's again; what was forgotten stays so")
    else:
        say("this person was not forgotten here, so there is nothing to allow")


async def _forget(
    email: str, destination: str | None, dry_run: bool, yes: bool, json: bool, data: Place
) -> bool:
    """Whether a vendor has to be asked again."""
    from plaudit.cli.ask import agree
    from plaudit.cli.replay import many
    from plaudit.clock import SystemClock
    from plaudit.installation import open_store

    store = open_store(data)
    try:
        configuration = await store.configuration()
        extra = _named(configuration, destination)
        known = await _known(store, email)
        told = {name for name, _ in known} | ({extra.name} if extra else set())
        if not json:
            _show(known, set() if yes else told, configuration)
        if dry_run:
            if json:
                json_line({"dry_run": True, "deliveries": sum(known.values()), "asked": []})
            else:
                say(STILL_THERE)
            return False
        agree("Forget this person? It cannot be undone.", yes=yes, json=json)
        done = await store.forget(email, SystemClock().now())
        names = {d.id: d for d in configuration.destinations}
        ask = [names[id_] for id_ in done.told if id_ in names]
        if extra is not None and extra not in ask:
            ask.append(extra)
        if done.deliveries and not json:
            unsent = f", {done.cancelled:,} not sent yet and now cancelled" if done.cancelled else ""
            say(f"forgotten here: {many(done.deliveries, 'row')} of the ledger{unsent}")
        if not json:
            say("later events of this person make nothing (customer_forgotten); the way back is --allow")
        answers = [await _ask(each, email) for each in ask]
        gone = sorted({name for name, _ in known} - {d.name for d in configuration.destinations})
        answers += [_by_hand(name, _way(None)) for name in gone]
    finally:
        await store.close()
    if json:
        summary = {"dry_run": False, "deliveries": done.deliveries, "cancelled": done.cancelled}
        json_line(summary | {"asked": answers})
    else:
        for answer in answers:
            say(f"{answer['destination']}: {answer['message']}")
        say(STILL_THERE)
    return any(answer["result"] not in ("asked", "by_hand") for answer in answers)


def _named(configuration: Configuration, name: str | None) -> ConfiguredDestination | None:
    from plaudit.errors import PlauditError

    if name is None:
        return None
    there = {d.name: d for d in configuration.destinations}
    if name not in there:
        raise PlauditError(f"no destination is called {name!r}; there is {', '.join(there) or 'none yet'}")
    return there[name]


async def _known(store: Store, email: str) -> Counter[tuple[str, str]]:
    """How many invitations and calls there are, by destination and state."""
    from plaudit.destinations.base import What

    found: Counter[tuple[str, str]] = Counter()
    for what in What:
        for each in await store.invitations(email=email, what=what.value):
            found[each.destination, each.state] += 1
    return found


def _show(known: Counter[tuple[str, str]], told: set[str], configuration: Configuration) -> None:
    from plaudit.cli.output import table

    if not known:
        say("the ledger has nothing of this person")
        return
    rows = [[name, state, f"{count:,}"] for (name, state), count in sorted(known.items())]
    table(["destination", "state", "how many"], rows, empty="", colour="state")
    there = {d.name: d for d in configuration.destinations}
    for name in sorted(told):
        say(f"{name}: {_way(there.get(name))}")


def _way(row: ConfiguredDestination | None) -> str:
    """How the vendor learns of it."""
    from plaudit.destinations.catalog import destinations

    if row is None or row.type not in destinations():
        return "is not configured any more: have the person deleted there by hand"
    kind = destinations()[row.type]
    channel = kind.channel(row.settings)
    if channel.forget is not None:
        return f"{kind.title} will be asked to delete the person"
    return (
        f"the channel {channel.name} has no way to delete anybody:"
        f" have {kind.title} delete the person, in its own pages or by its support"
    )


def _by_hand(name: str, message: str) -> Answer:
    return {"destination": name, "result": "by_hand", "reason": "", "message": message}


async def _ask(row: ConfiguredDestination, email: str) -> Answer:
    """What the vendor said: `result` is asked, by_hand, or the outcome of the attempt."""
    from plaudit.deliver.drive import drive
    from plaudit.deliver.tokens import Tokens
    from plaudit.deliver.transport import transport_for
    from plaudit.destinations.base import Outcome
    from plaudit.destinations.catalog import destinations
    from plaudit.destinations.hiding import hidden, secrets

    kind = destinations().get(row.type)
    channel = kind.channel(row.settings) if kind else None
    if kind is None or channel is None or channel.forget is None:
        return _by_hand(row.name, _way(row))
    transport = transport_for(kind, row.settings)
    token = channel.token
    tokens = None if token is None else Tokens(lambda: token(row.settings), transport)
    try:
        verdict: Verdict = await drive(
            channel.forget([email], row.settings), transport, tokens, harmless=True
        )
    finally:
        await transport.close()
    verdict = hidden(verdict, secrets(kind, row.settings))
    if verdict.outcome is Outcome.ACCEPTED:
        return {"destination": row.name, "result": "asked", "reason": "", "message": verdict.message}
    again = f"ask again with 'plaudit forget EMAIL --destination {row.name}'"
    message = f"{kind.title} was not told ({verdict.reason}: {verdict.message}); {again}"
    return {"destination": row.name, "result": verdict.outcome, "reason": verdict.reason, "message": message}
