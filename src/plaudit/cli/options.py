"""Options that several commands share, each spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", envvar="PLAUDIT_DATA", help="The installation's directory.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="How many, the newest first; 0: all.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
File = Annotated[Path, typer.Argument(help="A TOML file.", show_default=False)]
Events = Annotated[
    str,
    typer.Argument(
        help="A file of events (JSON or one a line), or - for standard input.", show_default=False
    ),
]
LogLevel = Annotated[
    str, typer.Option("--log-level", envvar="PLAUDIT_LOG_LEVEL", help="debug, info, warning or error.")
]

DATA = Path("plaudit-data")
LIMIT = 20
