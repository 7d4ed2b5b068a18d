"""What becomes of each event, before the store has its say on duplicates. Pure: entries in, rows out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Settings
from plaudit.spec import dispositions, integrations
from plaudit.spec.envelope import Entry, Envelope, event_id
from plaudit.spec.event import NOBODY, Customer, Event, Unreadable
from plaudit.store.base import Configuration, EventRow, Route

Target = tuple[int, Destination, Settings]  # a destination's id, kind and settings
Routes = dict[int, list[Target]]  # source id: its destinations
Known = Mapping[int, Customer]  # by event id


def routes(configuration: Configuration, kinds: dict[str, Destination]) -> Routes:
    """Where each source's events go."""
    by_id = {d.id: (d.id, kinds[d.type], d.settings) for d in configuration.destinations if d.type in kinds}
    table: Routes = {}
    for source_id, destination_id in configuration.connections:
        if destination_id in by_id:
            table.setdefault(source_id, []).append(by_id[destination_id])
    return table


def plan(
    partition: int, position: int, entry: Entry, table: Routes, known: Known | None = None
) -> Iterator[EventRow]:
    """A row for each event of an entry. `known`: customers that destinations ask about (customers.py)."""
    destinations = table.get(entry.source_id, [])
    for index, envelope in enumerate(entry.events):
        id_ = event_id(partition, position, index)
        customer = known.get(id_, NOBODY) if known else NOBODY
        yield _row(id_, entry, envelope, destinations, customer)


def _row(
    id_: int, entry: Entry, envelope: Envelope, destinations: list[Target], customer: Customer
) -> EventRow:
    name = order_id = None
    disposition: str | None = envelope.refused or (dispositions.HISTORY if entry.history else None)
    detail: str | None = envelope.reason or None
    found: list[Route] = []
    if disposition is None:
        try:
            event = Event(entry, envelope, customer)
            name = event.name
            for target in destinations:
                route, its_order = _route(event, *target)
                found.append(route)
                order_id = order_id or its_order
            if not found:
                disposition = dispositions.NO_DESTINATION
        except Unreadable as error:
            found, disposition, detail = [], "bad_request", f"the event cannot be read: {str(error)[:200]}"
        except Exception as error:  # noqa: BLE001 - a bad event blocks no other, whatever is bad about it
            found, disposition, detail = [], "bad_request", f"a fault in Plaudit: {type(error).__name__}"
    return EventRow(
        id_,
        entry.source_id,
        envelope.message_id,
        envelope.type,
        name,
        entry.received_at,
        envelope.timestamp,
        order_id,
        disposition,
        detail,
        bool(envelope.refused),
        found,
    )


def _route(
    event: Event, destination_id: int, destination: Destination, settings: Settings
) -> tuple[Route, str | None]:
    if not integrations.enabled(event.integrations, destination.integrations_name):
        return Route(destination_id, dispositions.FILTERED), None
    decision = destination.decide(event, settings)
    route = Route(destination_id, decision.code, decision.detail, decision.draft, decision.cancellation)
    return route, decision.order_id
