"""A person, looked up by one of their names."""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit.destinations.base import Destination
from plaudit.engage.definitions import Definitions, Kind
from plaudit.engage.identifiers import Identifier
from plaudit.errors import PlauditError
from plaudit.manage.context import Context
from plaudit.manage.given import not_found
from plaudit.manage.masking import masked_json, masked_name, masked_value
from plaudit.process.profiles import definitions_of
from plaudit.spec.email import address
from plaudit.store.base import Store
from plaudit.store.profiles import PersonView


class Value(msgspec.Struct):
    """What a definition comes to for one person."""

    kind: Kind
    name: str
    key: str
    value: Any
    since: int
    until: int | None


class Known(msgspec.Struct):
    """A profile as people see it."""

    id: int
    created_at: int
    merges: int
    events: int
    identifiers: list[Identifier]
    traits: dict[str, Any]
    values: list[Value]
    told: list[tuple[str, str, Any]]  # destination, key, what it was told last


async def find(store: Store, definitions: Definitions, who: str, now: int) -> PersonView:
    """A person by address, user id, anonymous id, `type:value`, or the profile's number as `#12`.

    Raises `PlauditError`: nobody is known by that.
    """
    for each in _names(who):
        found = await store.profiles.person(each, definitions, now)
        if found is not None:
            return found
    raise PlauditError(
        "nobody is known by that: give an e-mail address, a user id, an anonymous id, TYPE:VALUE or #PROFILE"
    )


def _names(who: str) -> list[Identifier | int]:
    if who.startswith("#") and who[1:].isdecimal() and len(who) < 19:
        return [int(who[1:])]
    found: list[Identifier | int] = []
    mail = address(who)
    if mail:
        found.append(Identifier("email", mail.lower()))
    kind, colon, value = who.partition(":")
    if colon and kind and value:
        found.append(Identifier(kind.lower(), value.lower() if kind.lower() == "email" else value))
    return [*found, Identifier("user_id", who), Identifier("anonymous_id", who)]


async def of_id(context: Context, id_: int) -> Known:
    """A profile by its number. Raises `ProblemError`: there is none."""
    try:
        return await person(context.store, context.kinds, f"#{id_}", context.clock.now())
    except PlauditError:
        raise not_found("profile", id_) from None


async def masked(store: Store, known: Known) -> Known:
    """The same, with what says of whom it is masked."""
    definitions = (await store.configuration()).definitions
    by_name = {(each.kind, each.name): each.query for each in definitions}
    by_key = {each.key: each.query for each in definitions}
    return msgspec.structs.replace(
        known,
        identifiers=[masked_name(each) for each in known.identifiers],
        traits=masked_json(known.traits),
        values=[
            msgspec.structs.replace(
                each, value=masked_value(each.value, by_name.get((each.kind, each.name), ""))
            )
            for each in known.values
        ],
        told=[(to, key, masked_value(value, by_key.get(key, ""))) for to, key, value in known.told],
    )


async def person(store: Store, kinds: dict[str, Destination], who: str, now: int) -> Known:
    """A profile with all that it is worth."""
    configuration = await store.configuration()
    definitions = definitions_of(configuration, kinds)
    found = await find(store, definitions, who, now)
    names = {row.id: row.name for row in configuration.destinations}
    values = [
        Value(each.kind, each.name, each.key, held.value, held.since, held.next_change_at)
        for id_, held in found.person.values.items()
        if (each := definitions.by_id.get(id_)) is not None and id_ in definitions.plans
    ]
    told = [
        (names[to], definitions.by_id[id_].key, told.value)
        for (id_, to), told in found.person.told.items()
        if id_ in definitions.by_id and to in names
    ]
    return Known(
        found.person.id,
        found.created_at,
        found.merges,
        found.facts,
        [met.identifier for met in sorted(found.person.identifiers, key=lambda met: met.identifier)],
        {name: trait.value for name, trait in sorted(found.person.traits.items())},
        sorted(values, key=lambda value: (value.kind, value.name)),
        sorted(told, key=lambda row: row[:2]),
    )
