"""What a definition depends on: so that only touched definitions are evaluated and only needed facts are kept.

Definitions that ask for one another's values are put in order; a circle is refused with its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import msgspec

from plaudit.engage.language import tree as t
from plaudit.engage.language.errors import QueryError
from plaudit.engage.paths import steps

UNLIMITED = None


class EventNeeds(msgspec.Struct, frozen=True):
    """What is asked of the events of one name; paths as written, `products.$.price`.

    `look_back`: an event older than that many ms counts no more; None: it counts for ever.
    """

    properties: frozenset[str] = frozenset()
    context: frozenset[str] = frozenset()
    look_back: int | None = 0

    def __or__(self, other: EventNeeds) -> EventNeeds:
        """What both together need."""
        return EventNeeds(
            self.properties | other.properties,
            self.context | other.context,
            UNLIMITED
            if self.look_back is None or other.look_back is None
            else max(self.look_back, other.look_back),
        )


class Needs(msgspec.Struct, frozen=True):
    """What a definition depends on. `traits`: names of traits and keys of audiences alike."""

    events: dict[str, EventNeeds] = {}
    traits: frozenset[str] = frozenset()

    @property
    def look_back(self) -> int | None:
        """The longest look-back of its events, ms; None: unlimited."""
        spans = [each.look_back for each in self.events.values()]
        return UNLIMITED if None in spans else max((span for span in spans if span is not None), default=0)


def needs(tree: t.Definition) -> Needs:
    """What this definition depends on."""
    found = _Found()
    found.walk(tree, own=None, parent=None)
    return Needs(found.events, frozenset(found.traits))


def together(all_needs: Iterable[Needs]) -> dict[str, EventNeeds]:
    """What must be kept of which events to evaluate all of them."""
    found: dict[str, EventNeeds] = {}
    for each in all_needs:
        for name, event in each.events.items():
            found[name] = found.get(name, EventNeeds()) | event
    return found


class _Found:
    def __init__(self) -> None:
        self.events: dict[str, EventNeeds] = {}
        self.traits: set[str] = set()

    def walk(
        self, node: t.Definition, own: t.Event | None, parent: t.Event | None, limit: int | None = UNLIMITED
    ) -> None:
        """`own`: the event that the node is about, which counts for `limit` ms; `parent`: the event around that one."""
        match node:
            case t.And() | t.Or() | t.Not() | t.Account() | t.Compare() | t.Size():
                for part in _parts(node):
                    self.walk(part, own, parent, limit)
            case t.Reduced(stream=stream, of=of) if isinstance(stream, t.Event):
                self._stream(stream, of, own, limit)
            case t.Trait(key=key):
                self.traits.add(steps(key)[0] or "")
            case t.Property(key=key, parent=up):
                about = parent if up else own
                if about is not None:
                    self._add(about.name, EventNeeds(properties=frozenset((key,))))
            case t.Context(key=key) if own is not None:
                self._add(own.name, EventNeeds(context=frozenset((key,))))

    def _stream(
        self, stream: t.Event, of: t.Scalar | None, around: t.Event | None, limit: int | None
    ) -> None:
        # An event of a funnel comes after its parent, so it is never asked for longer than the parent is.
        ends = [limit, *_ends(stream)]
        limit = min((end for end in ends if end is not None), default=UNLIMITED)
        self._add(stream.name, EventNeeds(look_back=limit))
        for each in stream.filters:
            if isinstance(each, t.Where):
                self.walk(each.condition, stream, around, limit)
        if of is not None:
            self.walk(of, stream, around, limit)

    def _add(self, name: str, found: EventNeeds) -> None:
        self.events[name] = self.events.get(name, EventNeeds()) | found


def _parts(node: t.Condition | t.Size) -> tuple[t.Definition, ...]:
    match node:
        case t.And(of=parts) | t.Or(of=parts):
            return parts
        case t.Compare(left=left, right=right):
            return (left, *right)
        case t.Not(of=part) | t.Account(of=part) | t.Size(of=part):
            return (part,)


def _ends(stream: t.Event) -> Iterator[int]:
    for each in stream.filters:
        if isinstance(each, t.Within | t.Between) and not each.parent:
            yield each.span.ms if isinstance(each, t.Within) else each.end.ms


class Dependencies:
    """Which of many definitions, by key, an event or a trait touches, in the order to evaluate them in.

    Raises `QueryError` when definitions depend on each other in a circle.
    """

    def __init__(self, definitions: Mapping[str, Needs]) -> None:
        self.order = order(definitions)
        self._place = {key: place for place, key in enumerate(self.order)}
        self._by_event: dict[str, set[str]] = {}
        self._by_trait: dict[str, set[str]] = {}
        for key, each in definitions.items():
            for name in each.events:
                self._by_event.setdefault(name, set()).add(key)
            for trait in each.traits:
                self._by_trait.setdefault(trait, set()).add(key)

    def touched(self, events: Iterable[str] = (), traits: Iterable[str] = ()) -> list[str]:
        """The keys of all definitions whose value events or traits of these names could change, directly or not."""
        found: set[str] = set()
        waiting = [key for name in events for key in self._by_event.get(name, ())]
        waiting += [key for name in traits for key in self._by_trait.get(name, ())]
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting += self._by_trait.get(key, ())
        return sorted(found, key=self._place.__getitem__)

    def dependents(self, key: str) -> list[str]:
        """The keys of the definitions that ask for this one's value themselves."""
        return sorted(self._by_trait.get(key, ()), key=self._place.__getitem__)


def order(definitions: Mapping[str, Needs]) -> list[str]:
    """All keys, each after those that it depends on; by the alphabet where that leaves a choice."""
    sorter = TopologicalSorter(
        {key: sorted(definitions[key].traits & definitions.keys()) for key in sorted(definitions)}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        path = " → ".join(reversed(error.args[1]))
        raise QueryError(
            f"these depend on each other in a circle: {path}; one of them must do without the next"
        ) from None
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found += ready
        sorter.done(*ready)
    return found
