"""What moves: the tables of an installation, and how a row of one store becomes a row of the other. Pure.

Invariant: every column of every table is here, but for those of `STAYS`; a test compares with both schemas. A row's
digest is of what it means: secrets count in the clear, so that sealing them anew changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

Row = tuple[Any, ...]
Open = Callable[[bytes, str], bytes]  # a sealed value and what it is about
Seal = Callable[[bytes, str], bytes]

STAYS = frozenset(
    {"members", "resources", "plaudit_migrations", "sessions", "links", "replies"}
)  # of processes that live, of the schema itself, and what ends by itself
_BITS = 1 << 128
_encode = msgspec.msgpack.Encoder().encode


class Table(NamedTuple):
    """One table, with its columns in any order that both stores have."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    sealed: str = ""  # the column that is, bound to the row's name
    about: str = ""  # what it is, as the store binds it


TABLES = (
    Table("meta", ("key", "value"), ("key",)),
    Table(
        "destinations",
        (
            "id",
            "name",
            "type",
            "settings",
            "active",
            "created_at",
            "paused_at",
            "paused_reason",
            "paused_message",
        ),
        ("id",),
        "settings",
        "settings of {}",
    ),
    Table(
        "sources",
        ("id", "name", "write_key", "active", "created_at", "destination_id"),
        ("id",),
        "write_key",
        "write key of {}",
    ),
    Table("connections", ("source_id", "destination_id"), ("source_id", "destination_id")),
    Table("cursors", ("reader", "partition", "position"), ("reader", "partition")),
    Table(
        "events",
        (
            *("id", "source_id", "message_id", "type", "name", "received_at", "timestamp"),
            *("order_id", "disposition", "detail", "first"),
        ),
        ("id",),
    ),
    Table(
        "dispositions",
        ("event_id", "destination_id", "code", "detail", "delivery_id"),
        ("event_id", "destination_id"),
    ),
    Table(
        "deliveries",
        (
            *("id", "destination_id", "what", "key", "source_id", "event_id", "payload", "call", "recipient"),
            *("state", "reason", "message", "attempts", "created_at", "due_at", "first_attempt_at"),
            *("updated_at", "lease_owner", "lease_until", "behind"),
        ),
        ("id",),
    ),
    Table(
        "attempts",
        (
            *("delivery_id", "number", "started_at", "finished_at", "outcome", "reason", "message"),
            *("status", "fault", "exchange_id"),
        ),
        ("delivery_id", "number"),
    ),
    Table("exchanges", ("id", "at", "content"), ("id",)),
    Table(
        "decided",
        (
            *("decision_id", "delivery_id", "decided", "at", "state", "reason", "message", "due_at"),
            *("first_attempt_at", "undone_at"),
        ),
        ("decision_id", "delivery_id"),
    ),
    Table(
        "cancellations",
        ("destination_id", "order_id", "at", "event", "amount"),
        ("destination_id", "order_id", "at"),
    ),
    Table("suppressed", ("address", "at"), ("address",)),
    Table("profiles", ("id", "created_at", "merges", "traits"), ("id",)),
    Table("identifiers", ("type", "value", "profile_id", "first_at", "last_at"), ("type", "value")),
    Table(
        "facts",
        ("id", "profile_id", "name", "timestamp", "source_id", "properties", "context"),
        ("id",),
    ),
    Table(
        "definitions",
        (
            *("id", "kind", "name", "key", "title", "query", "options", "enabled", "active"),
            *("created_at", "backfill", "backfilled_at"),
        ),
        ("id",),
    ),
    Table(
        "computed",
        ("definition_id", "profile_id", "value", "since", "next_change_at"),
        ("profile_id", "definition_id"),
    ),
    Table(
        "syncs",
        ("definition_id", "destination_id", "active", "phase", "cursor", "due_at", "run"),
        ("definition_id", "destination_id"),
    ),
    Table(
        "sync_runs",
        (
            *("id", "definition_id", "destination_id", "kind", "started_at", "ended_at"),
            *("total", "looked_at", "added", "removed"),
        ),
        ("id",),
    ),
    Table(
        "told",
        ("definition_id", "destination_id", "profile_id", "value", "times", "deliveries"),
        ("definition_id", "destination_id", "profile_id"),
    ),
    Table(
        "tallies",
        ("step", "at", "shard", "what", "code", "number"),
        ("step", "at", "shard", "what", "code"),
    ),
    Table("people", ("id", "name", "role", "password", "active", "created_at"), ("id",)),
    Table("tokens", ("id", "name", "hash", "role", "active", "created_at", "used_at"), ("id",)),
    Table("audit", ("id", "at", "via", "who", "action", "about", "detail"), ("id",)),
)
# Tables whose ids come never again, and what their sequences are named by.
COUNTED = {"deliveries": "delivery", "profiles": "profile", "exchanges": "exchange"}
# They refer to each other, so they are emptied together.
CONFIGURATION = frozenset({"destinations", "sources", "connections"})
_FLAGS = frozenset({"active", "enabled", "first"})  # numbers there, truths here
_BYTES = frozenset({"hash"})  # not text, as other blobs are


class Sum(msgspec.Struct, frozen=True):
    """How many rows, and what all of them mean, in whatever order they come."""

    rows: int
    digest: str


def converted(table: Table, row: Row, open_: Open, seal: Seal | None) -> Row:
    """A row of the embedded store as PostgreSQL has it; without `seal`, secrets stay in the clear, for its digest."""
    values = [
        value if column == table.sealed else _value(column, value)
        for column, value in zip(table.columns, row, strict=True)
    ]
    if table.sealed:
        place = table.columns.index(table.sealed)
        if row[place]:  # the source that stands for what Segment sends has no key
            about = table.about.format(row[table.columns.index("name")])
            plain = open_(row[place], about)
            values[place] = plain if seal is None else seal(plain, about)
    return tuple(values)


def in_the_clear(table: Table, row: Row, open_: Open) -> Row:
    """A row of PostgreSQL's, for its digest."""
    if not table.sealed:
        return row
    place = table.columns.index(table.sealed)
    if not row[place]:
        return row
    plain = open_(row[place], table.about.format(row[table.columns.index("name")]))
    return (*row[:place], plain, *row[place + 1 :])


def _value(column: str, value: Any) -> Any:
    if isinstance(value, bytes) and column not in _BYTES:
        value = value.decode()
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")  # as the PostgreSQL store has it: its text cannot hold U+0000
    return bool(value) if column in _FLAGS else value


class Summing:
    """Adds rows up."""

    def __init__(self) -> None:
        self._rows = self._digest = 0

    def add(self, rows: Iterable[Any]) -> None:
        for row in rows:
            self._rows += 1
            self._digest += int.from_bytes(blake2b(_encode(row), digest_size=16).digest())

    @property
    def sum(self) -> Sum:
        return Sum(self._rows, f"{self._digest % _BITS:032x}")
