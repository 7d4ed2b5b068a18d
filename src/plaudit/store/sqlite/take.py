"""A batch of events into profiles: whose they are, what they say, what audiences and traits that changes; the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import apsw

from plaudit.engage.definitions import Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.roster import Entry, Roster, Span
from plaudit.engage.sighting import Sighting
from plaudit.errors import LostRaceError
from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.sqlite import put_many, rows
from plaudit.store import judging
from plaudit.store.profiles import READER, Taken
from plaudit.store.sqlite import config
from plaudit.store.sqlite.persons import SQL, drop, ids_text, judge_them, told_of

LEDGER = load("plaudit.store", "sql", "sqlite", "ledger.sql")
CURSORS = load("plaudit.store", "sql", "sqlite", "process.sql")


def cursor(connection: apsw.Connection, partition: int) -> int:
    return connection.execute(CURSORS["cursor"], (READER, partition)).get or 0


def same_version(connection: apsw.Connection, definitions: Definitions) -> None:
    """Raises `LostRaceError`: the configuration has changed, and what was planned by the old one is not to be written."""
    if config.version(connection) != definitions.version:
        raise LostRaceError("the configuration has changed")


def take(
    connection: apsw.Connection,
    partition: int,
    before: int,
    after: int,
    sightings: list[Sighting],
    definitions: Definitions,
    now: int,
    vault: Vault,
) -> Taken:
    same_version(connection, definitions)
    connection.execute(CURSORS["start_cursor"], (READER, partition))
    connection.execute(CURSORS["move_cursor"], (after, READER, partition, before))
    if connection.changes() != 1:
        raise LostRaceError(
            f"profiles of partition {partition} are not at {before}: another process works on it"
        )
    skipped = ids_text([each.event_id for each in sightings])
    others = {id_ for (id_,) in rows(connection, SQL["not_first"], (skipped,))}
    fresh = _allowed(connection, [each for each in sightings if each.event_id not in others], vault)
    if not fresh:
        return Taken()
    new_ids = count(connection.execute(SQL["last_profile"]).get + 1)
    roster = Roster(_entries(connection, fresh), new_ids, now)
    seen = [(each, id_) for each in fresh if (id_ := roster.see(each)) is not None]
    _write(connection, roster, seen)
    return judge_them(connection, definitions, judging.touched(definitions, roster, seen), now)


def _allowed(connection: apsw.Connection, sightings: list[Sighting], vault: Vault) -> list[Sighting]:
    """Those that are not of people who were forgotten."""
    if not connection.execute(LEDGER["any_suppressed"]).get:
        return sightings
    hashed = judging.addresses(sightings, vault)
    given = (judging.text(list(hashed.values())),)
    gone = {address for (address,) in rows(connection, LEDGER["suppressed_among"], given)}
    return judging.others(sightings, [address for address, its in hashed.items() if its in gone])


def _entries(connection: apsw.Connection, sightings: Sequence[Sighting]) -> list[Entry]:
    """The profiles that these sightings could be about."""
    wanted = list(dict.fromkeys(each for sighting in sightings for each in sighting.identifiers))
    matching = [id_ for (id_,) in rows(connection, SQL["matching"], (judging.text(wanted),))]
    given = (ids_text(matching),)
    entries = {}
    for id_, created_at, merges, traits in rows(connection, SQL["profiles"], given):
        entries[id_] = entry = Entry(id_, created_at, merges)
        entry.traits = judging.traits_of(traits)
    for id_, kind, value, first, last in rows(connection, SQL["identifiers"], given):
        entries[id_].seen[Identifier(kind, value)] = Span(first, last)
    return list(entries.values())


def _write(connection: apsw.Connection, roster: Roster, seen: Sequence[tuple[Sighting, int]]) -> None:
    changed = {roster.where(id_) for id_ in roster.created | roster.changed}
    profiles = [
        (e.id, e.created_at, e.merges, judging.traits_text(e)) for e in map(roster.entry, sorted(changed))
    ]
    put_many(connection, SQL["put_profile"], profiles)
    identifiers = []
    for each in roster.seen:
        owner = roster.owner(each)
        span = owner.seen[each]
        identifiers.append((*each, owner.id, span.first, span.last))
    put_many(connection, SQL["put_identifier"], sorted(identifiers))
    facts = [
        (s.event_id, roster.where(id_), s.name, s.at, s.source_id, s.properties, s.context)
        for s, id_ in seen
        if s.name
    ]
    put_many(connection, SQL["put_fact"], facts)
    if roster.merged:
        _merge(connection, roster)


def _merge(connection: apsw.Connection, roster: Roster) -> None:
    """What belonged to profiles that are gone belongs to those that they went into; values are found anew."""
    gone = [id_ for id_ in roster.merged if id_ not in roster.created]
    into: dict[int, list[int]] = {}
    for id_ in gone:
        connection.execute(SQL["move_facts"], {"id": id_, "into": roster.where(id_)})
        into.setdefault(roster.where(id_), []).append(id_)
    for id_, others in into.items():
        told = [row[1:] for row in told_of(connection, [id_, *others])]
        if told:
            given = [
                (*place, id_, judging.text(t.value), t.times, judging.text(list(t.deliveries)))
                for place, t in judging.joined(told).items()
            ]
            drop(connection, others, ["told"])
            put_many(connection, SQL["put_told"], given)
    drop(connection, gone, ["profile", "computed", "told"])
