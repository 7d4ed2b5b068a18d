"""A naive evaluator: walks the tree for one moment, looks at every event every time, and keeps nothing.

Written from the words of segment.md 6 without a look at `plaudit.engage.compiled` or `values`: where the
two differ, one of them is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from plaudit.engage.evaluate import Fact, TraitValue
from plaudit.engage.language import tree as t


class Oracle:
    """One profile."""

    def __init__(
        self,
        facts: Sequence[Fact],
        traits: Mapping[str, TraitValue],
        memberships: Mapping[str, bool],
        audiences: frozenset[str],
    ) -> None:
        self.facts, self.traits, self.memberships, self.audiences = facts, traits, memberships, audiences

    def value(self, tree: t.Definition, now: int) -> Any:
        return self.holds(tree, now) if isinstance(tree, t.Condition) else self.scalar(tree, now)

    def holds(self, tree: t.Condition, now: int, around: tuple[Fact, ...] = ()) -> bool:
        if isinstance(tree, t.And):
            return all(self.holds(part, now, around) for part in tree.of)
        if isinstance(tree, t.Or):
            return any(self.holds(part, now, around) for part in tree.of)
        if isinstance(tree, t.Not):
            return not self.holds(tree.of, now, around)
        assert isinstance(tree, t.Compare)
        left = self.scalar(tree.left, now, around)
        rights = [self.scalar(each, now, around) for each in tree.right]
        return compare(left, tree.by, rights, tree.span.ms if tree.span else 0, now)

    def scalar(self, tree: t.Scalar, now: int, around: tuple[Fact, ...] = ()) -> Any:
        match tree:
            case t.Value(value=value):
                return value
            case t.Date(written=written):
                return Moment(date(written) or 0)
            case t.Trait(key=key):
                return self.trait(key, now)
            case t.Property(key=key, parent=parent):
                return read(around[1 if parent else 0].properties, key.split("."))
            case t.Context(key=key):
                return read(around[0].context, key.split("."))
            case t.Size(of=of):
                return len(self.scalar(of, now, around))
            case t.Reduced():
                return reduce(tree, self.stream(tree.stream, now, around))

    def trait(self, key: str, now: int) -> Any:
        if key in self.memberships or key in self.audiences:
            return self.memberships.get(key, False)
        name, *rest = key.split(".")
        found = self.traits.get(name)
        return None if found is None or found.since > now else read(found.value, rest)

    def stream(self, tree: t.Stream, now: int, around: tuple[Fact, ...]) -> list[Fact]:
        assert isinstance(tree, t.Event)
        found = [fact for fact in self.facts if fact.name == tree.name and fact.timestamp <= now]
        if around:
            found = [fact for fact in found if fact.timestamp > around[0].timestamp]
        for each in tree.filters:
            found = [fact for fact in found if self.passes(each, fact, now, around)]
        return sorted(found, key=lambda fact: fact.timestamp)

    def passes(self, each: t.Filter, fact: Fact, now: int, around: tuple[Fact, ...]) -> bool:
        match each:
            case t.Where(condition=condition):
                return self.holds(condition, now, (fact, *around))
            case t.Sources(exclude=exclude):
                return fact.source not in exclude
            case t.Within(span=span, parent=parent):
                age = fact.timestamp - around[0].timestamp if parent else now - fact.timestamp
                return age < span.ms
            case t.Between(start=start, end=end, parent=parent):
                age = fact.timestamp - around[0].timestamp if parent else now - fact.timestamp
                return start.ms <= age < end.ms
        raise AssertionError(each)


class Moment(int):
    """A time that the query names without quotes."""


class Found(list[Any]):
    """What a path through an array found."""


def read(value: Any, path: list[str]) -> Any:
    if not path:
        return value
    step, *rest = path
    if isinstance(value, list):
        if step.isdigit():
            return read(value[int(step)], rest) if int(step) < len(value) else None
        inner = [read(each, rest if step == "$" else path) for each in value]
        flat = Found()
        for each in inner:
            flat.extend(each if isinstance(each, Found) else [each] if each is not None else [])
        return flat or None
    return read(value.get(step), rest) if isinstance(value, dict) else None


def number(value: Any) -> Fraction | None:
    if isinstance(value, bool | Moment) or not isinstance(value, int | float | str | Fraction):
        return None
    try:
        return Fraction(value)
    except ValueError:
        return None


def date(value: Any) -> int | None:
    if isinstance(value, Moment):
        return int(value)
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, str):
        for pattern in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"):
            try:
                moment = datetime.strptime(value, pattern)  # noqa: DTZ007 - made aware below
            except ValueError:
                continue
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return int(Fraction(str(moment.timestamp())) * 1000)
        return None
    return round(value * 1000) if value >= 0 else None  # the histories have small numbers only


def text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return json.dumps(value, separators=(",", ":"))


def each_of(value: Any) -> list[Any]:
    if isinstance(value, list):
        whole = any(isinstance(each, list | dict) for each in value) and not isinstance(value, Found)
        return (
            [text(value)]
            if whole
            else [text(v) if isinstance(v, list | dict) else v for v in value if v is not None]
        )
    return [] if value is None else [text(value)] if isinstance(value, dict) else [value]


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Moment) or isinstance(other, Moment):
        return date(one) is not None and date(one) == date(other)
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, bool) and isinstance(other, bool):
        return one is other
    if isinstance(one, bool) or isinstance(other, bool):
        return {str(one), str(other)} in ({"True", "true"}, {"False", "false"})
    return number(one) is not None and number(one) == number(other)


def compare(left: Any, by: str, rights: list[Any], span: int, now: int) -> bool:
    if by in ("absent", "exists"):
        return (left is None) == (by == "absent")
    if by == "omits":
        return not compare(left, "contains", rights, 0, now)
    if by in ("differs", "none_of"):
        return left is not None and None not in rights and not compare(left, "one_of", rights, 0, now)
    if span:
        return any(in_range(by, date(one), span, now) for one in each_of(left) if date(one) is not None)
    return any(pair(by, one, other) for one in each_of(left) for right in rights for other in each_of(right))


def in_range(by: str, when: int | None, span: int, now: int) -> bool:
    assert when is not None
    return {
        "within_last": now - span <= when <= now,
        "before_last": when <= now - span,
        "within_next": now <= when <= now + span,
        "after_next": when >= now + span,
    }[by]


def pair(by: str, one: Any, other: Any) -> bool:
    if by in ("equals", "one_of"):
        return equal(one, other)
    if by in ("contains", "starts_with", "ends_with"):
        whole, part = text(one), text(other)
        at = whole.find(part) if by != "ends_with" else whole.rfind(part)
        wanted = {"contains": at, "starts_with": 0, "ends_with": len(whole) - len(part)}[by]
        return at >= 0 and at == wanted
    a: Any = number(one)
    b: Any = number(other)
    if a is None or b is None or by in ("before_date", "after_date"):
        a, b = date(one), date(other)
    if a is None or b is None:
        return False
    return bool(
        {
            "greater_than": a > b,
            "at_least": a >= b,
            "less_than": a < b,
            "at_most": a <= b,
            "before_date": a < b,
            "after_date": a > b,
        }[by]
    )


def reduce(tree: t.Reduced, facts: list[Fact]) -> Any:
    if tree.of is None:
        return len(facts)
    whole = [
        read(fact.properties if isinstance(tree.of, t.Property) else fact.context, tree.of.key.split("."))
        for fact in facts
    ]
    values: list[Any] = []
    for value in whole:
        values += value if isinstance(value, Found) else [] if value is None else [value]
    numbers = [
        value if isinstance(value, int | float) else plain(value)
        for value in values
        if number(value) is not None
    ]
    match tree.by:
        case "sum":
            return plain(sum(map(Fraction, numbers)), like=numbers)
        case "avg":
            return float(sum(map(Fraction, numbers)) / len(numbers)) if numbers else None
        case "max" | "min":
            among: list[Any] = sorted(map(text, values)) if tree.cast == "string" else sorted(numbers)
            return None if not among else among[-1 if tree.by == "max" else 0]
        case "first":
            return values[0] if values else None
        case "last":
            return values[-1] if values else None
        case "unique":
            return [named(values, key) for key in sorted(set(map(text, values)))]
    counted = [value for value in whole if value is not None] if tree.cast == "array" else values
    keys = sorted(set(map(text, counted)), key=lambda key: (-sum(text(v) == key for v in counted), key))
    if not keys or sum(text(v) == keys[0] for v in counted) < (tree.least or 1):
        return None
    value = named(counted, keys[0])
    return {"string": keys[0], "number": plain(value)}.get(tree.cast or "", value)


def named(values: list[Any], key: str) -> Any:
    value = next(value for value in values if text(value) == key)
    return key if isinstance(value, list | dict) else value


def plain(value: Any, like: list[Any] | None = None) -> Any:
    """A number as Python has it: whole where all that went into it were written as whole numbers."""
    found = number(value)
    if found is None:
        return None
    if like is not None:
        return int(found) if all(isinstance(each, int) for each in like) else float(found)
    if isinstance(value, str):
        return int(value) if value.lstrip("-").isdigit() else float(found)
    return value
