"""A profile as it is judged: who it is, what is known of it, what it was worth before, what destinations were told."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from plaudit.engage.facts import Fact, TraitValue
from plaudit.engage.identifiers import Identifier

Place = tuple[int, int]  # a definition's id, a destination's id


class Met(NamedTuple):
    """An identifier, and when it was first and last seen (ms)."""

    identifier: Identifier
    first: int
    last: int


class Held(NamedTuple):
    """A definition's value, since when (ms), and when it may next be another one by itself; None: never."""

    value: Any
    since: int
    next_change_at: int | None


class Told(NamedTuple):
    """The last value that a destination was told, how many times it was told one, and the deliveries of the last time."""

    value: Any
    times: int = 0
    deliveries: tuple[int, ...] = ()


class Person(msgspec.Struct):
    """One profile. Its facts are those that the definitions in hand ask for, by time."""

    id: int
    identifiers: list[Met] = []
    traits: dict[str, TraitValue] = {}
    facts: list[Fact] = []
    values: dict[int, Held] = {}
    told: dict[Place, Told] = {}
