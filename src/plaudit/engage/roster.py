"""A batch's sightings against the profiles that they match: who is new, who becomes one, who is seen with what.

The profiles that the batch could touch are here in memory; each sighting is decided (identity.py) on what those
before it left. Pure: the store looks profiles up before, and carries out what `Roster` says afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from plaudit.engage.facts import TraitValue
from plaudit.engage.identifiers import Identifier, Rules
from plaudit.engage.identity import Known, Seen, resolve
from plaudit.engage.sighting import Sighting


class Span:
    """When a profile was first and last seen with an identifier (ms)."""

    __slots__ = ("first", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last

    def widen(self, first: int, last: int) -> bool:
        """Whether that was news."""
        if self.first <= first and last <= self.last:
            return False
        self.first, self.last = min(self.first, first), max(self.last, last)
        return True


class Entry:
    """A profile as a batch finds and leaves it."""

    __slots__ = ("created_at", "id", "known", "merges", "seen", "traits")

    def __init__(self, id_: int, created_at: int, merges: int = 0) -> None:
        self.id = id_
        self.created_at = created_at
        self.merges = merges
        self.seen: dict[Identifier, Span] = {}
        self.traits: dict[str, TraitValue] = {}
        self.known: Known | None = None

    def as_known(self) -> Known:
        if self.known is None:
            seen = tuple(Seen(each, span.last) for each, span in self.seen.items())
            self.known = Known(self.id, seen, self.created_at, self.merges)
        return self.known


class Roster:
    """`see` each sighting in turn; then what is to be written is in `created`, `changed`, `seen` and `merged`.

    `now`: ms. What a clock that runs ahead says of a person is true from now on, not later.
    """

    def __init__(
        self, entries: Iterable[Entry], new_ids: Iterator[int], now: int, rules: Rules | None = None
    ) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._owners = {each: entry for entry in self._entries.values() for each in entry.seen}
        self._new_ids = new_ids
        self._now = now
        self._rules = rules or Rules()
        self.created: set[int] = set()
        self.changed: set[int] = set()  # traits or merges
        self.seen: set[Identifier] = set()
        self.merged: dict[int, int] = {}  # which profile went into which one
        self.traits: dict[int, set[str]] = {}  # by profile: names of traits that have a new value
        self.known_anew: set[int] = set()  # got an identifier that they did not have

    def entry(self, id_: int) -> Entry:
        return self._entries[id_]

    def owner(self, identifier: Identifier) -> Entry:
        return self._owners[identifier]

    def see(self, sighting: Sighting) -> int | None:
        """The profile that the sighting belongs to; None when nothing says whose it is."""
        entry = self._find(sighting)
        if entry is not None and sighting.traits:
            self._take_traits(entry, sighting.traits, min(sighting.at, self._now))
        return None if entry is None else entry.id

    def where(self, id_: int) -> int:
        """Where a profile has gone: itself, unless it was merged."""
        while id_ in self.merged:
            id_ = self.merged[id_]
        return id_

    def _find(self, sighting: Sighting) -> Entry | None:
        identifiers, at = sighting.identifiers, sighting.at
        owners = {id(owner): owner for each in identifiers if (owner := self._owners.get(each)) is not None}
        if len(owners) == 1 and all(each in self._owners for each in identifiers):
            (entry,) = owners.values()  # nothing is new, so there is nothing to decide
            for each in identifiers:
                self._put(entry, each, at, at)
            return entry
        matches = {each: self._owners[each].as_known() for each in identifiers if each in self._owners}
        decision = resolve(identifiers, matches, at=at, rules=self._rules)
        if decision.action == "nobody":
            return None
        if decision.profile is None:
            entry = Entry(next(self._new_ids), at)
            self._entries[entry.id] = entry
            self.created.add(entry.id)
        else:
            entry = self._entries[decision.profile]
        for other in decision.merged:
            self._merge(self._entries[other], entry)
        for each in decision.identifiers:
            self._put(entry, each, at, at)
        return entry

    def _put(self, entry: Entry, identifier: Identifier, first: int, last: int) -> None:
        span = entry.seen.get(identifier)
        if span is None:
            entry.seen[identifier] = Span(first, last)
            self._owners[identifier] = entry
            self.known_anew.add(entry.id)
        elif not span.widen(first, last):
            return
        entry.known = None
        self.seen.add(identifier)

    def _merge(self, other: Entry, into: Entry) -> None:
        for identifier, span in other.seen.items():
            self._put(into, identifier, span.first, span.last)
        for name, (value, since) in other.traits.items():
            self._take_traits(into, {name: value}, since)
        into.merges += other.merges + 1
        into.created_at = min(into.created_at, other.created_at)
        into.known = None
        self.changed.add(into.id)
        self.merged[other.id] = into.id
        del self._entries[other.id]

    def _take_traits(self, entry: Entry, traits: dict[str, Any], at: int) -> None:
        """The latest by the time of the event; of two at one time the one that comes later."""
        for name, value in traits.items():
            there = entry.traits.get(name)
            if there is not None and there.since > at:
                continue
            if there is None or there.value != value or type(there.value) is not type(value):
                self.traits.setdefault(entry.id, set()).add(name)
            elif there.since == at:
                continue
            entry.traits[name] = TraitValue(value, at)
            self.changed.add(entry.id)
