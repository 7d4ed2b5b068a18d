"""What values mean to a query: when two are equal, which comes first, what is a number, a time, a text.

One rule for all types: a text that says a number, `true` or a date is that number, truth or date to a
value of that type (segment.md 6.3: "`string` is generally interchangeable"), and types that cannot meet
are not equal and have no order (7.2). Text is compared with its case. Nothing here raises for any JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from plaudit.engage.paths import EACH

NEVER = 1 << 62  # ms: later than any time
LARGEST = 1e300  # a sum of any number of facts stays finite
SECONDS_BELOW = 100_000_000_000  # a bare number under this is seconds: see spec/timestamps.py

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_NUMBER = re.compile(r"[-+]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][-+]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d.*)?", re.ASCII)
_json = msgspec.json.Encoder().encode


class When(NamedTuple):
    """A moment that a query names without quotes; ms since 1970."""

    ms: int


class Many(list[Any]):
    """The values that a path through arrays found."""


def number(value: object) -> int | float | None:
    """The number that `value` is or says; None for anything else. A truth value is no number."""
    kind = type(value)
    if kind is int or kind is float:
        return value if abs(value) <= LARGEST else None  # type: ignore[return-value,arg-type]
    return _number(value) if isinstance(value, str) and len(value) <= 90 else None


@lru_cache(4096)
def _number(written: str) -> int | float | None:
    if _NUMBER.fullmatch(written.strip()) is None:
        return None
    try:
        return int(written)
    except ValueError:
        found = float(written)
    return found if abs(found) <= LARGEST else None


def moment(value: object) -> int | None:
    """Ms since 1970 UTC (before: negative) of an ISO 8601 date or timestamp, or of a Unix time; else None.

    Without an offset it is UTC: Segment leaves such values out in realtime (segment.md 6.2), which nobody expects.
    """
    if isinstance(value, str):
        return _moment(value) if len(value) <= 40 else None
    if isinstance(value, When):
        return value.ms
    if type(value) is int or type(value) is float:
        if not 0 <= value < 1000 * SECONDS_BELOW:
            return None
        return round(value * 1000 if value < SECONDS_BELOW else value)
    return None


@lru_cache(4096)
def _moment(written: str) -> int | None:
    if _DATE.fullmatch(written.strip()) is None:
        return None
    try:
        found = datetime.fromisoformat(written.strip().upper())
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return (found - _EPOCH) // _MS


def text(value: object) -> str:
    """The value as text: `true`, `27.5`, `50` for 50.0; arrays and objects as compact JSON."""
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST:
        return str(int(value))
    try:
        return str(value) if isinstance(value, int | float) else _json(value).decode()
    except (ValueError, TypeError, RecursionError):  # more digits, halves or levels than can be written
        return ""


def elements(value: object) -> Sequence[Any]:
    """What a comparison looks at: each element of a plain array, else the value; an object as its text."""
    if isinstance(value, list):
        if type(value) is Many or not any(isinstance(each, list | dict) for each in value):
            return [
                text(each) if isinstance(each, list | dict) else each for each in value if each is not None
            ]
        return (text(value),)
    if isinstance(value, dict):
        return (text(value),)
    return () if value is None else (value,)


def equal(one: Any, other: Any) -> bool:
    """Whether two values that are neither null nor arrays are the same."""
    if type(one) is type(other):
        return bool(one == other)
    if isinstance(other, When) or isinstance(one, When):
        return moment(one) is not None and moment(one) == moment(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return (isinstance(one, str) or isinstance(other, str)) and text(one) == text(other)
    left = number(one)
    return left is not None and left == number(other)


def order(one: Any, other: Any) -> float | None:
    """Below, at or above 0 as `one` comes before, with or after `other`: numbers, else times; None for the rest."""
    left, right = number(one), number(other)
    if left is None or right is None:
        left, right = moment(one), moment(other)
    if left is None or right is None:
        return None
    return (left > right) - (left < right)


def same(value: Any) -> Any:
    """A key for looking up candidates: equal values have the same one."""
    found = number(value)
    return text(value) if found is None else found


def lookup(value: Any, steps: Sequence[str | None]) -> Any:
    """The value at a path; None where it leads nowhere. Arrays on the way: all elements, or the one of a number."""
    for index, step in enumerate(steps):
        if isinstance(value, dict):
            value = value.get(step) if step is not EACH else None
        elif isinstance(value, list):
            if step is not EACH and step.isdecimal():
                value = value[int(step)] if len(step) < 9 and int(step) < len(value) else None
                continue
            rest = steps[index + (step is EACH) :]
            found = Many()
            for each in value:
                inner = lookup(each, rest)
                if type(inner) is Many:
                    found += inner
                elif inner is not None:
                    found.append(inner)
            return found or None
        else:
            return None
    return value


def total(numbers: Sequence[float]) -> int | float:
    """The exact sum, whatever the order."""
    if all(type(each) is int for each in numbers):
        return sum(numbers)
    return math.fsum(numbers)


Json = Mapping[str, Any]
