"""The reducers: one value of many events. Where there is nothing to reduce: 0 for count and sum, an empty list, else null.

Numbers are those that `values.number` knows; other values are passed over by sum, avg, max and min. Equal
texts are one value to mode and unique, whatever type they came as; ties and lists go by the alphabet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from plaudit.engage.facts import Fact
from plaudit.engage.language import tree as t
from plaudit.engage.paths import steps
from plaudit.engage.values import Many, lookup, number, text, total

Reduce = Callable[[Sequence[Fact]], Any]


def reducer(tree: t.Reduced) -> Reduce:
    """The function from events, by time, to the value."""
    if tree.of is None:
        return len
    read = _reader(tree.of)
    as_text = tree.cast == "string"
    match tree.by:
        case "sum":
            return lambda facts: total(list(_numbers(facts, read)))
        case "avg":
            return lambda facts: _mean(list(_numbers(facts, read)))
        case "max" | "min":
            pick: Callable[..., Any] = max if tree.by == "max" else min
            if as_text:
                return lambda facts: pick((text(each) for each in _values(facts, read)), default=None)
            return lambda facts: pick(_numbers(facts, read), default=None)
        case "first":
            return lambda facts: next(_values(facts, read), None)
        case "last":
            return lambda facts: next(_values(reversed(facts), read, last=True), None)
        case "unique":
            return lambda facts: _unique(_values(facts, read))
        case _:
            return _mode(read, tree.cast, tree.least or 1)


def _reader(of: t.Property | t.Context) -> Callable[[Fact], Any]:
    path = steps(of.key)
    if isinstance(of, t.Context):
        return lambda fact: lookup(fact.context, path)
    if len(path) == 1 and path[0] is not None:
        key = path[0]
        return lambda fact: fact.properties.get(key)
    return lambda fact: lookup(fact.properties, path)


def _values(facts: Iterable[Fact], read: Callable[[Fact], Any], *, last: bool = False) -> Iterator[Any]:
    for fact in facts:
        value = read(fact)
        if type(value) is Many:
            yield from reversed(value) if last else value
        elif value is not None:
            yield value


def _numbers(facts: Iterable[Fact], read: Callable[[Fact], Any]) -> Iterator[int | float]:
    for value in _values(facts, read):
        found = number(value)
        if found is not None:
            yield found


def _mean(numbers: Sequence[float]) -> float | None:
    return total(numbers) / len(numbers) if numbers else None


def _flat(value: Any) -> Any:
    return text(value) if isinstance(value, list | dict) else value


def _unique(values: Iterable[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(text(value), _flat(value))
    return [found[key] for key in sorted(found)]


def _mode(read: Callable[[Fact], Any], cast: str | None, least: int) -> Reduce:
    def most(facts: Sequence[Fact]) -> Any:
        values = [read(fact) for fact in facts] if cast == "array" else list(_values(facts, read))
        found: dict[str, Any] = {}
        counts: Counter[str] = Counter()
        for value in values:
            if value is not None:
                key = text(value)
                counts[key] += 1
                found.setdefault(key, _flat(value))
        if not counts:
            return None
        key, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        if count < least:
            return None
        value = found[key]
        return key if cast == "string" else number(value) if cast == "number" else value

    return most
