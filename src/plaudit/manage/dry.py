"""The dry run of an event: the same functions as the server's, with nothing sent and nothing written."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from plaudit import config as files
from plaudit.clock import SystemClock, iso, message_id
from plaudit.config import Config
from plaudit.destinations import exchange
from plaudit.destinations.base import Answer, Delivery, Destination, Mail, Request, WantToken, What
from plaudit.destinations.settings import Settings
from plaudit.errors import PlauditError, RefusedError
from plaudit.process.customers import Customers, orders
from plaudit.process.plan import Known, Routes, plan
from plaudit.process.replay import NOWHERE
from plaudit.spec import dispositions, wire
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import EventRow, Route, Store

MOST_REQUESTS = 3  # that a flow is asked for


async def findings(
    batch: list[dict[str, Any]],
    wanted: Config,
    kinds: dict[str, Destination],
    store: Store | None,
    source: str | None,
    destination: str | None = None,
) -> list[dict[str, Any]]:
    """One finding for each event and destination, or for this destination. Raises `PlauditError`."""
    name = _source(wanted, source)
    connected = [
        (n, d)
        for n, d in wanted.destinations.items()
        if name in d.sources and destination in (None, n) and d.type in kinds
    ]
    found = []
    for number, event in enumerate(batch, 1):
        found += await _event(number, event, connected, kinds, store)
    return found


def _source(config: Config, wanted: str | None) -> str:
    names = ", ".join(config.sources) or "none"
    if wanted is None and len(config.sources) == 1:
        return next(iter(config.sources))
    if wanted is None:
        raise PlauditError(f"from which source? Name it with --source; there is {names}")
    if wanted not in config.sources:
        raise PlauditError(f"no source is called {wanted!r}; there is {names}")
    return wanted


async def _event(
    number: int,
    event: dict[str, Any],
    connected: list[tuple[str, files.DestinationConfig]],
    kinds: dict[str, Destination],
    store: Store | None,
) -> list[dict[str, Any]]:
    envelope = _envelope(event)
    table: Routes = {0: [(place, kinds[d.type], d.settings) for place, (_, d) in enumerate(connected)]}
    now = SystemClock().now()
    entry = Entry(0, now, [envelope])
    known = await _known(store, kinds, entry) if store is not None else None
    row = next(iter(plan(0, NOWHERE, entry, table, known)))
    if row.disposition:
        return [_finding(number, None, row.order_id, row.disposition, row.detail, [])]
    found = []
    for route in row.routes:
        destination = connected[route.destination_id]
        code = await _foreseen(store, destination[0], row, route, now) if store is not None else route.code
        found.append(await _route(number, destination, kinds, route, row.order_id, store, code, now))
    return found


async def _known(store: Store, kinds: dict[str, Destination], entry: Entry) -> Known:
    return await Customers(store.profiles, await store.configuration(), kinds).look(orders(0, NOWHERE, entry))


async def _foreseen(store: Store, name: str, row: EventRow, route: Route, now: int) -> str:
    """What the ledger would make of it: orders that it knows, cancellations, customers who were invited before."""
    for destination in (await store.configuration()).destinations:
        if destination.name == name:
            there = row._replace(routes=[route._replace(destination_id=destination.id)])
            return next(iter((await store.foresee([there], now)).dispositions), route.code)
    return route.code


def _envelope(event: dict[str, Any]) -> Envelope:
    body = msgspec.json.encode(event)
    try:
        read = wire.decode_single(body)
    except RefusedError as error:
        return Envelope("", "", 0, b"", error.code, error.message)
    return wire.single(str(event.get("type") or ""), read, body, SystemClock().now(), message_id)


async def _route(
    number: int,
    destination: tuple[str, files.DestinationConfig],
    kinds: dict[str, Destination],
    route: Route,
    order_id: str | None,
    store: Store | None,
    code: str,
    now: int,
) -> dict[str, Any]:
    name, settings = destination[0], destination[1].settings
    if route.cancellation is not None:
        message = f"would take back the invitation of order {order_id}, if it still waits"
        return _finding(number, name, order_id, code, message if store is None else None, [])
    if route.draft is None:
        return _finding(number, name, order_id, route.code, route.detail, [])
    if store is not None and route.draft.what is What.INVITATION:
        for known in await store.invitations(order_id=route.draft.key, destination=name, limit=1):
            message = f"order {order_id} already has invitation {known.id} ({known.state})"
            return _finding(number, name, order_id, code, message, [])
    if code != route.code:
        return _finding(number, name, order_id, code, None, [])
    draft = route.draft
    delivery = Delivery(0, draft.what, draft.order, draft.call, now)
    shown = requests(kinds[destination[1].type], delivery, settings)
    message = "would make a review invitation" if route.draft.order else "would be passed on"
    if route.draft.not_before > now:
        message += f", held until {iso(route.draft.not_before)}"
    return _finding(number, name, order_id, route.code, message, shown)


def requests(kind: Destination, delivery: Delivery, settings: Settings) -> list[dict[str, Any]]:
    """What the flow sends at first, and what if the vendor then asks for more (202)."""
    flow = kind.channel(settings).flow(delivery, settings)
    shown: list[dict[str, Any]] = []
    with contextlib.suppress(StopIteration):
        wish = next(flow)
        while len(shown) < MOST_REQUESTS:
            if isinstance(wish, WantToken):
                wish = flow.send("TOKEN")
                continue
            shown.append(_shown(wish))
            wish = flow.send(Answer(202))
    flow.close()
    return shown


def _shown(wish: Request | Mail) -> dict[str, Any]:
    if isinstance(wish, Mail):
        return {"method": "MAIL", "url": f"mailto:{wish.recipient[:3]}…", "headers": {}, "body": wish.html}
    return {
        "method": wish.method,
        "url": wish.shown,
        "headers": exchange.headers(wish.headers),
        "body": msgspec.json.decode(wish.body),
    }


def _finding(
    number: int,
    destination: str | None,
    order_id: str | None,
    code: str,
    message: str | None,
    sent: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "event": number,
        "destination": destination,
        "order_id": order_id,
        "disposition": code,
        "message": message or dispositions.SENTENCES.get(code, ""),
        "requests": sent,
    }
