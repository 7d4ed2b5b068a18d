"""A person's values now, and what destinations are to be told of them. Pure: a person in, changes out.

Invariant: a destination is told of a value only when it differs from the last one that it was told; what it was
told is written in the transaction that makes the call. So everyone is told once, and then only of changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from plaudit.engage.calls import Call, calls
from plaudit.engage.definitions import Definition, Definitions, nothing
from plaudit.engage.evaluate import Profile
from plaudit.engage.facts import TraitValue
from plaudit.engage.person import Held, Person, Place, Told

AHEAD = 4  # times that turn out to change nothing are passed over, so that a timer wakes for something

Live = Callable[[Place, int], bool]  # whether a destination may be told of a profile (its id) now


class Untold(NamedTuple):
    """A value that a destination does not know. `told`: what it was told last."""

    place: Place
    value: Any
    told: Told


class Telling(NamedTuple):
    """A value that a destination is to be told. `told`: what it had been told before."""

    place: Place
    value: Any
    told: Told
    calls: list[Call]


class Judged(NamedTuple):
    """What is to be written of one person; nothing in it is as it was."""

    id: int
    values: dict[int, Held]
    tellings: list[Telling]


def evaluate(definitions: Definitions, person: Person, ids: Collection[int], now: int) -> dict[int, Held]:
    """The values of these definitions (in order) that are not as before. They are put into `person`, too."""
    if not ids:
        return {}
    profile = profile_of(definitions, person)
    changed: dict[int, Held] = {}
    for id_ in ids:
        definition, before = definitions.by_id[id_], person.values.get(id_)
        found = definitions.plans[id_].evaluate(profile, now, ahead=AHEAD)
        if before is None and found.next_change_at is None and found.value == nothing(definition.kind):
            continue
        same = before is not None and alike(before.value, found.value)
        held = Held(found.value, before.since if before is not None and same else now, found.next_change_at)
        if held != before or not same:
            changed[id_] = person.values[id_] = held
            _put(definition, held, profile.traits, profile.memberships)
    return changed


def profile_of(definitions: Definitions, person: Person) -> Profile:
    """The person as definitions see it, with the values that it has of others."""
    profile = Profile(person.facts, dict(person.traits), {})
    for id_, held in person.values.items():
        if id_ in definitions.plans:
            _put(definitions.by_id[id_], held, profile.traits, profile.memberships)
    return profile


def _put(
    definition: Definition, held: Held, traits: dict[str, TraitValue], memberships: dict[str, bool]
) -> None:
    if definition.kind == "audience":
        memberships[definition.key] = bool(held.value)
    elif held.value is None:
        traits.pop(definition.key, None)
    else:
        traits[definition.key] = TraitValue(held.value, held.since)


def alike(one: Any, other: Any) -> bool:
    """Equal, and of one type: 1 is not true, and 1.0 is 1 to JSON."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def untold(definitions: Definitions, person: Person, places: Iterable[Place], *, live: Live) -> list[Untold]:
    """What of the person's values destinations do not know, and may be told now."""
    found = []
    for place in places:
        definition, outlet = definitions.by_id.get(place[0]), definitions.outlets.get(place[1])
        if definition is None or outlet is None or not outlet.carries or not live(place, person.id):
            continue
        default = nothing(definition.kind)
        held, told = person.values.get(definition.id), person.told.get(place) or Told(default)
        value = default if held is None else held.value
        if not alike(value, told.value):
            found.append(Untold(place, value, told))
    return found


def tell(
    definitions: Definitions,
    person: Person,
    found: Iterable[Untold],
    now: int,
    *,
    new_id: Callable[[], str],
) -> list[Telling]:
    """The calls that tell of what was found untold; of one who has no name that may be used there are none."""
    tellings = []
    for place, value, told in found:
        definition, outlet = definitions.by_id[place[0]], definitions.outlets[place[1]]
        made = calls(definition, person, value, outlet.name, now, new_id)
        if made:
            tellings.append(Telling(place, value, told, made))
    return tellings
