"""A query as rows of a form, and rows as a query: the part of the language that needs no typing. Pure.

Rows are conditions that are joined by AND or by OR: how often somebody did something, or what a trait is. Any other
query is good all the same; it has no rows, and is changed as text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from plaudit.engage.language import QueryError, read, write
from plaudit.engage.language import tree as t

MOST = 20  # rows of a form
OFTEN = (("at_least", "at least"), ("at_most", "at most"), ("equals", "exactly"))
IS = (
    ("equals", "is"),
    ("differs", "is not"),
    ("greater_than", "is more than"),
    ("at_least", "is at least"),
    ("less_than", "is less than"),
    ("at_most", "is at most"),
    ("contains", "contains"),
    ("starts_with", "starts with"),
    ("exists", "is there"),
    ("absent", "is not there"),
)
_BARE = ("exists", "absent")
_NUMBERS = ("greater_than", "at_least", "less_than", "at_most")


class Row(NamedTuple):
    """One condition. `name` of the event or trait; `days` "": ever; `value`: a number, or a text as it is typed."""

    kind: str  # event, trait
    name: str
    by: str
    value: str = ""
    days: str = ""
    negated: bool = False


class Built(NamedTuple):
    """Rows, and whether all of them have to hold."""

    every: bool
    rows: list[Row]


def taken_apart(query: str) -> Built | None:
    """The query's rows; None: it says more than rows can. Raises `QueryError`."""
    tree = read(query, "audience")
    parts = tree.of if isinstance(tree, t.And | t.Or) else (tree,)
    rows = [_row(part) for part in parts]
    good = [row for row in rows if row is not None]
    return Built(not isinstance(tree, t.Or), good) if len(good) == len(rows) <= MOST else None


def put_together(built: Built) -> str:
    """The query of these rows. Raises `QueryError`: a row lacks something."""
    if not built.rows:
        return ""
    parts = tuple(_condition(row) for row in built.rows)
    joined: t.Definition = parts[0] if len(parts) == 1 else (t.And if built.every else t.Or)(of=parts)
    written = write(joined)
    read(written, "audience")  # which says what is wrong with a name
    return written


def of_form(given: Any) -> Built:
    """The rows that a form has, with the one that is added, and without the one that is taken out."""
    rows = []
    for n in range(MOST):
        if given.get(f"r{n}.kind") is None:
            continue
        if given.get("drop") == str(n):
            continue
        said = {
            key: str(given.get(f"r{n}.{key}") or "").strip()
            for key in ("kind", "name", "by", "value", "days")
        }
        rows.append(Row(**said, negated=given.get(f"r{n}.negated") == "yes"))
    if given.get("add") == "event":
        rows.append(Row("event", "Order Completed", "at_least", "1", "30"))
    if given.get("add") == "trait":
        rows.append(Row("trait", "plan", "equals", "gold"))
    return Built(given.get("every", "yes") == "yes", rows[:MOST])


def days_of(filters: tuple[t.Filter, ...]) -> str | None:
    """How many days back they look, "": ever; None: they do something else."""
    match filters:
        case ():
            return ""
        case (t.Within(span=t.Span(count=days, unit="day"), parent=False),):
            return str(days)
    return None


def within(days: str) -> tuple[t.Filter, ...]:
    """What `days_of` reads. Raises `QueryError`: that is no number."""
    return (t.Within(span=t.Span(_whole(days, "days"), "day")),) if days else ()


def _row(part: Any) -> Row | None:
    negated = isinstance(part, t.Not)
    one = part.of if isinstance(part, t.Not) else part
    match one:
        case t.Compare(
            left=t.Reduced(stream=t.Event(name=name, filters=filters), by="count", of=None, cast=None),
            by=by,
            right=(t.Value(value=int(count)),),
        ) if by in dict(OFTEN) and not isinstance(count, bool):
            days = days_of(filters)
            return None if days is None else Row("event", name, by, str(count), days, negated)
        case t.Compare(left=t.Trait(key=key), by=by, right=(), span=None) if by in _BARE:
            return Row("trait", key, by, "", "", negated)
        case t.Compare(left=t.Trait(key=key), by=by, right=(t.Value(value=value),)) if by in dict(IS):
            return Row("trait", key, by, _shown(value), "", negated)
    return None


def _condition(row: Row) -> t.Condition:
    if row.kind == "event":
        by: Any = row.by if row.by in dict(OFTEN) else "at_least"
        stream = t.Event(name=row.name or "Order Completed", filters=within(row.days))
        found = t.Compare(
            left=t.Reduced(stream=stream, by="count"), by=by, right=(t.Value(_whole(row.value, "times")),)
        )
    else:
        is_: Any = row.by if row.by in dict(IS) else "equals"
        if not row.name:
            raise QueryError("a trait needs its name")
        right = () if is_ in _BARE else (t.Value(_typed(row.value, is_)),)
        found = t.Compare(left=t.Trait(key=row.name), by=is_, right=right)
    return t.Not(of=found) if row.negated else found


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise QueryError(f"{what} must be a whole number")
    return int(text)


def _shown(value: Any) -> str:
    """As it is typed: a text that looks like something else stands in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (not value or _typed(value, "equals") != value):
        return f"'{value}'"
    return str(value)


def _typed(text: str, by: str) -> str | int | float | bool:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if text in ("true", "false") and by in ("equals", "differs"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text) if by in ("equals", "differs", *_NUMBERS) and text.isascii() else text
        except ValueError:
            continue
    if by in _NUMBERS:
        raise QueryError("a number is compared with a number")
    return text
