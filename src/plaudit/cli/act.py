"""`plaudit retry`, `cancel`, `resolve`: what a person decides about invitations, one or many.

First how many, by state, and some of them; then the question; then portions, so that lanes go on meanwhile. Each says
by what it can be undone (undo.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from plaudit.cli.options import (
    DATA,
    All,
    Calls,
    Data,
    DryRun,
    Most,
    OfDestination,
    OfEmail,
    OfOrder,
    OfReason,
    OfSource,
    OfState,
    Since,
    Summary,
    Until,
    Yes,
)
from plaudit.cli.output import json_line, run, say

if TYPE_CHECKING:
    from plaudit.installation import Place
    from plaudit.store.base import Store
    from plaudit.store.decisions import Decided, Selection


def retry(
    order: OfOrder = None,
    state: OfState = None,
    destination: OfDestination = None,
    source: OfSource = None,
    reason: OfReason = None,
    email: OfEmail = None,
    since: Since = None,
    until: Until = None,
    calls: Calls = False,
    all_: All = False,
    limit: Most = 0,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Summary = False,
    data: Data = DATA,
) -> None:
    """Send again what surely invited nobody: failed and refused invitations, unless --state says otherwise."""
    from plaudit.cli import choose
    from plaudit.store.decisions import Decided

    chosen = choose.selection(
        order=order, state=state, destination=destination, source=source, reason=reason, email=email,
        since=since, until=until, calls=calls, all_=all_,
    )  # fmt: skip
    _act(Decided.RETRY, chosen, limit=limit, dry_run=dry_run, yes=yes, json=json, data=data)


def cancel(
    order: OfOrder = None,
    state: OfState = None,
    destination: OfDestination = None,
    source: OfSource = None,
    reason: OfReason = None,
    email: OfEmail = None,
    since: Since = None,
    until: Until = None,
    calls: Calls = False,
    all_: All = False,
    limit: Most = 0,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Summary = False,
    data: Data = DATA,
) -> None:
    """Never send invitations that have not gone out."""
    from plaudit.cli import choose
    from plaudit.store.decisions import Decided

    chosen = choose.selection(
        order=order, state=state, destination=destination, source=source, reason=reason, email=email,
        since=since, until=until, calls=calls, all_=all_,
    )  # fmt: skip
    _act(Decided.CANCEL, chosen, limit=limit, dry_run=dry_run, yes=yes, json=json, data=data)


def resolve(
    sent: Annotated[bool, typer.Option("--sent", help="It was looked up: they had arrived.")] = False,
    not_sent: Annotated[
        bool, typer.Option("--not-sent", help="It was looked up: they had not arrived; send them again.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="They had not arrived, and shall not be sent again.")
    ] = False,
    order: OfOrder = None,
    destination: OfDestination = None,
    source: OfSource = None,
    reason: OfReason = None,
    email: OfEmail = None,
    since: Since = None,
    until: Until = None,
    calls: Calls = False,
    all_: All = False,
    limit: Most = 0,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Summary = False,
    data: Data = DATA,
) -> None:
    """Settle uncertain invitations, after looking them up at the destination."""
    from plaudit.cli import choose
    from plaudit.errors import UsageError
    from plaudit.store.decisions import Decided

    said = {Decided.SENT: sent, Decided.NOT_SENT: not_sent, Decided.DROP: drop}
    if sum(said.values()) != 1:
        raise UsageError("say one of --sent (it had arrived), --not-sent (send it again) and --drop")
    chosen = choose.selection(
        order=order, state=None, destination=destination, source=source, reason=reason, email=email,
        since=since, until=until, calls=calls, all_=all_,
    )  # fmt: skip
    decided = next(each for each, wanted in said.items() if wanted)
    _act(decided, chosen, limit=limit, dry_run=dry_run, yes=yes, json=json, data=data)


def _act(
    decided: Decided,
    chosen: Selection,
    *,
    limit: int,
    dry_run: bool,
    yes: bool,
    json: bool,
    data: Place,
) -> None:
    from plaudit.cli import choose
    from plaudit.cli.ask import agree
    from plaudit.installation import open_store
    from plaudit.manage import deciding

    states = deciding.states(decided, chosen)
    calls = chosen.get("what") is not None

    async def main() -> None:
        store = open_store(data)
        try:
            await deciding.known(store, chosen)
            counts = await deciding.count(store, chosen, states)
            many = min(limit or sum(counts.values()), sum(counts.values()))
            if not json:
                await choose.show(store, chosen, counts, many, states, briefly=yes)
            if many and not dry_run:
                question = _ASKED[decided].format(_these(many, calls))
                agree(question, yes=yes, json=json)
            ids: list[int] = []
            decision = None
            if many and not dry_run:
                decision, ids = await _decide(store, decided, chosen, many)
        finally:
            await store.close()
        if json:
            done = {"action": decided, "dry_run": dry_run, "matched": counts, "done": len(ids)}
            json_line(done | {"state": _then(decided), "ids": ids, "decision": decision if ids else None})
        elif many and dry_run:
            say(f"dry run: {_done(decided, many, calls, would=True)}")
        elif many:
            say(_done(decided, len(ids), calls))
            if ids:
                say(f"to take this back: plaudit undo {decision}")

    run(main)


async def _decide(store: Store, decided: Decided, chosen: Selection, many: int) -> tuple[int, list[int]]:
    """Portion by portion; the decision's id, and those that it was done to."""
    from plaudit.cli.progress import Progress
    from plaudit.clock import SystemClock
    from plaudit.manage import deciding
    from plaudit.store.access import COMMAND

    now = SystemClock().now()
    about = deciding.said(chosen)
    decision = await store.access.record(COMMAND, decided, about, f"at most {many}", now)
    with Progress(_DOING[decided], many, "invitations" if "what" not in chosen else "calls") as progress:
        ids = await deciding.run(
            store, decided, chosen, many, now, lambda done: progress.to(done, done), decision=decision
        )
    return decision, ids


def _these(many: int, calls: bool) -> str:
    thing = "call" if calls else "invitation"
    return f"this {thing}" if many == 1 else f"these {many:,} {thing}s"


def _done(decided: Decided, many: int, calls: bool, *, would: bool = False) -> str:
    verb = "would be" if would else "is" if many == 1 else "are"
    thing = f"{'call' if calls else 'invitation'}{'' if many == 1 else 's'}"
    return f"{many:,} {thing} {verb} {_IS[decided]}"


def _then(decided: Decided) -> Any:
    from plaudit.store.decisions import DECISIONS

    return DECISIONS[decided][1]


# By the values of `Decided`: this module is imported for --help, and the store is not.
_ASKED: dict[str, str] = {
    "retry": "Queue {} again?",
    "cancel": "Cancel {}?",
    "sent": "Mark {} as accepted?",
    "not sent": "Send {} again?",
    "drop": "Drop {}?",
}
_IS: dict[str, str] = {
    "retry": "queued again",
    "cancel": "cancelled",
    "sent": "marked as accepted",
    "not sent": "queued again",
    "drop": "cancelled",
}
_DOING: dict[str, str] = {
    "retry": "queueing",
    "cancel": "cancelling",
    "sent": "marking",
    "not sent": "queueing",
    "drop": "cancelling",
}
