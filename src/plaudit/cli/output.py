"""Printing: JSON lines for programs, tables for people, times as ISO 8601 UTC."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from plaudit.clock import iso

SAME = frozenset({"source", "destination"})
WHOLE = frozenset({"when (UTC)", "id", "source", "state", "disposition", "event", "how many", "events"})
COLOURS = {
    **dict.fromkeys(("accepted", "invited", "corrected_order", "passed_on"), "green"),
    **dict.fromkeys(("queued", "sending", "held"), "cyan"),
    **dict.fromkeys(("failed", "refused", "blocked"), "red"),
    **dict.fromkeys(("cancelled", "history", "duplicate_order", "duplicate_message"), "dim"),
}
NUMBERS = frozenset({"id", "tries", "how many", "events", "attempt"})


def json_line(obj: object) -> None:
    sys.stdout.write(msgspec.json.encode(obj).decode() + "\n")


def table(columns: list[str], rows: Iterable[list[str]], *, empty: str, colour: str = "") -> None:
    """A table; `colour` names the column whose words are coloured by meaning.

    A column that says the same in each row (one source, one destination) is left out: the width is needed.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    if not rows:
        print(empty)
        return
    kept = [n for n, column in enumerate(columns) if column not in SAME or len({row[n] for row in rows}) > 1]
    shown = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold underline")
    for n in kept:
        side: Any = "right" if columns[n] in NUMBERS else "left"
        shown.add_column(columns[n], overflow="fold", no_wrap=columns[n] in WHOLE, justify=side)
    for row in rows:
        style = COLOURS.get(row[columns.index(colour)], "yellow") if colour else ""
        shown.add_row(*(Text(row[n], style=style if columns[n] == colour else "") for n in kept))
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a pipe has no width: do not fold for one
    console.print(shown)


def short(ms: int) -> str:
    """`11-23 18:40:00`, UTC: for tables; JSON has the whole time."""
    return iso(ms)[5:19].replace("T", " ")


def say(line: str = "") -> None:
    print(line, flush=True)


def run(main: Callable[[], Any]) -> Any:
    """Run a coroutine function to its end."""
    import asyncio

    return asyncio.run(main())
