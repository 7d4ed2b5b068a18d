"""The tree of a definition: plain frozen structs, kept as JSON and compared by value.

The tree says what was written, with sugar taken out: `= 5` and `.equals(5)` are one tree. It may still
mean nothing (a number compared with text): `check` says so. Paths stay as written, `products.$.price`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Unit = Literal["hour", "day"]
Cast = Literal["number", "string", "array"]
Reducer = Literal["count", "sum", "avg", "max", "min", "mode", "first", "last", "unique"]
Comparator = Literal[
    "equals",
    "differs",
    "greater_than",
    "at_least",
    "less_than",
    "at_most",
    "absent",
    "exists",
    "contains",
    "omits",
    "starts_with",
    "ends_with",
    "one_of",
    "none_of",
    "before_date",
    "after_date",
    "within_last",
    "within_next",
    "before_last",
    "after_next",
]


class Node(msgspec.Struct, frozen=True, tag_field="is", tag=str.lower, omit_defaults=True):
    """Anything in a tree."""


class Span(msgspec.Struct, frozen=True):
    """A length of time as it was written: `30 days`."""

    count: int
    unit: Unit

    @property
    def ms(self) -> int:
        return self.count * (DAY_MS if self.unit == "day" else HOUR_MS)


class Value(Node, frozen=True):
    """A text, a number, `true` or `false`."""

    value: str | int | float | bool


class Date(Node, frozen=True):
    """A date or a timestamp written without quotes: `2026-11-23`, `2026-11-23T18:40:00Z`."""

    written: str


class Trait(Node, frozen=True):
    """A profile's trait, or whether it is in the audience of that key."""

    key: str


class Property(Node, frozen=True):
    """A property of the event in question; `parent`: of the event around it, in a funnel."""

    key: str
    parent: bool = False


class Context(Node, frozen=True):
    """A field of the event's context."""

    key: str


class Where(Node, frozen=True):
    """Only the events of which this holds. An event in the condition means "and then did"."""

    condition: Condition


class Sources(Node, frozen=True):
    """Only events from other sources than these."""

    exclude: tuple[str, ...]


class Within(Node, frozen=True):
    """Only events of the last `span`; `parent`: of the `span` after the event around it."""

    span: Span
    parent: bool = False


class Between(Node, frozen=True):
    """Only events from `start` to `end` ago; `parent`: from `start` to `end` after the event around it."""

    start: Span
    end: Span
    parent: bool = False


class ExpiresAfter(Node, frozen=True):
    """Only events of the session, which ends after a pause of this length."""

    span: Span


Filter = Where | Sources | Within | Between | ExpiresAfter


class Event(Node, frozen=True):
    """A profile's events of one name, after the filters."""

    name: str
    filters: tuple[Filter, ...] = ()


class Entity(Node, frozen=True):
    """A profile's related objects of a linked audience."""

    slug: str
    filters: tuple[Filter, ...] = ()


Stream = Event | Entity


class Reduced(Node, frozen=True):
    """One value of many events: `least` is the smallest frequency of `mode`."""

    stream: Stream
    by: Reducer
    of: Property | Context | None = None
    cast: Cast | None = None
    least: int | None = None


class Size(Node, frozen=True):
    """How many values a list has: `unique(…).count()`."""

    of: Reduced


Scalar = Value | Date | Trait | Property | Context | Reduced | Size


class Compare(Node, frozen=True):
    """True or false of a scalar: `right` has one member, several (`one_of`) or none (`exists`, or a `span`)."""

    left: Scalar
    by: Comparator
    right: tuple[Scalar, ...] = ()
    span: Span | None = None


class And(Node, frozen=True):
    """All of these; two or more."""

    of: tuple[Condition, ...]


class Or(Node, frozen=True):
    """At least one of these; two or more."""

    of: tuple[Condition, ...]


class Not(Node, frozen=True):
    """The opposite."""

    of: Condition


class Account(Node, frozen=True):
    """`ANY` or `ALL` of an account's users."""

    every: bool
    of: Condition


Condition = Compare | And | Or | Not | Account
Definition = Condition | Scalar

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Definition] = msgspec.json.Decoder(Definition)


def encode(tree: Definition) -> bytes:
    """The tree as JSON."""
    return _encoder.encode(tree)


def decode(data: bytes | str) -> Definition:
    """The tree of `encode`. Raises `msgspec.ValidationError` for anything else."""
    return _decoder.decode(data)
