"""`plaudit sandbox`."""

from __future__ import annotations

from typing import Annotated

import typer


def sandbox(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any free one.")] = 8711,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What shall go wrong, such as slow=2, 429:0.1, 503x3, 251=shop.example.com; may be repeated.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="An Integration Key that is known; left out: any. May be repeated.", show_default=False
        ),
    ] = None,
) -> None:
    """Run a Trustpilot to try against."""
    from plaudit.cli.output import say
    from plaudit.cli.serve import run_forever, stop_signal
    from plaudit.sandbox.server import Server

    async def main() -> None:
        stop = stop_signal()
        async with Server(host, port, faults=fault or [], keys=key or None) as server:
            say(f"Trustpilot sandbox on {server.url} (the page shows its invitations; Ctrl-C stops)")
            say("in a destination's settings:")
            say(f'  base_url = "{server.url}"\n  allow_private = true')
            await stop.wait()

    run_forever(main())
