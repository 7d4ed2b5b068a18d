"""`plaudit link`: links to a review form that know their customer and order, made offline. Nothing is sent.

For one order of the command line, or for every completed order of a file of events. The keys are those of a
destination, or of the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plaudit.cli.options import DATA, Data, Json
from plaudit.cli.output import json_line, run, say
from plaudit.errors import PlauditError, UsageError

if TYPE_CHECKING:
    from plaudit.destinations.trustpilot.link import Customer
    from plaudit.installation import Place

ENCRYPT, AUTH = "PLAUDIT_LINK_ENCRYPT_KEY", "PLAUDIT_LINK_AUTH_KEY"

Made = dict[str, Any]


def link(
    order: Annotated[str | None, typer.Option(help="The order's id.", show_default=False)] = None,
    email: Annotated[str | None, typer.Option(help="The customer's address.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="The customer's name.", show_default=False)] = None,
    sku: Annotated[
        list[str] | None, typer.Option(help="A product to review; may be repeated.", show_default=False)
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.", show_default=False)] = None,
    events: Annotated[
        str | None,
        typer.Option(
            help="Instead of one order: a link for each completed order of these events, as JSON lines.",
            metavar="FILE|-",
            show_default=False,
        ),
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="Your domain at Trustpilot; else link_domain.", show_default=False)
    ] = None,
    locale: Annotated[
        str, typer.Option(help="A country of Trustpilot's pages: de, fr-be.", show_default=False)
    ] = "",
    destination: Annotated[
        str | None, typer.Option(help="Whose keys, if there are several.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Keys from this file, not the installation.", show_default=False)
    ] = None,
    json: Json = False,
    data: Data = DATA,
) -> None:
    """Make links to a review form for orders; send nothing."""
    import secrets

    from plaudit.destinations.trustpilot import link as links

    settings = run(lambda: _settings(data, config, destination))
    where = domain or settings.get("link_domain") or ""
    if not where:
        raise UsageError("for which domain? Name it with --domain, or set link_domain at the destination")

    def made(customer: Customer) -> str:
        try:
            return links.link(customer, where, keys, secrets.token_bytes(links.IV_BYTES), locale)
        except links.LinkError as error:
            raise PlauditError(str(error)) from None

    try:
        keys = links.keys(settings["link_encrypt_key"], settings["link_auth_key"])
    except links.LinkError as error:
        raise PlauditError(str(error)) from None
    if events is not None:
        if order or email or name or sku or tag:
            raise UsageError(
                "--events takes everything from the events: leave out --order, --email, --name, --sku, --tag"
            )
        _of_events(events, settings, made)
        return
    if not (order and email and name):
        raise UsageError("a link needs --order, --email and --name; or --events with a file of events")
    found = made(links.Customer(_address(email), name, order, sku or [], tag or []))
    if json:
        json_line({"order_id": order, "link": found})
    else:
        say(found)


def _address(written: str) -> str:
    from plaudit.spec.email import address

    found = address(written)
    if found is None:
        raise UsageError(f"--email: {written!r} is no e-mail address")
    return found


def _of_events(place: str, settings: dict[str, Any], made: Any) -> None:
    """A line for each completed order: its link, or why it has none."""
    from plaudit.cli.inputs import events

    lines = [
        line for n, event in enumerate(events(place), 1) if (line := _of_event(n, event, settings, made))
    ]
    if not lines:
        raise PlauditError("there is no Order Completed among these events, so there is no link to make")
    for line in lines:
        json_line(line)
    if any(line["link"] is None for line in lines):
        raise typer.Exit(1)


def _of_event(number: int, event: dict[str, Any], settings: dict[str, Any], made: Any) -> Made | None:
    from plaudit.destinations.trustpilot import terms
    from plaudit.destinations.trustpilot.link import Customer
    from plaudit.spec.order import Rejection, is_order_completed, read_order

    said = event.get("event")
    if event.get("type") != "track" or not isinstance(said, str) or not is_order_completed(said):
        return None
    order = read_order(
        event.get("properties"),
        context=event.get("context"),
        traits=event.get("traits"),
        root_email=event.get("email"),
        user_id=event.get("userId"),
        wanted_traits=terms.asked(settings).traits,
    )
    if isinstance(order, Rejection):
        return {"event": number, "order_id": order.order_id, "link": None, "message": order.message}
    customer = Customer(
        order.email,
        terms.greeting(order),
        order.order_id,
        [article.sku for article in terms.articles(order, settings) if article.sku],
        terms.tags(order, settings),
    )
    return {"event": number, "order_id": order.order_id, "link": made(customer), "message": ""}


async def _settings(data: Place, config: Path | None, wanted: str | None) -> dict[str, Any]:
    """The settings of the destination that has keys, with those of the environment before its own."""
    import os

    from plaudit import config as files
    from plaudit import installation
    from plaudit.destinations.catalog import destinations

    own = {
        key: value
        for key, name in (("link_encrypt_key", ENCRYPT), ("link_auth_key", AUTH))
        if (value := os.environ.get(name))
    }
    if config is not None:
        found = files.load(config, destinations())
    elif installation.installed(data):
        store = installation.open_store(data)
        try:
            found = installation.exported(await store.configuration())
        finally:
            await store.close()
    else:
        found = files.Config()
    return _choose({name: d.settings for name, d in found.destinations.items()}, wanted, own)


def _choose(there: dict[str, dict[str, Any]], wanted: str | None, own: dict[str, str]) -> dict[str, Any]:
    if wanted is not None:
        if wanted not in there:
            raise UsageError(f"no destination is called {wanted!r}; there is {', '.join(there) or 'none'}")
        chosen = there[wanted]
    else:
        keyed = {name: settings for name, settings in there.items() if settings.get("link_encrypt_key")}
        if len(keyed) > 1 and len(own) < 2:
            raise UsageError(f"whose keys? Name one with --destination: {', '.join(keyed)}")
        chosen = next(iter(keyed.values())) if len(keyed) == 1 else {}
    settings = {**chosen, **own}
    if not (settings.get("link_encrypt_key") and settings.get("link_auth_key")):
        raise PlauditError(
            "there are no keys for links: set link_encrypt_key and link_auth_key at a destination, "
            f"or {ENCRYPT} and {AUTH} in the environment"
        )
    return settings
