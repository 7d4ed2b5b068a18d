"""Everybody with all that they ever did, and values worked out from all of it each time: what profiles must come to."""

from __future__ import annotations

from typing import Any

import msgspec

from engage.oracle import Oracle
from plaudit.engage.definitions import Definitions
from plaudit.engage.facts import Fact, TraitValue
from plaudit.engage.identifiers import Identifier
from plaudit.engage.identity import Known, Seen, resolve
from plaudit.engage.language import read
from plaudit.engage.sighting import Sighting


class Naive:
    """Everybody, with all that they did, in a list."""

    def __init__(self) -> None:
        self.people: list[dict[str, Any]] = []

    def see(self, sighting: Sighting, now: int) -> None:
        known = {
            index: Known(
                index, tuple(Seen(*each) for each in one["names"].items()), one["created"], one["merges"]
            )
            for index, one in enumerate(self.people)
        }
        matches = {each.identifier: one for one in known.values() for each in one.seen}
        decision = resolve(sighting.identifiers, matches, at=sighting.at)
        if decision.action == "nobody":
            return
        if decision.profile is None:
            self.people.append({"names": {}, "created": sighting.at, "merges": 0, "facts": [], "traits": {}})
            person = self.people[-1]
        else:
            person = self.people[decision.profile]
        for other in sorted(decision.merged):
            gone = self.people[other]
            person["names"] |= gone["names"]
            person["facts"] += gone["facts"]
            person["created"] = min(person["created"], gone["created"])
            person["merges"] += gone["merges"] + 1
            for name, value in gone["traits"].items():
                if name not in person["traits"] or value.since >= person["traits"][name].since:
                    person["traits"][name] = value
        for each in decision.identifiers:
            person["names"][each] = max(person["names"].get(each, 0), sighting.at)
        if sighting.name:
            properties = msgspec.json.decode(sighting.properties)
            person["facts"].append(
                (sighting.at, sighting.event_id, Fact(sighting.name, sighting.at, properties, "shop"))
            )
        for name, value in sighting.traits.items():
            at = min(sighting.at, now)
            if name not in person["traits"] or at >= person["traits"][name].since:
                person["traits"][name] = TraitValue(value, at)
        self.people = [one for index, one in enumerate(self.people) if index not in decision.merged]

    def forget(self, email: str) -> None:
        self.people = [one for one in self.people if Identifier("email", email) not in one["names"]]

    def values(self, person: dict[str, Any], definitions: Definitions, now: int) -> dict[str, Any]:
        """By key, of all that are switched on."""
        facts = [fact for *_, fact in sorted(person["facts"], key=lambda row: row[:2])]
        audiences = frozenset(k for k, d in definitions.by_key.items() if d.kind == "audience")
        traits: dict[str, TraitValue] = dict(person["traits"])
        memberships: dict[str, bool] = {}
        found: dict[str, Any] = {}
        for id_ in definitions.order:
            definition = definitions.by_id[id_]
            value = Oracle(facts, traits, memberships, audiences).value(
                read(definition.query, definition.kind), now
            )
            found[definition.key] = value
            if definition.kind == "audience":
                memberships[definition.key] = value
            elif value is None:
                traits.pop(definition.key, None)
            else:
                traits[definition.key] = TraitValue(value, 0)
        return found
