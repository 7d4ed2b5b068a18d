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
    smtp_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="The port that takes mail; 0: any free one; left out: 8725, or any free one if it is taken.",
            show_default=False,
        ),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(
            help="An API key of the Invitations API with its secret, as KEY:SECRET; left out: any. "
            "May be repeated.",
            show_default=False,
        ),
    ] = None,
    smtp_user: Annotated[
        list[str] | None,
        typer.Option(
            help="Who may send mail, as USER:PASSWORD; left out: anybody. May be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a Trustpilot to try against."""
    from plaudit.cli.output import say
    from plaudit.cli.serve import run_forever, stop_signal
    from plaudit.sandbox.server import DEFAULT_SMTP_PORT, Server

    clients, users = _pairs("--client", client), _pairs("--smtp-user", smtp_user)

    async def main() -> None:
        stop = stop_signal()
        async with Server(
            host,
            port,
            faults=fault or [],
            keys=key or None,
            smtp_port=DEFAULT_SMTP_PORT if smtp_port is None else smtp_port,
            smtp_or_any=smtp_port is None,
            clients=clients,
            smtp_users=users,
        ) as server:
            say(f"Trustpilot sandbox on {server.url} (the page shows its invitations; Ctrl-C stops)")
            say(f"mail (AFS) on {host} port {server.smtp_port}")
            say("in a destination's settings:")
            say(f'  base_url = "{server.url}"\n  allow_private = true')
            await stop.wait()

    run_forever(main())


def _pairs(option: str, values: list[str] | None) -> dict[str, str] | None:
    """Each name with its secret; None when there are none."""
    from plaudit.errors import UsageError

    pairs = {}
    for value in values or ():
        name, colon, secret = value.partition(":")
        if not (name and colon and secret):
            raise UsageError(f"{option} takes a name and a secret with a colon between")
        pairs[name] = secret
    return pairs or None
