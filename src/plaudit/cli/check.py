"""`plaudit check`: the exact request that an event would cause, or the reason why none. Nothing is sent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plaudit.cli.options import DATA, Data, Events, Json
from plaudit.cli.output import json_line, run, say

if TYPE_CHECKING:
    from plaudit.installation import Place
    from plaudit.store.base import Store

EXAMPLE = """
[sources.example]
[destinations.trustpilot]
type = "trustpilot"
sources = ["example"]
[destinations.trustpilot.settings]
api_key = "INTEGRATION-KEY"
"""


def check(
    file: Events,
    config: Annotated[
        Path | None, typer.Option(help="Check against this file, not the installation.", show_default=False)
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="As if it came from this source.", show_default=False)
    ] = None,
    json: Json = False,
    data: Data = DATA,
) -> None:
    """Show what an event would cause; send nothing."""
    from plaudit.cli.inputs import events
    from plaudit.installation import installed

    batch = events(file)
    if config is None and not installed(data):
        print(f"plaudit: no installation in {data}: checked against an example destination", file=sys.stderr)
    findings: list[dict[str, Any]] = run(lambda: _findings(batch, data, config, source))
    for finding in findings:
        if json:
            json_line(finding)
        else:
            _show(finding)


async def _findings(
    batch: list[dict[str, Any]], data: Place, config: Path | None, source: str | None
) -> list[dict[str, Any]]:
    from plaudit import config as files
    from plaudit import installation
    from plaudit.destinations.catalog import destinations
    from plaudit.manage import dry

    kinds = destinations()
    store: Store | None = None
    if config is not None:
        wanted = files.load(config, kinds)
    elif installation.installed(data):
        store = installation.open_store(data)
        wanted = installation.exported(await store.configuration())
    else:
        wanted = files.parse(EXAMPLE, kinds)
    try:
        return await dry.findings(batch, wanted, kinds, store, source)
    finally:
        if store is not None:
            await store.close()


def _show(finding: dict[str, Any]) -> None:
    import msgspec

    where = f" to {finding['destination']}" if finding["destination"] else ""
    order = f", order {finding['order_id']}" if finding["order_id"] else ""
    say(f"event {finding['event']}{where}{order}: {finding['disposition']}: {finding['message']}")
    for number, request in enumerate(finding["requests"]):
        if number:
            say("  and if the answer is 202, once more:")
        say(f"  {request['method']} {request['url']}")
        for name, value in request["headers"].items():
            say(f"  {name}: {value}")
        body = msgspec.json.format(msgspec.json.encode(request["body"]), indent=2).decode()
        say("\n".join(f"  {line}" for line in ["", *body.splitlines(), ""]))
