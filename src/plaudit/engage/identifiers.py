"""The identifiers of an event, and the rules about them: limits, priorities, blocked values (segment.md 6.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec

from plaudit.spec.email import address
from plaudit.spec.lookup import text

LONGEST = 255
DAY_MS = 86_400_000
WEEKLY, MONTHLY, ANNUALLY = 7 * DAY_MS, 30 * DAY_MS, 365 * DAY_MS


class Identifier(NamedTuple):
    """One way to know a person: its type in lower case, and its value."""

    type: str
    value: str


class Limit(msgspec.Struct, frozen=True):
    """How many values of a type a profile may have; `within`: seen in that many ms, None: ever."""

    most: int
    within: int | None = None


class Rules(msgspec.Struct, frozen=True):
    """Segment's defaults: one user id and five of each other type; user id first, then e-mail, then the alphabet.

    `blocked_values` are compared whole and in any case, `blocked_patterns` are regular expressions for the whole value.
    """

    limits: dict[str, Limit] = msgspec.field(default_factory=lambda: {"user_id": Limit(1)})
    others: Limit = Limit(5)
    priority: tuple[str, ...] = ("user_id", "email")
    blocked_values: frozenset[str] = frozenset(("-1", "null", "anonymous"))
    blocked_patterns: tuple[str, ...] = ("[0-]*",)

    def limit(self, kind: str) -> Limit:
        return self.limits.get(kind, self.others)

    def rank(self, identifier: Identifier) -> tuple[int, str]:
        """Smaller is more important."""
        kind = identifier.type
        place = self.priority.index(kind) if kind in self.priority else len(self.priority)
        return place, kind

    def blocked(self, identifier: Identifier) -> bool:
        """Whether this value says nothing of a person."""
        value = identifier.value.lower()
        if value in self.blocked_values:
            return True
        return any(_pattern(each).fullmatch(value) for each in self.blocked_patterns)


@lru_cache(64)
def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(written, re.IGNORECASE)


def identifiers(
    user_id: object = None,
    anonymous_id: object = None,
    emails: Iterable[object] = (),
    external_ids: object = None,
) -> tuple[Identifier, ...]:
    """An event's identifiers, each once, the most telling first.

    Numbers become text; e-mail addresses lower case, and what is no address is none. Of `context.externalIds`
    those of users, `{id, type, collection: "users", encoding: "none"}`; a missing collection or encoding is that.
    """
    found = [("user_id", user_id), *(("email", each) for each in emails), ("anonymous_id", anonymous_id)]
    outside = external_ids if isinstance(external_ids, list) else []
    found += [(text(each.get("type"), LONGEST).lower(), each.get("id")) for each in outside if _of_user(each)]
    named = ((kind, value) for kind, value in found if kind and value is not None)
    return tuple(dict.fromkeys(one for kind, value in named if (one := _identifier(kind, value))))


def _of_user(external: object) -> bool:
    return (
        isinstance(external, dict)
        and external.get("collection") in (None, "users")
        and external.get("encoding") in (None, "none")
    )


def _identifier(kind: str, value: object) -> Identifier | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind == "email":
        found = address(value)
        return Identifier(kind, found.lower()) if found else None
    plain = text(value)
    return Identifier(kind, plain) if plain and len(plain) <= LONGEST else None
