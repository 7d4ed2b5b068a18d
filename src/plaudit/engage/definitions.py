"""The audiences and computed traits that are configured, compiled once for each configuration.

A definition is data: its query is parsed and checked (language/) before it is saved, and never run as code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any, Literal, NamedTuple

import msgspec

from plaudit.engage.evaluate import Plan, Profile
from plaudit.engage.language import read
from plaudit.engage.language.errors import QueryError
from plaudit.engage.needs import Dependencies, EventNeeds, Needs, needs, together

Kind = Literal["audience", "trait"]
REALTIME = 0


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a definition's values are told to destinations, to all of them alike.

    `every`: ms between two syncs, `REALTIME`: each change at once. `identifiers`: which of a profile's user ids and
    addresses a call names. `anonymous`: also tell of profiles that have neither.
    """

    send: Literal["identify", "track"] = "identify"
    identifiers: Literal["last", "first", "all"] = "last"
    anonymous: bool = False
    every: int = REALTIME


class Definition(msgspec.Struct, frozen=True):
    """An audience or a computed trait. `key` is the property's name downstream, made once and kept for ever.

    `name` is its name in the configuration, `title` the one for people. `destinations`: ids, those that are told.
    """

    id: int
    kind: Kind
    name: str
    key: str
    title: str
    query: str
    options: Options = Options()
    enabled: bool = True
    destinations: tuple[int, ...] = ()
    created_at: int = 0


class Outlet(NamedTuple):
    """A destination as far as syncs go. `carries`: its channel has a call for them."""

    id: int
    name: str  # in events' integrations object
    carries: bool


class Wants(NamedTuple):
    """What of a profile's events must be at hand: for each name what is asked of it, and since when (ms)."""

    events: dict[str, EventNeeds]

    def since(self, name: str, now: int) -> int | None:
        """The time after which events of this name count; None: all of them."""
        back = self.events[name].look_back
        return None if back is None else now - back


class Definitions:
    """All that are configured; those that are switched on have a plan.

    `version`: of the configuration that they are from; `sources`: names by id.
    """

    def __init__(
        self,
        version: int,
        definitions: Iterable[Definition] = (),
        outlets: Iterable[Outlet] = (),
        sources: dict[int, str] | None = None,
    ) -> None:
        self.version = version
        self.outlets = {outlet.id: outlet for outlet in outlets}
        self.sources = sources or {}
        self.faults: dict[str, str] = {}  # by key: why a definition is not evaluated
        self.by_id = {each.id: each for each in definitions}
        on = [each for each in self.by_id.values() if each.enabled]
        self.by_key = {each.key: each for each in on}
        self._needs: dict[str, Needs] = {}
        self.plans: dict[int, Plan] = {}
        audiences = [each.key for each in on if each.kind == "audience"]
        for each in on:
            try:
                tree = read(each.query, each.kind)
            except QueryError as error:  # saved by a version that knew more
                self.faults[each.key] = str(error)
                continue
            self.plans[each.id] = Plan(tree, audiences)
            self._needs[each.key] = needs(tree)

    @cached_property
    def _dependencies(self) -> Dependencies:
        return Dependencies(self._needs)

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """Each (definition, destination) that has something to be told."""
        return [
            (each.id, to) for each in self.by_id.values() if each.id in self.plans for to in each.destinations
        ]

    @cached_property
    def at_birth(self) -> list[int]:
        """Those that say something even of a profile of which nothing is known, such as `NOT …`, in order."""
        nobody = Profile()
        found = []
        for id_ in self.order:
            value, until = self.plans[id_].evaluate(nobody, 0)
            if until is not None or value != nothing(self.by_id[id_].kind):
                found.append(id_)
        return self.with_dependents(found)

    @cached_property
    def order(self) -> list[int]:
        """All ids, each after those that it depends on."""
        return [self.by_key[key].id for key in self._dependencies.order]

    def touched(self, events: Collection[str], traits: Collection[str] = ()) -> list[int]:
        """Which could have another value after events and traits of these names, in the order to evaluate them in."""
        if not self.plans:
            return []
        return [self.by_key[key].id for key in self._dependencies.touched(events, traits)]

    def sorted(self, ids: Collection[int]) -> list[int]:
        """These, each after those that it depends on."""
        return [id_ for id_ in self.order if id_ in ids]

    def with_dependents(self, ids: Collection[int]) -> list[int]:
        """These and all that ask for their values, in order."""
        keys = {self.by_id[id_].key for id_ in ids if id_ in self.plans}
        return self.sorted({self.by_key[key].id for key in keys | set(self._dependencies.touched((), keys))})

    def wants(self, ids: Iterable[int]) -> Wants:
        """What is needed to evaluate these."""
        return Wants(together(self._needs[self.by_id[id_].key] for id_ in ids if id_ in self.plans))


def nothing(kind: Kind) -> Any:
    """The value of a profile of which nothing is known."""
    return False if kind == "audience" else None


def switched(before: Iterable[Definition], after: Iterable[Definition]) -> list[int]:
    """Which of `after` mean something else, since one that they ask for was switched on or off, came or went."""
    now = {each.key: each for each in after if each.enabled}
    changed = {each.key for each in before if each.enabled} ^ now.keys()
    found = Definitions(0, now.values())
    return found.touched((), changed) if changed else []


def kept_from(before: str | None, options: Options) -> bool:
    """Whether destinations were not told of something by the options of before (JSON) that they are told by these."""
    if before is None:
        return True
    was = msgspec.json.decode(before, type=Options)
    return (options.anonymous and not was.anonymous) or (options.every == REALTIME and was.every != REALTIME)


def check(definitions: Iterable[tuple[str, str, Kind]]) -> None:
    """Raises `QueryError` when definitions (key, query, kind), each good by itself, ask for each other in a circle."""
    Dependencies({key: needs(read(query, kind)) for key, query, kind in definitions})
