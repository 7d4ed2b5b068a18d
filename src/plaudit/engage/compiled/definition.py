"""From a definition's tree to closures. The tree has been checked; this trusts it."""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import partial
from typing import Any

from plaudit.engage.compiled.base import Moment, Plain, Timed, Truth, all_of, any_of, clocked, opposite
from plaudit.engage.compiled.comparators import RELATIVE, TESTS, relative
from plaudit.engage.compiled.reducers import reducer
from plaudit.engage.compiled.streams import Bucket, Stream, filters
from plaudit.engage.facts import Fact
from plaudit.engage.language import tree as t
from plaudit.engage.paths import steps
from plaudit.engage.values import NEVER, When, lookup, moment, number

ORDERED = ("equals", "differs", "greater_than", "at_least", "less_than", "at_most")


class Compiler:
    """Compiles the parts of one definition; `audiences` are the keys that `trait(…)` reads as memberships."""

    def __init__(self, audiences: Collection[str] = ()) -> None:
        self._audiences = frozenset(audiences)

    def definition(self, tree: t.Definition) -> Timed:
        return self._condition(tree, 0) if isinstance(tree, t.Condition) else self._scalar(tree, 0)

    def _condition(self, tree: t.Condition, depth: int) -> Timed:
        plain = self._plain_condition(tree)
        if plain is not None:
            return clocked(plain)
        match tree:
            case t.And(of=parts):
                return all_of([self._condition(part, depth) for part in parts])
            case t.Or(of=parts):
                return any_of([self._condition(part, depth) for part in parts])
            case t.Not(of=part):
                return opposite(self._condition(part, depth))
            case t.Compare():
                return self._compare(tree, depth)
            case t.Account():
                raise AssertionError("check refuses ANY and ALL")

    def _plain_condition(self, tree: t.Condition) -> Plain | None:
        """The condition as a plain function, or None when it looks at the clock."""
        match tree:
            case t.And(of=parts) | t.Or(of=parts):
                tests = [self._plain_condition(part) for part in parts]
                found = [test for test in tests if test is not None]
                if len(found) < len(tests):
                    return None
                some = all if isinstance(tree, t.And) else any
                return lambda m, event, parent: some(test(m, event, parent) for test in found)
            case t.Not(of=part):
                test = self._plain_condition(part)
                return None if test is None else lambda m, event, parent: not test(m, event, parent)
            case t.Compare(left=left, by=by, right=right) if by in TESTS:
                values = [plain_value(each) for each in (left, *right)]
                if None in values:
                    return None
                return _plain_test(by, [each for each in values if each is not None], right)
            case _:
                return None

    def _compare(self, tree: t.Compare, depth: int) -> Timed:
        left = self._scalar(tree.left, depth)
        if tree.span is not None:
            return _relative(tree, left, tree.span.ms)
        if isinstance(tree.left, t.Reduced) and tree.left.by == "count" and tree.by in ORDERED:
            constant = tree.right[0]
            bound = number(constant.value) if isinstance(constant, t.Value) else None
            if bound is not None:
                return _counted(self.stream(tree.left.stream, depth), tree.by, bound)
        rights = [self._scalar(each, depth) for each in tree.right]
        test = TESTS[tree.by]

        def look(m: Moment, event: Fact | None, parent: Fact | None) -> Truth:
            value, until = left(m, event, parent)
            others = []
            for right in rights:
                other, sure = right(m, event, parent)
                others.append(other)
                until = min(until, sure)
            return test(value, others), until

        return look

    def _scalar(self, tree: t.Scalar, depth: int) -> Timed:
        match tree:
            case t.Trait(key=key):
                return self._trait(key)
            case t.Reduced():
                return self._reduced(tree, depth)
            case t.Size(of=of):
                inner = self._reduced(of, depth)

                def size(m: Moment, event: Fact | None, parent: Fact | None) -> tuple[int, int]:
                    value, until = inner(m, event, parent)
                    return len(value), until

                return size
            case _:
                plain = plain_value(tree)
                assert plain is not None  # noqa: S101 - all others are above
                return clocked(plain)

    def _reduced(self, tree: t.Reduced, depth: int) -> Timed:
        stream, reduce = self.stream(tree.stream, depth), reducer(tree)

        def look(m: Moment, event: Fact | None, _: Fact | None) -> tuple[Any, int]:
            facts, until = stream.active(m, event)
            return reduce(facts), until

        return look

    def stream(self, tree: t.Stream, depth: int) -> Stream:
        assert isinstance(tree, t.Event)  # noqa: S101 - check refuses the other
        plain, timed = filters(tree, self._plain_condition, partial(self._condition, depth=depth + 1))
        parents = [each for each in tree.filters if isinstance(each, t.Where) and asks_parent(each.condition)]
        return Stream(
            tree, plain, timed, around=depth > 0, apart=not parents, bucket=next(map(_bucket, parents), None)
        )

    def _trait(self, key: str) -> Timed:
        first, *rest = steps(key)
        default = False if key in self._audiences else None

        def look(m: Moment, _: Fact | None, __: Fact | None) -> tuple[Any, int]:
            if key in m.profile.memberships:
                return m.profile.memberships[key], NEVER
            if default is not None:
                return default, NEVER
            found = m.profile.traits.get(first or "")
            if found is None:
                return None, NEVER
            if found.since > m.now:
                return None, found.since
            return (lookup(found.value, rest) if rest else found.value), NEVER

        return look


