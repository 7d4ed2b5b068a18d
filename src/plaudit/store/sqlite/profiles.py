"""`Profiles` on one SQLite file: each verb is a job for its writer or its reader thread."""

from __future__ import annotations

from functools import partial

import apsw

from plaudit.engage.definitions import Definition, Definitions
from plaudit.engage.identifiers import Identifier, identifiers
from plaudit.engage.person import Person, Place
from plaudit.engage.sighting import Sighting
from plaudit.secrets import Vault
from plaudit.sqlite import Reader, Writer, rows
from plaudit.store import judging
from plaudit.store.profiles import (
    DefinitionView,
    FactView,
    MemberView,
    PastRun,
    PersonView,
    Standing,
    Taken,
    Todo,
)
from plaudit.store.sqlite import audiences, take
from plaudit.store.sqlite.persons import SQL, SYNCS, drop, ids_text, named, persons

PRUNE_ROWS = 1000


class SqliteProfiles:
    """See `Profiles`."""

    def __init__(self, writer: Writer, reader: Reader, vault: Vault) -> None:
        self._writer = writer
        self._reader = reader
        self._vault = vault

    async def cursor(self, partition: int) -> int:
        return await self._reader.run(lambda c: take.cursor(c, partition))

    async def take(
        self,
        partition: int,
        before: int,
        after: int,
        sightings: list[Sighting],
        definitions: Definitions,
        now: int,
    ) -> Taken:
        return await self._writer.submit(
            lambda c: take.take(c, partition, before, after, sightings, definitions, now, self._vault)
        )

    async def lapse(self, definitions: Definitions, now: int, limit: int) -> Taken:
        return await self._writer.submit(lambda c: audiences.lapse(c, definitions, now, limit))

    async def next_lapse(self, definitions: Definitions) -> int | None:
        del definitions  # those that are gone are let be by `lapse`
        return await self._reader.run(audiences.next_lapse)

    async def todo(self, definitions: Definitions, now: int) -> list[Todo]:
        return await self._reader.run(lambda c: audiences.todo(c, definitions, now))

    async def backfill(self, definition_id: int, definitions: Definitions, now: int, limit: int) -> Taken:
        return await self._writer.submit(
            lambda c: audiences.backfill(c, definition_id, definitions, now, limit)
        )

    async def sync(self, place: Place, definitions: Definitions, now: int, limit: int) -> Taken:
        return await self._writer.submit(lambda c: audiences.sync(c, place, definitions, now, limit))

    async def leave(self, definition_id: int, now: int) -> None:
        del now
        await self._writer.submit(lambda c: audiences.leave(c, definition_id))

    async def views(self, definitions: list[Definition]) -> list[DefinitionView]:
        return await self._reader.run(lambda c: audiences.views(c, definitions))

    async def runs(self, definition_id: int, limit: int) -> list[PastRun]:
        return await self._reader.run(lambda c: audiences.runs(c, definition_id, limit))

    async def members(self, definition_id: int, after: int, limit: int) -> list[MemberView]:
        return await self._reader.run(
            partial(_members, definition_id=definition_id, after=after, limit=limit)
        )

    async def person(
        self, identifier: Identifier | int, definitions: Definitions, now: int
    ) -> PersonView | None:
        return await self._reader.run(lambda c: _person(c, identifier, definitions, now))

    async def known(self, identifiers: list[Identifier]) -> dict[Identifier, Standing]:
        def job(connection: apsw.Connection) -> dict[Identifier, Standing]:
            named = list(rows(connection, SQL["named"], (judging.text(identifiers),)))
            ids = (ids_text({id_ for _, _, id_ in named}),)
            return judging.standings(
                named, rows(connection, SQL["profiles"], ids), rows(connection, SQL["computed"], ids)
            )

        return await self._reader.run(job)

    async def facts(self, profile_id: int, before: int, limit: int) -> list[FactView]:
        given = {"profile_id": profile_id, "before": before, "limit": limit}
        return await self._reader.run(
            lambda c: [
                FactView(id_, name, timestamp, source_id, judging.decode(properties))
                for id_, name, timestamp, source_id, properties in rows(c, SQL["newest_facts"], given)
            ]
        )

    async def sample(
        self, after: int, limit: int, definitions: Definitions, ids: list[int], now: int
    ) -> list[Person]:
        def job(connection: apsw.Connection) -> list[Person]:
            profiles = [id_ for (id_,) in rows(connection, SYNCS["next_profiles"], (after, limit))]
            return list(persons(connection, profiles, definitions, ids, now).values())

        return await self._reader.run(job)

    async def last_profile(self) -> int:
        return await self._reader.run(lambda c: int(c.execute(SQL["last_profile"]).get))

    async def prune(self, before: int) -> int:
        gone = total = await self._writer.submit(lambda c: _prune(c, before))
        while gone == PRUNE_ROWS:  # small steps, so that nothing else waits long
            gone = await self._writer.submit(lambda c: _prune(c, before))
            total += gone
        return total


def _prune(connection: apsw.Connection, before: int) -> int:
    connection.execute(SQL["prune_facts"], (PRUNE_ROWS, before))
    return connection.changes()


def _members(connection: apsw.Connection, definition_id: int, after: int, limit: int) -> list[MemberView]:
    found = {
        id_: MemberView(id_, judging.decode(value), since, until, [])
        for id_, value, since, until in rows(connection, SYNCS["members"], (definition_id, after, limit))
    }
    for id_, kind, value, *_ in rows(connection, SQL["identifiers"], (ids_text(found),)):
        found[id_].identifiers.append(Identifier(kind, value))
    return list(found.values())


def _person(
    connection: apsw.Connection, identifier: Identifier | int, definitions: Definitions, now: int
) -> PersonView | None:
    id_ = identifier
    if isinstance(id_, Identifier):
        id_ = connection.execute(SQL["of_identifier"], id_).get or 0
    found = named(connection, persons(connection, [id_], definitions, definitions.order, now)).get(id_)
    if found is None:
        return None
    created_at, merges = next(rows(connection, SQL["profile"], (id_,)))
    return PersonView(found, created_at, merges, connection.execute(SQL["count_facts"], (id_,)).get)


def forget(connection: apsw.Connection, email: str) -> int:
    """With all that they did. What destinations were told of them is forgotten too."""
    gone = [
        id_
        for each in identifiers(emails=[email])
        if (id_ := connection.execute(SQL["of_identifier"], each).get) is not None
    ]
    drop(connection, gone, ["profile", "identifiers", "facts", "computed", "told"])
    return len(gone)
