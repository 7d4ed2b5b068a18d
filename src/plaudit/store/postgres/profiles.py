"""`Profiles` in one PostgreSQL database, which any number of processes share: each verb is one transaction."""

from __future__ import annotations

from plaudit.engage.definitions import Definition, Definitions
from plaudit.engage.identifiers import Identifier, identifiers
from plaudit.engage.person import Person, Place
from plaudit.engage.sighting import Sighting
from plaudit.secrets import Vault
from plaudit.store import judging
from plaudit.store.postgres import audiences, listen, take
from plaudit.store.postgres.database import Database
from plaudit.store.postgres.persons import SQL, SYNCS, drop, held, named, persons
from plaudit.store.postgres.sql import Connection, change, columns, rows, value
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

PRUNE_ROWS = 1000


class PostgresProfiles:
    """See `Profiles`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def cursor(self, partition: int) -> int:
        return await self._database.once(lambda c: take.cursor(c, partition))

    async def take(
        self,
        partition: int,
        before: int,
        after: int,
        sightings: list[Sighting],
        definitions: Definitions,
        now: int,
    ) -> Taken:
        return await self._told(
            await self._database.run(
                lambda c: take.take(c, partition, before, after, sightings, definitions, now, self._vault)
            )
        )

    async def lapse(self, definitions: Definitions, now: int, limit: int) -> Taken:
        return await self._told(
            await self._database.run(lambda c: audiences.lapse(c, definitions, now, limit))
        )

    async def next_lapse(self, definitions: Definitions) -> int | None:
        del definitions  # those that are gone are let be by `lapse`
        return await self._database.once(audiences.next_lapse)

    async def todo(self, definitions: Definitions, now: int) -> list[Todo]:
        return await self._database.once(lambda c: audiences.todo(c, definitions, now))

    async def backfill(self, definition_id: int, definitions: Definitions, now: int, limit: int) -> Taken:
        return await self._told(
            await self._database.run(lambda c: audiences.backfill(c, definition_id, definitions, now, limit))
        )

    async def sync(self, place: Place, definitions: Definitions, now: int, limit: int) -> Taken:
        return await self._told(
            await self._database.run(lambda c: audiences.sync(c, place, definitions, now, limit))
        )

    async def leave(self, definition_id: int, now: int) -> None:
        del now
        await self._database.run(lambda c: audiences.leave(c, definition_id))

    async def views(self, definitions: list[Definition]) -> list[DefinitionView]:
        return await self._database.look(lambda c: audiences.views(c, definitions))

    async def runs(self, definition_id: int, limit: int) -> list[PastRun]:
        return await self._database.look(lambda c: audiences.runs(c, definition_id, limit))

    async def members(self, definition_id: int, after: int, limit: int) -> list[MemberView]:
        return await self._database.look(lambda c: _members(c, definition_id, after, limit))

    async def person(
        self, identifier: Identifier | int, definitions: Definitions, now: int
    ) -> PersonView | None:
        return await self._database.look(lambda c: _person(c, identifier, definitions, now))

    async def known(self, identifiers: list[Identifier]) -> dict[Identifier, Standing]:
        async def job(connection: Connection) -> dict[Identifier, Standing]:
            named = await rows(connection, SQL["named"], columns("type value", identifiers))
            ids = {"ids": list({id_ for _, _, id_ in named})}
            return judging.standings(
                named,
                await rows(connection, SQL["profiles"], ids),
                await rows(connection, SQL["computed"], ids),
            )

        return await self._database.look(job)

    async def facts(self, profile_id: int, before: int, limit: int) -> list[FactView]:
        given = {"profile_id": profile_id, "before": before, "limit": limit}

        async def job(connection: Connection) -> list[FactView]:
            return [
                FactView(id_, name, timestamp, source_id, judging.decode(properties))
                for id_, name, timestamp, source_id, properties in await rows(
                    connection, SQL["newest_facts"], given
                )
            ]

        return await self._database.once(job)

    async def sample(
        self, after: int, limit: int, definitions: Definitions, ids: list[int], now: int
    ) -> list[Person]:
        async def job(connection: Connection) -> list[Person]:
            found = await rows(connection, SYNCS["next_profiles"], {"after": after, "limit": limit})
            profiles = [id_ for (id_,) in found]
            return list((await persons(connection, profiles, definitions, ids, now)).values())

        return await self._database.look(job)

    async def last_profile(self) -> int:
        return int(await self._database.once(lambda c: value(c, SQL["last_profile"])))

    async def prune(self, before: int) -> int:
        portion = {"before": before, "limit": PRUNE_ROWS}
        gone = total = await self._database.run(lambda c: change(c, SQL["prune_facts"], portion))
        while gone == PRUNE_ROWS:  # small steps, so that nothing else waits long
            gone = await self._database.run(lambda c: change(c, SQL["prune_facts"], portion))
            total += gone
        return total

    async def _told(self, taken: Taken) -> Taken:
        """Lanes of other processes hear of the calls that were made."""
        await listen.tell(self._database, taken.made)
        return taken


async def _members(connection: Connection, definition_id: int, after: int, limit: int) -> list[MemberView]:
    given = {"definition_id": definition_id, "after": after, "limit": limit}
    found = {
        id_: MemberView(id_, judging.decode(written), since, until, [])
        for id_, written, since, until in await rows(connection, SYNCS["members"], given)
    }
    for id_, kind, name, *_ in await rows(connection, SQL["identifiers"], {"ids": list(found)}):
        found[id_].identifiers.append(Identifier(kind, name))
    return list(found.values())


async def _person(
    connection: Connection, identifier: Identifier | int, definitions: Definitions, now: int
) -> PersonView | None:
    id_ = identifier
    if isinstance(id_, Identifier):
        id_ = await value(connection, SQL["of_identifier"], {"type": id_.type, "value": id_.value}) or 0
    read = await persons(connection, [id_], definitions, definitions.order, now)
    found = (await named(connection, read)).get(id_)
    if found is None:
        return None
    ((created_at, merges),) = await rows(connection, SQL["profile"], {"id": id_})
    return PersonView(found, created_at, merges, await value(connection, SQL["count_facts"], {"id": id_}))


async def forget(connection: Connection, email: str) -> int:
    """With all that they did. What destinations were told of them is forgotten too."""
    names = identifiers(emails=[email])
    if not names:
        return 0
    given = columns("type value", names)
    await rows(connection, SQL["share"])
    await rows(connection, SQL["lock_identifiers"], given)
    gone = await held(connection, [id_ for (id_,) in await rows(connection, SQL["matching"], given)])
    await drop(connection, gone, ["profile", "identifiers", "facts", "computed", "told"])
    return len(gone)
