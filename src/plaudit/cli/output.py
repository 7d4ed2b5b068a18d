"""Printing: JSON lines for programs, tables for people, times as ISO 8601 UTC."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

ATTENTION = {"accepted": "green", "invited": "green", "queued": "cyan", "sending": "cyan", "held": "cyan"}


def json_line(obj: object) -> None:
    sys.stdout.write(msgspec.json.encode(obj).decode() + "\n")


def table(columns: list[str], rows: Iterable[list[str]], *, empty: str, colour: str = "") -> None:
    """A table; `colour` names the column whose words are coloured by meaning."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    if not rows:
        print(empty)
        return
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column in ("when", "id"))
    for row in rows:
        cells = [Text(cell) for cell in row]
        if colour:
            cell = cells[columns.index(colour)]
            cell.stylize(ATTENTION.get(cell.plain, "yellow"))
        shown.add_row(*cells)
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=200)  # a pipe has no width: do not fold for one
    console.print(shown)


def say(line: str = "") -> None:
    print(line, flush=True)


def run(main: Callable[[], Any]) -> Any:
    """Run a coroutine function to its end."""
    import asyncio

    return asyncio.run(main())
