"""What is known of one profile: the events that it did, its traits, its memberships.

Facts may come in any order; those of one moment count in the order in which they are given, so that the
caller decides ties. An event or trait of the future is not there before its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

_time = attrgetter("timestamp")


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One event, as far as audiences may ask about it. `timestamp`: ms, Segment's corrected one (segment.md 1.7)."""

    name: str
    timestamp: int
    properties: dict[str, Any] = {}
    source: str = ""
    context: dict[str, Any] = {}


class TraitValue(NamedTuple):
    """A trait's value, and since when it has it (ms)."""

    value: Any
    since: int = 0


class Rows(NamedTuple):
    """Facts by time, and their times."""

    times: list[int]
    facts: list[Fact]


NOTHING = Rows([], [])


class Profile:
    """One profile's facts, sorted once, when they are first asked for."""

    __slots__ = ("_facts", "_rows", "memberships", "traits")

    def __init__(
        self,
        facts: Iterable[Fact] = (),
        traits: dict[str, TraitValue] | None = None,
        memberships: dict[str, bool] | None = None,
    ) -> None:
        self._facts = facts
        self._rows: dict[str, Rows] | None = None
        self.traits = {} if traits is None else traits
        self.memberships = {} if memberships is None else memberships

    def rows(self, name: str) -> Rows:
        """The events of this name, by time."""
        rows = self._rows
        if rows is None:
            rows = self._rows = self._sorted()
        return rows.get(name, NOTHING)

    def _sorted(self) -> dict[str, Rows]:
        rows: dict[str, Rows] = {}
        for fact in sorted(self._facts, key=_time):
            row = rows.get(fact.name)
            if row is None:
                row = rows[fact.name] = Rows([], [])
            row.times.append(fact.timestamp)
            row.facts.append(fact)
        return rows
