"""The comparators: functions of a value and of what it is compared with.

A value that is not there satisfies none but `absent` and `omits`. Where a value is many (an array), one
element is enough; `differs`, `none_of` and `omits` are the opposites and ask it of every element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plaudit.engage.language.tree import Comparator
from plaudit.engage.values import NEVER, elements, equal, moment, order, text

Test = Callable[[Any, Sequence[Any]], bool]
Pair = Callable[[Any, Any], bool]
Relative = Callable[[int, int, int], tuple[bool, int]]


def _below(one: Any, other: Any) -> bool:
    found = order(one, other)
    return found is not None and found < 0


def _above(one: Any, other: Any) -> bool:
    found = order(one, other)
    return found is not None and found > 0


def _at_most(one: Any, other: Any) -> bool:
    found = order(one, other)
    return found is not None and found <= 0


def _at_least(one: Any, other: Any) -> bool:
    found = order(one, other)
    return found is not None and found >= 0


def _contains(one: Any, other: Any) -> bool:
    return text(other) in text(one)


def _starts(one: Any, other: Any) -> bool:
    return text(one).startswith(text(other))


def _ends(one: Any, other: Any) -> bool:
    return text(one).endswith(text(other))


def _before(one: Any, other: Any) -> bool:
    left, right = moment(one), moment(other)
    return left is not None and right is not None and left < right


def _after(one: Any, other: Any) -> bool:
    left, right = moment(one), moment(other)
    return left is not None and right is not None and left > right


def _any(pair: Pair) -> Test:
    def test(left: Any, rights: Sequence[Any]) -> bool:
        if left is None:
            return False
        for one in elements(left):
            for right in rights:
                for other in elements(right):
                    if pair(one, other):
                        return True
        return False

    return test


def _none(pair: Pair) -> Test:
    some = _any(pair)

    def test(left: Any, rights: Sequence[Any]) -> bool:
        return left is not None and None not in rights and not some(left, rights)

    return test


def _omits(left: Any, rights: Sequence[Any]) -> bool:
    return not TESTS["contains"](left, rights)  # so says Segment: of a missing value too


def _absent(left: Any, _: Sequence[Any]) -> bool:
    return left is None


def _exists(left: Any, _: Sequence[Any]) -> bool:
    return left is not None


TESTS: dict[Comparator, Test] = {
    "equals": _any(equal),
    "differs": _none(equal),
    "greater_than": _any(_above),
    "at_least": _any(_at_least),
    "less_than": _any(_below),
    "at_most": _any(_at_most),
    "absent": _absent,
    "exists": _exists,
    "contains": _any(_contains),
    "omits": _omits,
    "starts_with": _any(_starts),
    "ends_with": _any(_ends),
    "one_of": _any(equal),
    "none_of": _none(equal),
    "before_date": _any(_before),
    "after_date": _any(_after),
}


# Dates relative to now: both ends belong to the range (Segment: "inclusive").


def _within_last(date: int, now: int, length: int) -> tuple[bool, int]:
    if now < date:
        return False, date
    return (True, date + length + 1) if now <= date + length else (False, NEVER)


def _before_last(date: int, now: int, length: int) -> tuple[bool, int]:
    return (True, NEVER) if now >= date + length else (False, date + length)


def _within_next(date: int, now: int, length: int) -> tuple[bool, int]:
    if now < date - length:
        return False, date - length
    return (True, date + 1) if now <= date else (False, NEVER)


def _after_next(date: int, now: int, length: int) -> tuple[bool, int]:
    return (True, date - length + 1) if now <= date - length else (False, NEVER)


RELATIVE: dict[Comparator, Relative] = {
    "within_last": _within_last,
    "before_last": _before_last,
    "within_next": _within_next,
    "after_next": _after_next,
}


def relative(test: Relative, left: Any, now: int, length: int) -> tuple[bool, int]:
    """Whether any date of the value is in the range, and until when that is sure."""
    true_until, false_until = 0, NEVER
    for each in elements(left):
        date = moment(each)
        if date is None:
            continue
        holds, until = test(date, now, length)
        if holds:
            true_until = max(true_until, until)
        else:
            false_until = min(false_until, until)
    return (True, true_until) if true_until else (False, false_until)
