"""A question before what cannot be taken back: on a terminal it is asked, elsewhere --yes must have answered it."""

from __future__ import annotations

import sys

import typer

from plaudit.cli.output import say


def agree(question: str, *, yes: bool, json: bool = False) -> None:
    """Return when it shall be done. Raises `PlauditError` where nobody can be asked, `typer.Exit` at a no."""
    from plaudit.errors import PlauditError

    if yes:
        return
    if json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise PlauditError(
            "nothing was done: this asks first, and here is nobody to ask; say --yes, or look with --dry-run"
        )
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
        say()
    if answer.strip().lower() not in ("y", "yes"):
        say("nothing was done")
        raise typer.Exit(1)