def plain_value(tree: t.Scalar) -> Plain | None:
    """A constant, a property or a context field; None for what looks at the clock."""
    match tree:
        case t.Value(value=value):
            return lambda *_: value
        case t.Date(written=written):
            when = When(moment(written) or 0)
            return lambda *_: when
        case t.Property(key=key, parent=True):
            path = steps(key)
            return lambda _, __, parent: None if parent is None else lookup(parent.properties, path)
        case t.Property(key=key):
            path = steps(key)
            if len(path) == 1 and path[0] is not None:
                name = path[0]
                return lambda _, event, __: None if event is None else event.properties.get(name)
            return lambda _, event, __: None if event is None else lookup(event.properties, path)
        case t.Context(key=key):
            path = steps(key)
            return lambda _, event, __: None if event is None else lookup(event.context, path)
        case _:
            return None


def _plain_test(by: t.Comparator, values: list[Plain], right: tuple[t.Scalar, ...]) -> Plain:
    test = TESTS[by]
    left, *others = values
    if all(isinstance(each, t.Value | t.Date) for each in right):
        constants = [other(None, None, None) for other in others]  # type: ignore[arg-type]
        return lambda m, event, parent: test(left(m, event, parent), constants)
    return lambda m, event, parent: test(left(m, event, parent), [o(m, event, parent) for o in others])


def _relative(tree: t.Compare, left: Timed, length: int) -> Timed:
    test = RELATIVE[tree.by]

    def look(m: Moment, event: Fact | None, parent: Fact | None) -> Truth:
        value, until = left(m, event, parent)
        holds, sure = relative(test, value, m.now, length)
        return holds, min(until, sure)

    return look


def _counted(stream: Stream, by: t.Comparator, bound: float) -> Timed:
    """A count against a constant: surer for longer than a count that is compared afterwards."""

    def at_least(least: int) -> Timed:
        return lambda m, event, _: stream.at_least(m, event, least)

    below, above = math.ceil(bound), math.floor(bound) + 1
    match by:
        case "at_least":
            return at_least(below)
        case "greater_than":
            return at_least(above)
        case "less_than":
            return opposite(at_least(below))
        case "at_most":
            return opposite(at_least(above))
    if below == above:  # no whole number: no count is it
        return clocked(lambda *_: by == "differs")
    just = all_of([at_least(below), opposite(at_least(above))])
    return just if by == "equals" else opposite(just)


def asks_parent(tree: t.Condition) -> bool:
    """Whether the condition asks the event around the one that it is about."""
    match tree:
        case t.And(of=parts) | t.Or(of=parts):
            return any(map(asks_parent, parts))
        case t.Not(of=part):
            return asks_parent(part)
        case t.Compare(left=left, right=right):
            return any(isinstance(each, t.Property) and each.parent for each in (left, *right))
        case _:
            return False


def _bucket(where: t.Where) -> Bucket | None:
    """The two sides of `property('k') = property(parent: 'k')` where it must hold for any event to count."""
    condition = where.condition
    for part in condition.of if isinstance(condition, t.And) else (condition,):
        if isinstance(part, t.Compare) and part.by == "equals":
            sides = sorted(
                (part.left, part.right[0]), key=lambda each: isinstance(each, t.Property) and each.parent
            )
            own, other = map(plain_value, sides)
            parents = [isinstance(each, t.Property) and each.parent for each in sides]
            if own and other and parents == [False, True] and not isinstance(sides[0], t.Value | t.Date):
                return own, other
    return None
