"""`plaudit demo`: server, sandbox and one real order, in one terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from plaudit.cli.options import LogLevel

WRITE_KEY = "demo-write-key"
# The call of the page that Plaudit implements, as it stands there.
ORDER: dict[str, Any] = {
    "checkout_id": "fksdjfsdjfisjf9sdfjsd9f",
    "order_id": "50314b8e9bcf000000000000",
    "email": "test@example.com",
    "name": "John",
    "surname": "Johnson",
    "affiliation": "Google Store",
    "total": 27.50,
    "revenue": 25.00,
    "shipping": 3,
    "tax": 2,
    "discount": 2.5,
    "coupon": "hasbros",
    "currency": "USD",
    "products": [
        {
            "product_id": "507f1f77bcf86cd799439011",
            "sku": "45790-32",
            "name": "Monopoly: 3rd Edition",
            "price": 19,
            "quantity": 1,
            "category": "Games",
            "url": "https://www.example.com/product/path",
            "image_url": "https:///www.example.com/product/path.jpg",
        },
        {
            "product_id": "505bd76785ebb509fc183733",
            "sku": "46493-32",
            "name": "Uno Card Game",
            "price": 3,
            "quantity": 2,
            "category": "Games",
        },
    ],
}
CONFIG = """
[sources.demo]
write_key = "{key}"

[destinations.trustpilot]
type = "trustpilot"
sources = ["demo"]
[destinations.trustpilot.settings]
api_key = "demoIntegrationKey"
base_url = "{sandbox}"
allow_private = true
"""


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The server's port.")] = 8710,
    sandbox_port: Annotated[int, typer.Option(min=0, max=65535, help="The sandbox's port.")] = 8711,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Keep the data here; left out: gone when you stop.", show_default=False),
    ] = None,
    log_level: LogLevel = "warning",
) -> None:
    """See a real order become an invitation."""
    import shutil
    import tempfile

    from plaudit.cli.serve import run_forever
    from plaudit.errors import UsageError
    from plaudit.observe import logs

    if log_level not in logs.LEVELS:
        raise UsageError(f"--log-level must be one of {', '.join(logs.LEVELS)}, not {log_level!r}")
    logs.configure(log_level)
    place = data or Path(tempfile.mkdtemp(prefix="plaudit-demo-"))
    try:
        run_forever(_demo(place, port, sandbox_port, kept=data is not None))
    finally:
        if data is None:
            shutil.rmtree(place, ignore_errors=True)


async def _demo(data: Path, port: int, sandbox_port: int, *, kept: bool) -> None:
    import asyncio
    import time

    from plaudit import __version__
    from plaudit.app import Options, Plaudit
    from plaudit.cli.output import say
    from plaudit.cli.serve import stop_signal
    from plaudit.config import parse
    from plaudit.destinations.catalog import destinations
    from plaudit.errors import PlauditError
    from plaudit.sandbox.server import Server

    stop = stop_signal()
    # As for an account with product reviews: Trustpilot asks for the products, and the page can show them.
    sandbox = Server(port=sandbox_port, faults=["202-first"])
    try:
        await sandbox.start()
    except PlauditError:
        raise PlauditError(f"port {sandbox_port} is in use; choose another with --sandbox-port") from None
    try:
        plaudit = Plaudit(Options(data=data, port=port))
        try:
            await plaudit.start(parse(CONFIG.format(key=WRITE_KEY, sandbox=sandbox.url), destinations()))
            say(f"Plaudit {__version__}: a server and a sandbox Trustpilot, nothing reaches anybody\n")
            say(f"  server   {plaudit.url}   write key {WRITE_KEY}")
            if link := await plaudit.set_up_link():
                say(f"  console  {link}   who opens it is its admin")
            say(f"  sandbox  {sandbox.url}   open it in a browser: it shows the invitations")
            say(f"  data     {data}" + ("" if kept else "   (temporary)") + "\n")
            started = time.perf_counter()
            sender = await asyncio.to_thread(_send, plaudit.url)
            say(f"sent      Order Completed, order {ORDER['order_id']}, by {sender}")
            invitation = await _settled(plaudit)
            took = (time.perf_counter() - started) * 1000
            if invitation is None:
                say("no invitation within 10 s: look at the log with --log-level debug")
            else:
                _tell(invitation, took)
            say("\nIn another terminal, send one yourself (again, and no second invitation is made):\n")
            say(_curl(plaudit.url))
            say("\nand look on:\n")
            say(f"  {_command()} events --data {data}")
            say(f"  {_command()} invitations --data {data}")
            say("\nCtrl-C stops.")
            await stop.wait()
        finally:
            await plaudit.stop()
    finally:
        await sandbox.stop()


def _command() -> str:
    """How to call `plaudit` from here, as it was called."""
    import os
    import shutil
    import sys

    if shutil.which("plaudit"):
        return "plaudit"
    name = os.path.relpath(sys.argv[0]) if os.path.basename(sys.argv[0]) == "plaudit" else ""  # noqa: PTH119
    return name or f"{os.path.relpath(sys.executable)} -m plaudit"


def _send(url: str) -> str:
    """Send the order, by Segment's own SDK where it is installed; by what."""
    try:
        from segment.analytics import Client
    except ImportError:
        from plaudit.cli.send import post

        post(
            url,
            WRITE_KEY,
            [{"type": "track", "userId": "demo", "event": "Order Completed", "properties": ORDER}],
        )
        return "HTTP"
    client = Client(WRITE_KEY, host=url, sync_mode=True, max_retries=1)
    client.track("demo-user", "Order Completed", ORDER)
    return "segment-analytics-python"


async def _settled(plaudit: Any) -> Any:
    """The order's invitation, as soon as it has come to an end; None after 10 seconds."""
    import asyncio

    for _ in range(1000):
        for invitation in await plaudit.store.invitations(order_id=ORDER["order_id"], limit=1):
            if invitation.state not in ("queued", "sending"):
                return invitation
        await asyncio.sleep(0.01)
    return None


def _tell(invitation: Any, took: float) -> None:
    from plaudit.cli.output import say

    order = invitation.order
    say(
        f"{invitation.state:<9} by the sandbox after {took:.0f} ms, as invitation {invitation.id}"
        f"{': ' + invitation.message if invitation.message else ''}"
    )
    say(f"          {order.name} <{order.email}>, {order.currency} {order.total:.2f}")
    for product in order.products:
        say(f"          - {product.name} ({product.sku})")


def _curl(url: str) -> str:
    return (
        f"  curl {url}/v1/track -u {WRITE_KEY}: \\\n"
        "    -H 'content-type: application/json' \\\n"
        """    -d '{"userId": "you", "event": "Order Completed", "properties":\n"""
        """         {"order_id": "1001", "email": "you@example.com", "name": "You"}}'"""
    )
