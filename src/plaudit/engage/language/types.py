"""The types of values in a comparison, and which comparisons make sense of them.

A trait's or property's type is unknown until there is one; what can be known is judged here, since a
comparison that can never hold would match nobody without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from plaudit.engage.language import tree as t
from plaudit.engage.language.errors import QueryError
from plaudit.engage.values import moment, number

Type = Literal["number", "text", "flag", "date", "list", "any"]
Fail = Callable[[str, object], QueryError]

TEXTUAL = ("contains", "omits", "starts_with", "ends_with")
ORDERING = ("greater_than", "at_least", "less_than", "at_most")
EQUALITY = ("equals", "differs", "one_of", "none_of")
DATES = ("before_date", "after_date")
RELATIVE = ("within_last", "within_next", "before_last", "after_next")
_WORDS = {"number": "a number", "text": "a text", "flag": "true or false", "date": "a date", "list": "a list"}


def kind_of(node: t.Scalar, error: Fail) -> Type:
    """The type of a value as far as it can be known."""
    match node:
        case t.Value(value=bool()):
            return "flag"
        case t.Value(value=str()):
            return "text"
        case t.Value() | t.Size():
            return "number"
        case t.Date(written=written):
            if moment(written) is None:
                raise error(f"{written} is no day of the calendar, or no time of day", node)
            return "date"
        case t.Reduced(by=by, cast=cast):
            if by in ("count", "sum", "avg"):
                return "number"
            if by in ("max", "min"):
                return "text" if cast == "string" else "number"
            return "list" if by == "unique" else "any"
        case _:
            return "any"


def check_compare(node: t.Compare, error: Fail) -> None:
    """Raises the error of a comparison that could never hold, or that says less than it seems to."""
    left = kind_of(node.left, error)
    rights = [(value, kind_of(value, error)) for value in node.right]
    by = node.by
    _arity(node, error)
    if left == "list":
        raise error("unique(…) is a list: count it, as in unique(…).count() >= 2", node)
    for value, kind in rights:
        if kind == "list":
            raise error("unique(…) is a list and cannot be compared with", value)
        if by in TEXTUAL:
            _textual(by, left, value, kind, error)
        elif by in ORDERING:
            _ordered(by, left, value, kind, error)
        elif by in EQUALITY:
            _equal(left, value, kind, error)
        elif kind not in ("date", "any") and not (
            isinstance(value, t.Value) and isinstance(value.value, str) and moment(value.value) is not None
        ):
            raise error(f"{by} takes a date or a timestamp, as in {by}('2026-11-23T18:40:00Z')", value)
    if by in DATES + RELATIVE and left in ("number", "flag"):
        raise error(f"{by} compares dates, and this is {_WORDS[left]}", node)


def _arity(node: t.Compare, error: Fail) -> None:
    several = node.by in ("one_of", "none_of", "contains")
    wanted = 0 if node.by in ("absent", "exists", *RELATIVE) else 1
    right = len(node.right) == wanted or (several and bool(node.right))
    if not right or (node.span is not None) != (node.by in RELATIVE):
        raise error(f"{node.by} does not take these arguments", node)


def _textual(by: str, left: Type, value: t.Scalar, kind: Type, error: Fail) -> None:
    if left not in ("text", "any"):
        raise error(f"{by} compares text, and what stands before it is {_WORDS[left]}", value)
    if kind not in ("text", "any"):
        raise error(f"{by} takes text in quotes, not {_WORDS[kind]}", value)
    if isinstance(value, t.Value) and value.value == "":
        raise error("an empty text is in every text: ask with .exists() or .absent()", value)


def _ordered(by: str, left: Type, value: t.Scalar, kind: Type, error: Fail) -> None:
    if kind == "text" and isinstance(value, t.Value):
        kind = (
            "number"
            if number(value.value) is not None
            else "date"
            if moment(value.value) is not None
            else "text"
        )
    if kind in ("text", "flag") and isinstance(value, t.Value):
        raise error(f"{by.replace('_', ' ')} compares numbers and dates, not {_WORDS[kind]}", value)
    if left == "number" and kind == "date":
        raise error("a number cannot be compared with a date", value)


def _equal(left: Type, value: t.Scalar, kind: Type, error: Fail) -> None:
    if left != "number" or kind in ("number", "any"):
        return
    if isinstance(value, t.Value) and kind == "text" and number(value.value) is not None:
        return
    raise error(f"a number cannot be compared with {_WORDS[kind]}", value)
