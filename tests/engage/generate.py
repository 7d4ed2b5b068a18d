"""Random definitions, from the whole grammar that `check` lets through, and random histories to ask them about.

Times and lengths are few and round, so that events, windows and questions often meet on the same millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, get_args

from plaudit.engage.evaluate import Fact, TraitValue
from plaudit.engage.language import Kind, QueryError, check
from plaudit.engage.language import tree as t
from plaudit.engage.language.types import check_compare

HOUR = 3_600_000
START = 1_700_000_000_000 // HOUR * HOUR
NAMES = ("A", "A", "A", "A", "B", "B", "B", "C")
AUDIENCES = frozenset(("aud1", "aud2"))
DATES = ("2023-11-14T23:00:00Z", "2023-11-15", "2023-11-15T03:00:00.500+01:00", "2023-11-16T00:00:00")
ATOMS: tuple[Any, ...] = (
    0,
    1,
    2,
    3,
    2.5,
    -1,
    "1",
    "2",
    "2.0",
    "a",
    "b",
    "ab",
    "A",
    True,
    False,
    "true",
    *DATES,
)
KEYS = ("x", "x", "y", "x", "y", "o.k", "list", "list.$", "items.$.k", "items.k", "items.0.k")
SPANS = (t.Span(1, "hour"), t.Span(2, "hour"), t.Span(5, "hour"), t.Span(1, "day"), t.Span(2, "day"))
USUAL: tuple[t.Comparator, ...] = ("equals", "differs", "exists", "at_least", "less_than", "one_of") * 4
RELATIVE: tuple[t.Comparator, ...] = ("within_last", "within_next", "before_last", "after_next")
ORDERING: tuple[t.Comparator, ...] = ("greater_than", "at_least", "less_than", "at_most")


class Generator:
    """Draws from a `Random`, which may be hypothesis's own."""

    def __init__(self, random: Random) -> None:
        self.r = random
        self.simple = False

    def audience(self) -> t.Definition:
        if self.r.random() < 0.5:
            self.simple = True
            return self._simple()
        return self._checked(lambda: self._condition(0, 3), "audience")

    def _simple(self) -> t.Definition:
        """What people write: one event or trait, a condition, a window; and histories in which it matters."""
        span, other = self.r.sample(SPANS, 2)
        relative = self.r.choice(RELATIVE)
        child = self._count(
            "B", t.Within(other, self.r.random() < 0.7), self._equal(parent=self.r.random() < 0.5)
        )
        dated = t.Compare(t.Property("x"), relative, (), other)
        conditions = (self._equal(), self._equal(), child, t.Not(child), t.And((self._equal(), child)), dated)
        if self.r.random() < 0.2:
            return t.Compare(self.r.choice((t.Trait("t1"), t.Trait("list.$"))), relative, (), span)
        made = self._count("A", t.Within(span), self.r.choice(conditions))
        return (
            made if self.r.random() < 0.7 else t.Or((made, self._count("B", t.Within(other), self._equal())))
        )

    def _count(self, name: str, window: t.Filter, condition: t.Condition) -> t.Condition:
        stream = t.Event(name, (window, t.Where(condition)) if self.r.random() < 0.8 else (window,))
        by = self.r.choice(("at_least", "at_least", "equals", "differs", *ORDERING))
        return t.Compare(t.Reduced(stream, "count"), by, (t.Value(self.r.choice((1, 1, 2, 2, 3))),))

    def _equal(self, *, parent: bool = False) -> t.Condition:
        right = t.Property("x", parent=True) if parent else t.Value(self.r.choice((1, True, "a")))
        return t.Compare(t.Property("x"), self.r.choice(("equals", "equals", "differs")), (right,))

    def trait(self) -> t.Definition:
        return self._checked(
            lambda: self._reduced(0, 2) if self.r.random() < 0.9 else self._size(0, 2), "trait"
        )

    def _checked(self, make: Callable[[], t.Definition], kind: Kind) -> t.Definition:
        while True:
            tree = make()
            try:
                check(tree, kind)
            except QueryError:
                continue
            return tree

    def _condition(self, depth: int, room: int) -> t.Condition:
        chance = self.r.random()
        if room > 0 and chance < 0.35:
            parts = tuple(self._condition(depth, room - 1) for _ in range(self.r.choice((2, 2, 3))))
            return t.And(parts) if self.r.random() < 0.5 else t.Or(parts)
        if room > 0 and chance < 0.5:
            return t.Not(self._condition(depth, room - 1))
        return self._compare(depth, room)

    def _compare(self, depth: int, room: int) -> t.Condition:
        while True:  # again and again here, since a whole tree that is thrown away is mostly a large one
            made = self._any_compare(depth, room)
            try:
                check_compare(made, lambda problem, _: QueryError(problem))
            except QueryError:
                continue
            return made

    def _any_compare(self, depth: int, room: int) -> t.Compare:
        left = self._scalar(depth, room)
        by: t.Comparator = self.r.choice((*get_args(t.Comparator), *USUAL))
        if isinstance(left, t.Reduced | t.Size) and left_is_count(left):
            by = self.r.choice(("at_least", "at_least", "equals", "differs", *ORDERING))
        if by in ("absent", "exists"):
            return t.Compare(left, by)
        if by in RELATIVE:
            return t.Compare(left, by, (), self.r.choice(SPANS))
        if by in ("before_date", "after_date"):
            return t.Compare(left, by, (self._date(),))
        many = self.r.choice((1, 1, 2)) if by in ("contains", "one_of", "none_of") else 1
        if by in ORDERING:
            return t.Compare(left, by, (self._ordered(depth, room),))
        if by in ("contains", "omits", "starts_with", "ends_with"):
            return t.Compare(
                left, by, tuple(t.Value(self.r.choice(("a", "b", "1", "[", "true"))) for _ in range(many))
            )
        return t.Compare(left, by, tuple(self._right(depth, room) for _ in range(many)))

    def _date(self) -> t.Scalar:
        date = self.r.choice(DATES)
        return t.Value(date) if self.r.random() < 0.5 or "." in date else t.Date(date)

    def _ordered(self, depth: int, room: int) -> t.Scalar:
        chance = self.r.random()
        if chance < 0.8:
            return t.Value(self.r.choice((1, 1, 1, 1, 2, 2, 3, 0, 1.5, "2")))
        return self._date() if chance < 0.85 else self._scalar(depth, room)

    def _right(self, depth: int, room: int) -> t.Scalar:
        chance = self.r.random()
        if chance < 0.7:
            return t.Value(self.r.choice((1, 2, "1", "a") if chance < 0.5 else ATOMS))
        return self._date() if self.r.random() < 0.2 else self._scalar(depth, room)

    def _scalar(self, depth: int, room: int) -> t.Scalar:
        chance = self.r.random()
        if depth and chance < 0.5:
            if depth > 1 and chance < 0.25:
                return t.Property(self.r.choice(KEYS), parent=True)
            return t.Property(self.r.choice(KEYS)) if chance < 0.45 else t.Context("page.path")
        if chance < (0.65 if depth else 0.2) or depth > 2:
            return t.Trait(self.r.choice(("t1", "t2", "t2.k", "aud1", "aud2", "list")))
        return self._reduced(depth, room) if chance < 0.97 else self._size(depth, room)

    def _size(self, depth: int, room: int) -> t.Size:
        return t.Size(t.Reduced(self._stream(depth, room), "unique", t.Property(self.r.choice(KEYS))))

    def _reduced(self, depth: int, room: int) -> t.Reduced:
        by: Any = (
            self.r.choice(("count", "count", *get_args(t.Reducer)))
            if depth == 0 or self.r.random() < 0.3
            else "count"
        )
        stream = self._stream(depth, room)
        if by == "count":
            return t.Reduced(stream, by)
        of = t.Property(self.r.choice(KEYS))
        casts = {
            "mode": (None, "string", "number", "array"),
            "max": (None, "string"),
            "min": (None, "string"),
        }
        cast: Any = self.r.choice(casts.get(by, (None,)))
        return t.Reduced(stream, by, of, cast, self.r.choice((None, 1, 2)) if by == "mode" else None)

    def _stream(self, depth: int, room: int) -> t.Event:
        filters: list[t.Filter] = []
        if self.r.random() < 0.6:
            filters.append(self._window(parent=False))
        if depth and self.r.random() < 0.5:
            filters.append(self._window(parent=True))
        if room > 0 and self.r.random() < 0.6:
            filters.append(t.Where(self._condition(depth + 1, room - 1)))
        if depth and self.r.random() < 0.25:
            same = t.Compare(t.Property("x"), "equals", (t.Property("x", parent=True),))
            filters.append(t.Where(same))
        if self.r.random() < 0.1:
            filters.append(t.Sources(("s1",)))
        self.r.shuffle(filters)
        return t.Event(self.r.choice(NAMES), tuple(filters))

    def _window(self, *, parent: bool) -> t.Filter:
        if self.r.random() < 0.6:
            return t.Within(self.r.choice(SPANS), parent)
        first, second = sorted(self.r.sample(SPANS, 2), key=lambda span: span.ms)
        return t.Between(self.r.choice((first, t.Span(0, "hour"))), second, parent)

    def time(self) -> int:
        if self.simple:
            return START + self.r.randrange(30) * HOUR
        return START + self.r.randrange(-6, 100) * HOUR // 2 + self.r.choice((0, 0, 0, -1, 1))

    def _json(self) -> Any:
        if self.simple:
            when = datetime.fromtimestamp(self.time() // 1000, UTC).isoformat()
            return self.r.choice((1, 1, 1, True, "true", "a", when, [when, 1]))
        chance = self.r.random()
        if chance < 0.7:
            return self.r.choice((1, 2, "1", "a"))
        if chance < 0.9:
            return self.r.choice(ATOMS)
        return self.r.choice(
            (None, [], ["a", "b"], [1, "2", None], {"k": "a"}, [{"k": 1}, {"k": "a"}], [{"k": ["b"]}])
        )

    def facts(self) -> list[Fact]:
        return [self._fact() for _ in range(self.r.choice((1, 4, 7, 10, 15)))]

    def _fact(self) -> Fact:
        properties: dict[str, Any] = {
            key: self._json() for key in ("x", "y", "list", "o") if self.r.random() < 0.9
        }
        if self.r.random() < 0.4:
            properties["items"] = [{"k": self._json()} for _ in range(self.r.choice((0, 1, 2)))]
        context = {"page": {"path": self.r.choice(ATOMS)}} if self.r.random() < 0.5 else {}
        return Fact(self.r.choice(NAMES), self.time(), properties, self.r.choice(("s1", "s2")), context)

    def traits(self) -> dict[str, TraitValue]:
        return {
            key: TraitValue(self._json(), self.time())
            for key in ("t1", "t2", "list")
            if self.r.random() < 0.9
        }

    def memberships(self) -> dict[str, bool]:
        return {"aud1": self.r.random() < 0.5} if self.r.random() < 0.7 else {}


def left_is_count(left: t.Reduced | t.Size) -> bool:
    return isinstance(left, t.Size) or left.by == "count"


def spans(node: Any) -> set[int]:
    """Every length of time in a tree, ms."""
    if isinstance(node, t.Span):
        return {node.ms}
    if isinstance(node, tuple):
        return set().union(*map(spans, node))
    if isinstance(node, t.Node):
        return set().union(*(spans(getattr(node, field)) for field in node.__struct_fields__))
    return set()
