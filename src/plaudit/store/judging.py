"""What stores write of judged persons: rows of values, calls and what was told. Pure, and the same for every store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from plaudit.clock import call_id
from plaudit.destinations.base import Draft, What
from plaudit.engage.definitions import REALTIME, Definitions
from plaudit.engage.facts import Fact, TraitValue
from plaudit.engage.identifiers import Identifier
from plaudit.engage.judge import Judged, Live, Telling, Untold, alike, tell, untold
from plaudit.engage.person import Held, Person, Place, Told
from plaudit.engage.roster import Entry, Roster
from plaudit.engage.sighting import Sighting
from plaudit.secrets import Vault
from plaudit.store.base import EventRow
from plaudit.store.meeting import Wish, delivery
from plaudit.store.profiles import Phase, Standing

decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
# What stands for the event in a delivery that no event made: lanes take sources in turn, and this is one of them.
NO_EVENT = EventRow(0, 0, "", "", None, 0, 0, None, None, None, refused=False, routes=[])


def text(value: Any) -> str:
    """As JSON."""
    return _encode(value).decode()


def asked(definitions: Definitions, ids: Iterable[int], now: int) -> list[list[Any]]:
    """The facts that evaluating these needs: [name, after, properties?, context?] for each name."""
    wants = definitions.wants(ids)
    found: list[list[Any]] = []
    for name, need in wants.events.items():
        since = wants.since(name, now)
        found.append(
            [name, -(1 << 62) if since is None else since, bool(need.properties), bool(need.context)]
        )
    return found


def touched(
    definitions: Definitions, roster: Roster, seen: Iterable[tuple[Sighting, int]]
) -> dict[int, list[int]]:
    """Which definitions could have another value, by profile: all of them where profiles became one.

    A profile that got another name is there even with none: somebody may be told of it now.
    """
    events: dict[int, set[str]] = {}
    for sighting, id_ in seen:
        names = events.setdefault(roster.where(id_), set())
        if sighting.name:
            names.add(sighting.name)
    merged = {roster.where(id_) for id_ in roster.merged}
    found = {}
    for id_, names in events.items():
        if id_ in merged:
            ids = definitions.order
        else:
            ids = definitions.touched(names, roster.traits.get(id_, ()))
            if id_ in roster.created and definitions.at_birth:
                ids = definitions.sorted({*ids, *definitions.at_birth})
        if ids or (id_ in roster.known_anew and definitions.places):
            found[id_] = ids
    return found


def addresses(sightings: Iterable[Sighting], vault: Vault) -> dict[str, str]:
    """The addresses that sightings name, and the hash of each by which one that was forgotten is known."""
    named = {each.value for sighting in sightings for each in sighting.identifiers if each.type == "email"}
    return {address: vault.address(address) for address in named}


def others(sightings: Iterable[Sighting], forgotten: Collection[str]) -> list[Sighting]:
    """The sightings that name nobody of these addresses."""
    return [
        s for s in sightings if not any(e.type == "email" and e.value in forgotten for e in s.identifiers)
    ]


def traits_of(json: bytes | str) -> dict[str, TraitValue]:
    return {name: TraitValue(*pair) for name, pair in decode(json).items()}


def standings(
    named: Iterable[Any], profiles: Iterable[Any], computed: Iterable[Any]
) -> dict[Identifier, Standing]:
    """What is known of whom, from the rows of three queries."""
    found = {
        id_: Standing({name: each.value for name, each in traits_of(traits).items()}, {})
        for id_, _, _, traits in profiles
    }
    for id_, definition_id, value, *_ in computed:
        if id_ in found:
            found[id_].values[definition_id] = decode(value)
    return {Identifier(kind, value): found[id_] for kind, value, id_ in named if id_ in found}


def traits_text(entry: Entry) -> str:
    return text({name: list(value) for name, value in entry.traits.items()})


def facts_of(rows: Iterable[Any], sources: Mapping[int, str]) -> dict[int, list[Fact]]:
    """Facts by profile and time; of one time, by the order in which they came."""
    by_profile: dict[int, list[tuple[int, int, Fact]]] = {}
    for profile_id, id_, name, timestamp, source_id, properties, context in rows:
        fact = Fact(
            name,
            timestamp,
            decode(properties) if properties else {},
            sources.get(source_id, ""),
            decode(context) if context else {},
        )
        by_profile.setdefault(profile_id, []).append((timestamp, id_, fact))
    return {
        id_: [row[2] for row in sorted(found, key=lambda row: row[:2])] for id_, found in by_profile.items()
    }


def liveness(syncs: Mapping[Place, tuple[str, int]], definitions: Definitions) -> Live:
    """Whether a change is told at once: not before a run has come to the profile, and not where batches are wanted."""

    def live(place: Place, profile_id: int) -> bool:
        phase, cursor = syncs.get(place, ("", 0))
        if definitions.by_id[place[0]].options.every != REALTIME:
            return False
        return phase == Phase.LIVE or (phase == Phase.FIRST and profile_id <= cursor)

    return live


def joined(told: Iterable[tuple[Place, Told]]) -> dict[Place, Told]:
    """What was told of profiles that are one now: that one of them was a member, if so."""
    found: dict[Place, Told] = {}
    for place, each in told:
        other = found.get(place)
        if other is not None:
            value = other.value if other.value not in (False, None) else each.value
            each = Told(value, max(each.times, other.times), each.deliveries + other.deliveries)  # noqa: PLW2901
        found[place] = each
    return found


def open_(definitions: Definitions, persons: Mapping[int, Person], live: Live) -> dict[int, list[Untold]]:
    """What is to be told now, by person: of most there is nothing."""
    return {
        id_: found
        for id_, person in persons.items()
        if (found := untold(definitions, person, definitions.places, live=live))
    }


def judged(
    definitions: Definitions,
    persons: Mapping[int, Person],
    values: Mapping[int, dict[int, Held]],
    found: Mapping[int, list[Untold]],
    now: int,
) -> list[Judged]:
    """All that came of these persons; `found` is what is to be told of them, and they have their names."""
    return [
        Judged(id_, values[id_], tell(definitions, person, found.get(id_, ()), now, new_id=call_id))
        for id_, person in persons.items()
    ]


class Written(NamedTuple):
    """The rows of a portion. Deliveries are without their ids, in the order of `calls_of`."""

    computed: list[tuple[Any, ...]]
    deliveries: list[tuple[Any, ...]]
    superseded: list[int]
    added: int
    removed: int


def written(judged: Sequence[Judged], now: int) -> Written:
    computed = [
        (definition_id, each.id, text(held.value), held.since, held.next_change_at)
        for each in judged
        for definition_id, held in each.values.items()
    ]
    deliveries: list[tuple[Any, ...]] = []
    superseded: list[int] = []
    added = removed = 0
    for each in judged:
        for telling in each.tellings:
            superseded += telling.told.deliveries
            added, removed = added + _is_in(telling), removed + (not _is_in(telling))
            deliveries += [delivery(0, wish, now)[1:] for wish in _wishes(each.id, telling)]
    return Written(computed, deliveries, superseded, added, removed)


def told_rows(judged: Sequence[Judged], ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """What is told now, with the ids of its deliveries in the order of `Written.deliveries`."""
    rows, at = [], 0
    for each in judged:
        for telling in each.tellings:
            its = ids[at : at + len(telling.calls)]
            at += len(its)
            rows.append(
                (*telling.place, each.id, text(telling.value), telling.told.times + 1, text(list(its)))
            )
    return rows


def made(judged: Sequence[Judged]) -> dict[int, int]:
    """New calls by destination."""
    found: dict[int, int] = {}
    for each in judged:
        for telling in each.tellings:
            found[telling.place[1]] = found.get(telling.place[1], 0) + len(telling.calls)
    return found


def _wishes(profile_id: int, telling: Telling) -> list[Wish]:
    """The key holds how many times this was told: so no crash and no second process can tell it twice."""
    definition_id, destination_id = telling.place
    key = f"{definition_id}/{profile_id}/{telling.told.times + 1}"
    return [
        Wish(
            destination_id,
            NO_EVENT,
            Draft(What.IDENTIFY, f"{key}/{number}", call=call.body, email=call.email),
        )
        for number, call in enumerate(telling.calls)
    ]


def _is_in(telling: Telling) -> bool:
    return not (telling.value is None or alike(telling.value, False))
