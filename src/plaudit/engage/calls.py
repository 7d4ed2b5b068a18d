"""The calls that tell a destination of a value: Segment's own (segment.md 6.5), so that a partner takes them as Segment's.

    identify   traits: {<key>: true}, with the e-mail in traits
    track      Audience Entered / Exited, Trait Computed; properties: {audience_key: <key>, <key>: true}

Both say in `context.personas` what they are about. Pure; the message id is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from plaudit.clock import iso
from plaudit.engage.definitions import Definition, Options
from plaudit.engage.person import Met, Person

SPACE = "spa_plaudit"
_PREFIX = {"audience": "aud", "trait": "tra"}
_encode = msgspec.json.Encoder().encode


class Names(NamedTuple):
    """By which names one call knows a person; empty: by none of that kind."""

    user_id: str = ""
    email: str = ""
    anonymous_id: str = ""


class Call(NamedTuple):
    """A call as JSON, and the address that it names."""

    body: bytes
    email: str


def names(person: Person, options: Options) -> list[Names]:
    """Whom to name: by default the latest user id and address; with `all` each address, and each further user id."""
    first = options.identifiers == "first"
    users, emails, guests = (_sorted(person, kind, first) for kind in ("user_id", "email", "anonymous_id"))
    if not users and not emails:
        return [Names(anonymous_id=guests[0])] if guests and options.anonymous else []
    if options.identifiers != "all":
        return [Names(next(iter(users), ""), next(iter(emails), ""))]
    found = [Names(next(iter(users), ""), email) for email in emails]
    return found + [Names(user) for user in (users[1:] if emails else users)]


def _sorted(person: Person, kind: str, first: bool) -> list[str]:
    def place(met: Met) -> tuple[int, str]:
        return (met.first if first else -met.last), met.identifier.value

    mine = sorted((met for met in person.identifiers if met.identifier.type == kind), key=place)
    return [met.identifier.value for met in mine]


def calls(
    definition: Definition, person: Person, value: Any, integration: str, now: int, new_id: Callable[[], str]
) -> list[Call]:
    """One for each of its `names`; none when the person has no name that may be used."""
    return [
        Call(_encode(_call(definition, each, value, integration, now, new_id())), each.email)
        for each in names(person, definition.options)
    ]


def _call(
    definition: Definition, names: Names, value: Any, integration: str, now: int, message_id: str
) -> dict[str, Any]:
    when = iso(now)
    context: dict[str, Any] = {
        "personas": {
            "computation_class": "audience" if definition.kind == "audience" else "computed_trait",
            "computation_id": f"{_PREFIX[definition.kind]}_{definition.id}",
            "computation_key": definition.key,
            "namespace": SPACE,
            "space_id": SPACE,
        }
    }
    call: dict[str, Any] = {"messageId": message_id, "channel": "server", "version": 2}
    if names.user_id:
        call["userId"] = names.user_id
    if names.anonymous_id or not names.user_id:
        call["anonymousId"] = names.anonymous_id or message_id  # an event has one or the other
    if definition.options.send == "identify":
        call |= {"type": "identify", "traits": _with(names, {definition.key: value})}
    else:
        if names.email:
            context["traits"] = {"email": names.email}
        kind = definition.kind
        event = "Trait Computed" if kind == "trait" else "Audience Entered" if value else "Audience Exited"
        call |= {"type": "track", "event": event}
        call["properties"] = {f"{kind}_key": definition.key, definition.key: value}
    call |= dict.fromkeys(("timestamp", "originalTimestamp", "sentAt", "receivedAt"), when)
    return call | {"context": context, "integrations": {"All": False, integration: True}}


def _with(names: Names, traits: dict[str, Any]) -> dict[str, Any]:
    return traits | {"email": names.email} if names.email else traits
