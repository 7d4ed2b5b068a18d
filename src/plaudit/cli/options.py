"""Options that several commands share, each spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def _place(written: Any) -> Any:
    from plaudit.installation import place

    return place(str(written))


_TIME = 'ISO 8601 date or time, or how long ago: "2 days"'

Data = Annotated[
    Any,  # an installation.Place: that module is too heavy for --help
    typer.Option(
        "--data",
        "--store",
        envvar=["PLAUDIT_STORE", "PLAUDIT_DATA"],
        parser=_place,
        metavar="DIR|URL",
        help="The installation: its directory, or its store's URL.",
    ),
]
Folder = Annotated[Path, typer.Option("--data", envvar="PLAUDIT_DATA", help="The installation's directory.")]
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

# Conditions on what the ledger holds.
OfOrder = Annotated[str | None, typer.Option("--order", help="Only of this order id.", show_default=False)]
OfState = Annotated[str | None, typer.Option("--state", help="Only in this state.", show_default=False)]
OfDestination = Annotated[
    str | None, typer.Option("--destination", help="Only of this destination.", show_default=False)
]
OfSource = Annotated[str | None, typer.Option("--source", help="Only from this source.", show_default=False)]
OfReason = Annotated[
    str | None, typer.Option("--reason", help="Only with this reason code.", show_default=False)
]
OfEmail = Annotated[
    str | None, typer.Option("--email", help="Only of the customer with this address.", show_default=False)
]
Since = Annotated[
    str | None, typer.Option("--since", help=f"Only made from then on: {_TIME}.", show_default=False)
]
Until = Annotated[str | None, typer.Option("--until", help="Only made before then.", show_default=False)]
Calls = Annotated[bool, typer.Option("--calls", help="Calls that are passed on, in place of invitations.")]

# How something is done to them.
All = Annotated[bool, typer.Option("--all", help="Without any condition.")]
Most = Annotated[int, typer.Option("--limit", min=0, help="At most so many, the oldest first; 0: all.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Summary = Annotated[bool, typer.Option("--json", help="Print what was done as one JSON object.")]

DATA: Any = "plaudit-data"  # parsed as if it were given
LIMIT = 20
