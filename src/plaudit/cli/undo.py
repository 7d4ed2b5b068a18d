"""`plaudit undo`: makes invitations what they were before a decision. First what it would come to, then the question;
with --yes it is done at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from plaudit.cli.options import DATA, Data, DryRun, Summary, Yes
from plaudit.cli.output import json_line, run, say, table

if TYPE_CHECKING:
    from plaudit.installation import Place
    from plaudit.manage.context import Context
    from plaudit.manage.undoing import UndoDone
    from plaudit.store.decisions import Decision


def undo(
    decision: Annotated[
        int, typer.Argument(min=1, metavar="ID", help="The decision: retry, cancel and resolve print it.")
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Summary = False,
    data: Data = DATA,
) -> None:
    """Take a retry, cancel or resolve back, for those to which nothing has happened since."""
    run(lambda: _undo(decision, dry_run, yes, json, data))


async def _undo(id_: int, dry_run: bool, yes: bool, json: bool, data: Place) -> None:
    from plaudit.cli.ask import agree
    from plaudit.cli.people import context_of
    from plaudit.manage import undoing

    async with context_of(data) as context:
        kept = await undoing.known(context.store, id_)
        found = await _run(context, kept, dry=dry_run or not yes)
        if not json:
            _show(kept, found)
        if found.done and not yes and not dry_run:
            agree("Undo this?" if found.done == 1 else f"Undo these {found.done:,}?", yes=yes, json=json)
            found = await _run(context, kept, dry=False)
        if json:
            found.dry_run = dry_run  # also where there was nothing to ask for
            json_line(found)
        elif found.done and not found.dry_run:
            say(_done(found.done))


async def _run(context: Context, kept: Decision, *, dry: bool) -> UndoDone:
    from plaudit.cli.progress import Progress
    from plaudit.manage import undoing
    from plaudit.store.access import COMMAND

    if not dry:
        await undoing.record(context, COMMAND, kept)
    with Progress("looking" if dry else "undoing", kept.deliveries - kept.undone, "invitations") as progress:
        now = context.clock.now()
        found = await undoing.run(
            context.store, kept.id, now, dry=dry, told=lambda done: progress.to(done, done)
        )
    return undoing.done(kept, found, dry_run=dry)


def _show(kept: Decision, found: UndoDone) -> None:
    from plaudit.clock import iso

    verb = "is" if kept.undone == 1 else "are"
    undone = f"; {kept.undone:,} {verb} undone already" if kept.undone else ""
    touched = f"{kept.deliveries:,} invitation{'' if kept.deliveries == 1 else 's'}"
    say(f"decision {kept.id}: {WORDS[kept.decided]}, at {iso(kept.at)}, {touched}{undone}")
    say()
    back = "comes back as" if found.dry_run else "is again"
    rows = [[f"{number:,}", back, state] for state, number in found.states.items()]
    rows += [[f"{each.number:,}", "stays", each.message] for each in found.stayed]
    table(["how many", "what", "state or why"], rows, empty="", colour="state or why")
    say()
    if not found.done:
        say("there is nothing to undo")


def _done(many: int) -> str:
    return (
        "1 invitation is as it was before" if many == 1 else f"{many:,} invitations are as they were before"
    )


# By the values of `Decided`: what it was called when it was decided.
WORDS: dict[str, str] = {
    "retry": "retry",
    "cancel": "cancel",
    "sent": "resolve --sent",
    "not sent": "resolve --not-sent",
    "drop": "resolve --drop",
}
