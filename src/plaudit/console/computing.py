"""A trait's query as one row of a form, and the row as a query. Pure.

The row is a value that is worked out of somebody's events of one name: how many, or something of one property. Any other
query is good all the same; it has no row, and is changed as text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from plaudit.console.building import days_of, within
from plaudit.engage.language import QueryError, read, write
from plaudit.engage.language import tree as t

HOW = (
    ("count", "how many"),
    ("sum", "the sum"),
    ("avg", "the average"),
    ("max", "the largest"),
    ("min", "the smallest"),
    ("last", "the newest"),
    ("first", "the oldest"),
    ("mode", "the most frequent"),
    ("unique", "all the different"),
)


class Computed(NamedTuple):
    """`by` of HOW, over events of this `name`; `of`: a property, but for a count; `days` "": ever."""

    by: str = "count"
    name: str = "Order Completed"
    of: str = ""
    days: str = ""


def taken_apart(query: str) -> Computed | None:
    """The query's row; None: it says more than one can. Raises `QueryError`."""
    match read(query, "trait"):
        case t.Reduced(stream=t.Event(name=name, filters=filters), by=by, of=of, cast=None, least=None):
            days = days_of(filters)
            key = "" if of is None else of.key
            plain = of is None or (isinstance(of, t.Property) and not of.parent)
            if days is not None and plain and by in dict(HOW):
                return Computed(by, name, key, days)
    return None


def put_together(row: Computed) -> str:
    """The query of this row. Raises `QueryError`: it lacks something."""
    by: Any = row.by if row.by in dict(HOW) else "count"
    if by != "count" and not row.of:
        raise QueryError(f"{dict(HOW)[by]} of which property? Of an order it may be total")
    of = None if by == "count" else t.Property(key=row.of)
    stream = t.Event(name=row.name or Computed().name, filters=within(row.days))
    written = write(t.Reduced(stream=stream, by=by, of=of))
    read(written, "trait")  # which says what is wrong with a name
    return written


def of_form(given: Any) -> Computed:
    """The row that a form has."""
    return Computed(*(str(given.get(f"row.{key}") or "").strip() for key in Computed._fields))
