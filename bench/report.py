"""The table that a run prints."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One measurement, and the floor it stands beside. Empty strings where a column does not apply."""

    what: str
    rate: str
    floor: str = ""
    ratio: str = ""
    p50: str = ""
    p99: str = ""
    memory: str = ""


def show(rows: list[Row], machine: str, seconds: float) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"{machine}; {seconds:.0f} s")
    for column in Row._fields:
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table)
