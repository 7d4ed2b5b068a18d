"""A batch of events into profiles: whose they are, what they say, what audiences and traits that changes; the cursor.

Partitions are taken by many processes at once, and one person's events may be in any of them. So whoever takes a
batch holds its names, then the profiles that they belong to; process.py has the whole order.
"""

from __future__ import annotations

from collections.abc import Sequence

from plaudit.engage.definitions import Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.roster import Entry, Roster, Span
from plaudit.engage.sighting import Sighting
from plaudit.errors import LostRaceError
from plaudit.secrets import Vault
from plaudit.store import judging
from plaudit.store.postgres.database import AgainError
from plaudit.store.postgres.persons import LEDGER, SQL, drop, held, judge_them, put_told, share, told_of
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows, value
from plaudit.store.profiles import READER, Taken

CURSORS = queries("process")
_PROFILE = "id created_at merges traits"
_IDENTIFIER = "type value profile_id first_at last_at"
_FACT = "id profile_id name timestamp source_id properties context"


async def cursor(connection: Connection, partition: int) -> int:
    return await value(connection, CURSORS["cursor"], {"reader": READER, "partition": partition}) or 0


async def take(
    connection: Connection,
    partition: int,
    before: int,
    after: int,
    sightings: list[Sighting],
    definitions: Definitions,
    now: int,
    vault: Vault,
) -> Taken:
    await share(connection, definitions)
    move = {"reader": READER, "partition": partition, "before": before, "after": after}
    moved = await change(connection, CURSORS["move_cursor"], move)
    if not moved and before == 0:
        moved = await change(connection, CURSORS["start_cursor"], move)
    if not moved:
        raise LostRaceError(
            f"profiles of partition {partition} are not at {before}: another process works on it"
        )
    ids = [each.event_id for each in sightings]
    others = {id_ for (id_,) in await rows(connection, SQL["not_first"], {"ids": ids})}
    fresh = await _allowed(connection, [each for each in sightings if each.event_id not in others], vault)
    if not fresh:
        return Taken()
    new_ids = [id_ for (id_,) in await rows(connection, SQL["new_ids"], {"count": len(fresh)})]
    roster = Roster(await _entries(connection, fresh), iter(new_ids), now)
    seen = [(each, id_) for each in fresh if (id_ := roster.see(each)) is not None]
    await _write(connection, roster, seen)
    return await judge_them(connection, definitions, judging.touched(definitions, roster, seen), now)


async def _allowed(connection: Connection, sightings: list[Sighting], vault: Vault) -> list[Sighting]:
    """Those that are not of people who were forgotten."""
    if not await value(connection, LEDGER["any_suppressed"]):
        return sightings
    hashed = judging.addresses(sightings, vault)
    found = await rows(connection, LEDGER["suppressed_among"], {"addresses": sorted(hashed.values())})
    gone = {address for (address,) in found}
    return judging.others(sightings, [address for address, its in hashed.items() if its in gone])


async def _entries(connection: Connection, sightings: Sequence[Sighting]) -> list[Entry]:
    """The profiles that these sightings could be about, held by this transaction."""
    names = list(dict.fromkeys(each for sighting in sightings for each in sighting.identifiers))
    given = columns("type value", names)
    await rows(connection, SQL["lock_identifiers"], given)
    matching = [id_ for (id_,) in await rows(connection, SQL["matching"], given)]
    there = await held(connection, matching)
    again = [id_ for (id_,) in await rows(connection, SQL["matching"], given)]
    if not set(there) == set(matching) == set(again):
        raise AgainError  # one of them has become another one meanwhile
    entries = {}
    for id_, created_at, merges, traits in await rows(connection, SQL["profiles"], {"ids": there}):
        entries[id_] = entry = Entry(id_, created_at, merges)
        entry.traits = judging.traits_of(traits)
    for id_, kind, name, first, last in await rows(connection, SQL["identifiers"], {"ids": there}):
        entries[id_].seen[Identifier(kind, name)] = Span(first, last)
    return list(entries.values())


async def _write(connection: Connection, roster: Roster, seen: Sequence[tuple[Sighting, int]]) -> None:
    changed = {roster.where(id_) for id_ in roster.created | roster.changed}
    profiles = [
        (e.id, e.created_at, e.merges, judging.traits_text(e)) for e in map(roster.entry, sorted(changed))
    ]
    if profiles:
        await change(connection, SQL["put_profiles"], columns(_PROFILE, profiles))
    identifiers = []
    for each in roster.seen:
        owner = roster.owner(each)
        span = owner.seen[each]
        identifiers.append((*each, owner.id, span.first, span.last))
    if identifiers:
        await change(connection, SQL["put_identifiers"], columns(_IDENTIFIER, sorted(identifiers)))
    facts = [
        (s.event_id, roster.where(id_), s.name, s.at, s.source_id, s.properties.decode(), s.context.decode())
        for s, id_ in seen
        if s.name
    ]
    if facts:
        await change(connection, SQL["put_facts"], columns(_FACT, facts))
    if roster.merged:
        await _merge(connection, roster)


async def _merge(connection: Connection, roster: Roster) -> None:
    """What belonged to profiles that are gone belongs to those that they went into; values are found anew."""
    gone = [id_ for id_ in roster.merged if id_ not in roster.created]
    await change(
        connection, SQL["move_facts"], columns("id into_id", [(id_, roster.where(id_)) for id_ in gone])
    )
    into: dict[int, list[int]] = {}
    for id_ in gone:
        into.setdefault(roster.where(id_), []).append(id_)
    told = await told_of(connection, [*into, *gone])
    given = []
    for id_, others in into.items():
        its = [row[1:] for row in told if row[0] == id_ or row[0] in others]
        given += [
            (*place, id_, judging.text(t.value), t.times, judging.text(list(t.deliveries)))
            for place, t in judging.joined(its).items()
        ]
    await drop(connection, gone, ["profile", "computed", "told"])
    if given:
        await put_told(connection, given)
