"""`plaudit serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plaudit.cli.options import DATA, Folder, LogLevel
from plaudit.cli.output import say

if TYPE_CHECKING:
    import asyncio


def serve(
    config: Annotated[
        Path | None,
        typer.Option(envvar="PLAUDIT_CONFIG", help="A TOML file to apply at start.", show_default=False),
    ] = None,
    data: Folder = DATA,
    store: Annotated[
        str,
        typer.Option(envvar="PLAUDIT_STORE", help="A cluster's store: postgresql://…", show_default=False),
    ] = "",
    log: Annotated[
        str, typer.Option(envvar="PLAUDIT_LOG", help="A cluster's log: nats://…", show_default=False)
    ] = "",
    host: Annotated[str, typer.Option(envvar="PLAUDIT_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="PLAUDIT_PORT", min=0, max=65535, help="The port; 0: any free one.")
    ] = 8710,
    keep_days: Annotated[
        int,
        typer.Option(
            envvar="PLAUDIT_KEEP_DAYS", min=1, help="Days that events are kept; the ledger is kept for ever."
        ),
    ] = 30,
    role: Annotated[
        str,
        typer.Option(
            envvar="PLAUDIT_ROLE", help="What this process does of: collect, process, deliver, console."
        ),
    ] = "collect,process,deliver,console",
    log_level: LogLevel = "info",
) -> None:
    """Run the server."""
    from plaudit.app import ROLES, Options, Plaudit
    from plaudit.config import load
    from plaudit.destinations.catalog import destinations
    from plaudit.errors import UsageError
    from plaudit.observe import logs

    if log_level not in logs.LEVELS:
        raise UsageError(f"--log-level must be one of {', '.join(logs.LEVELS)}, not {log_level!r}")
    roles = frozenset(name.strip() for name in role.split(","))
    if not roles <= ROLES:
        raise UsageError(f"--role takes {', '.join(sorted(ROLES))}, with commas between; not {role!r}")
    logs.configure(log_level)
    wanted = load(config, destinations()) if config else None

    async def main() -> None:
        stop = stop_signal()
        plaudit = Plaudit(
            Options(data=data, store=store, log=log, host=host, port=port, keep_days=keep_days, roles=roles)
        )
        try:
            await plaudit.start(wanted)
            if link := await plaudit.set_up_link():
                say(f"the console has no people yet; make yourself its admin, once, at:\n  {link}")
            await stop.wait()
        finally:
            await plaudit.stop()

    run_forever(main())


def stop_signal() -> asyncio.Event:
    """Set at the first SIGINT or SIGTERM; a second one ends the process at once."""
    import asyncio
    import os
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled)
    return stop


def run_forever(main: object) -> None:
    """Run a coroutine on uvloop."""
    import uvloop

    uvloop.run(main)  # type: ignore[arg-type] # typed as a coroutine of its own kind
