"""What destinations' settings ask of orders' customers: traits that an event does not have itself, and audiences.

Asked for a whole batch at once, and only where settings ask at all: other orders pay nothing. An order's own event is
not in its customer's profile yet (docs/adr/0011).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from plaudit.destinations.base import Destination
from plaudit.engage.identifiers import Identifier
from plaudit.engage.sighting import sighting
from plaudit.process.plan import Known
from plaudit.process.profiles import definitions_of
from plaudit.spec.envelope import Entry, event_id
from plaudit.spec.event import Customer, Event, Unreadable
from plaudit.spec.order import is_order_completed
from plaudit.store.base import Configuration
from plaudit.store.profiles import Profiles, Standing


class Customers:
    """Those of one configuration."""

    def __init__(
        self, profiles: Profiles, configuration: Configuration, kinds: dict[str, Destination]
    ) -> None:
        self._profiles = profiles
        self._definitions = definitions_of(configuration, kinds)
        asking = set()
        for row in configuration.destinations:
            asks = kinds[row.type].asks if row.type in kinds else None
            if asks is not None and asks(row.settings):
                asking.add(row.id)
        self._sources = {source for source, to in configuration.connections if to in asking}

    async def of(self, partition: int, entries: Sequence[tuple[int, Entry]]) -> Known:
        """The customers of orders that came from where somebody asks, as far as they are known."""
        names: dict[int, tuple[Identifier, ...]] = {}
        for position, entry in entries:
            if entry.source_id in self._sources:
                names |= orders(partition, position, entry)
        return await self.look(names)

    async def look(self, names: dict[int, tuple[Identifier, ...]]) -> Known:
        """The customers who have these names, by the same ids."""
        if not names:
            return {}
        wanted = list({name for its in names.values() for name in its})
        found = await self._profiles.known(wanted)
        known = {}
        for id_, its in names.items():
            standing = next((found[name] for name in its if name in found), None)
            if standing is not None:
                known[id_] = self._customer(standing)
        return known

    def _customer(self, standing: Standing) -> Customer:
        traits, audiences = dict(standing.traits), set()
        for id_, value in standing.values.items():
            definition = self._definitions.by_id.get(id_)
            if definition is None or id_ not in self._definitions.plans:
                continue
            if definition.kind == "trait" and value is not None:
                traits[definition.key] = value
            elif definition.kind == "audience" and value is True:
                audiences |= {definition.name, definition.key}
        return Customer(traits, audiences)


def orders(partition: int, position: int, entry: Entry) -> dict[int, tuple[Identifier, ...]]:
    """By event id, the names of who ordered: the most telling first."""
    found = {}
    for index, envelope in enumerate(entry.events):
        if envelope.type != "track" or envelope.refused:
            continue
        with contextlib.suppress(Unreadable):  # planning says so
            event = Event(entry, envelope)
            if is_order_completed(event.name):
                id_ = event_id(partition, position, index)
                seen = sighting(id_, entry.source_id, event)
                if seen is not None:
                    found[id_] = seen.identifiers
    return found
