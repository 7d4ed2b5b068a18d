"""`plaudit doctor`: is everything there that sending needs? What is not, with the mend."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from plaudit.cli.options import DATA, Data, Json
from plaudit.cli.output import json_line, run, say


def doctor(
    url: Annotated[
        str, typer.Option(envvar="PLAUDIT_URL", help="Where the server should be.")
    ] = "http://127.0.0.1:8710",
    json: Json = False,
    data: Data = DATA,
) -> None:
    """Check an installation, from disk to network."""
    from plaudit.cli import checkup

    checks: list[dict[str, Any]] = run(lambda: checkup.run(data, url))
    for check in checks:
        if json:
            json_line(check)
        else:
            say(
                f"{ {'ok': '✓', 'note': '·', 'fault': '✗'}[check['result']] } {check['check']}: {check['message']}"
            )
    if any(check["result"] == "fault" for check in checks):
        raise typer.Exit(1)
