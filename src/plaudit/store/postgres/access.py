"""`Access` on the PostgreSQL store: any number of processes share it."""

from __future__ import annotations

from typing import Any

from plaudit.secrets import Vault
from plaudit.store.access import ApiToken, Entry, Kept, Person, Role, SignedIn, Who
from plaudit.store.postgres.database import Database
from plaudit.store.postgres.sql import Connection, change, queries, rows, value
from plaudit.store.views import MINUTE_MS, api_token, person, sealed_about

SQL = queries("access")


class PostgresAccess:
    """See `Access`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def anybody(self) -> bool:
        return bool(await self._database.once(lambda c: value(c, SQL["anybody"])))

    async def people(self) -> list[Person]:
        return [person(row) for row in await self._all("people")]

    async def password(self, name: str) -> tuple[Person, str] | None:
        row = await self._first("password", name=name)
        return (person(row[:4]), row[4]) if row else None

    async def add_person(self, name: str, role: Role, password: str, now: int) -> Person | None:
        row = await self._returned("add_person", name=name, role=role.value, password=password, now=now)
        return person(row) if row else None

    async def change_person(
        self, id_: int, *, role: Role | None = None, password: str | None = None
    ) -> Person | None:
        given = {"id": id_, "role": role.value if role else None, "password": password}

        async def job(connection: Connection) -> Any:
            await rows(connection, SQL["lock_people"])
            row = await _first(connection, "change_person", given)
            if row and password is not None:
                await change(connection, SQL["end_sessions"], {"id": id_})
            return row

        row = await self._database.run(job)
        return person(row) if row else None

    async def remove_person(self, id_: int) -> bool:
        async def job(connection: Connection) -> bool:
            await rows(connection, SQL["lock_people"])
            done = await _first(connection, "remove_person", {"id": id_})
            if done:
                await change(connection, SQL["end_sessions"], {"id": id_})
            return bool(done)

        return await self._database.run(job)

    async def add_link(self, hash_: bytes, now: int, until: int) -> None:
        async def job(connection: Connection) -> None:
            await change(connection, SQL["old_links"], {"now": now})
            await change(connection, SQL["add_link"], {"hash": hash_, "until": until})

        await self._database.run(job)

    async def has_link(self, hash_: bytes, now: int) -> bool:
        return await self._first("link", hash=hash_, now=now) is not None and not await self.anybody()

    async def set_up(self, link: bytes, name: str, password: str, now: int) -> Person | None:
        async def job(connection: Connection) -> Any:
            await rows(connection, SQL["lock_people"])
            there = await _first(connection, "link", {"hash": link, "now": now})
            if there is None or await value(connection, SQL["anybody"]):
                return None
            await change(connection, SQL["drop_links"])
            given = {"name": name, "role": Role.ADMIN.value, "password": password, "now": now}
            return await _first(connection, "add_person", given)

        row = await self._database.run(job)
        return person(row) if row else None

    async def add_session(
        self, hash_: bytes, person_id: int, now: int, until: int, *, password: str | None = None
    ) -> bool:
        given = {"hash": hash_, "id": person_id, "now": now, "until": until, "password": password}

        async def job(connection: Connection) -> bool:
            await rows(connection, SQL["lock_people"])  # a new password ends the sessions that are there
            await change(connection, SQL["old_sessions"], {"now": now})
            return await _first(connection, "add_session", given) is not None

        return await self._database.run(job)

    async def session(self, hash_: bytes, now: int) -> SignedIn | None:
        row = await self._first("session", hash=hash_, now=now)
        return SignedIn(person(row[:4]), *row[4:]) if row else None

    async def extend_session(self, hash_: bytes, until: int) -> None:
        await self._changed("extend_session", hash=hash_, until=until)

    async def end_session(self, hash_: bytes) -> None:
        await self._changed("end_session", hash=hash_)

    async def tokens(self) -> list[ApiToken]:
        return [api_token(row) for row in await self._all("tokens")]

    async def add_token(self, name: str, role: Role, hash_: bytes, now: int) -> ApiToken:
        return api_token(await self._returned("add_token", name=name, hash=hash_, role=role.value, now=now))

    async def remove_token(self, id_: int) -> bool:
        return bool(await self._returned("remove_token", id=id_))

    async def token(self, hash_: bytes, now: int) -> ApiToken | None:
        row = await self._first("token", hash=hash_)
        if row is None:
            return None
        found = api_token(row)
        if found.used_at is None or now - found.used_at > MINUTE_MS:
            await self._changed("use_token", id=found.id, now=now)
        return found

    async def record(self, who: Who, action: str, about: str, detail: str, now: int) -> int:
        given = {"via": who.via.value, "who": who.id, "action": action, "about": about, "detail": detail}
        return int((await self._returned("record", now=now, **given))[0])

    async def audit(
        self, *, before: int | None = None, action: str | None = None, limit: int = 100
    ) -> list[Entry]:
        return [Entry(*row) for row in await self._all("audit", before=before, action=action, limit=limit)]

    async def begin(self, hash_: bytes, fingerprint: bytes, now: int, since: int) -> Kept | None:
        async def job(connection: Connection) -> Any:
            await change(connection, SQL["old_replies"], {"since": since})
            given = {"hash": hash_, "fingerprint": fingerprint, "now": now}
            if await _first(connection, "begin_reply", given):
                return None
            return await _first(connection, "reply", {"hash": hash_})

        row = await self._database.run(job)
        if row is None:
            return None
        reply = None if row[1] is None else self._vault.open(row[1], sealed_about(hash_))
        return Kept(row[0], reply, row[2])

    async def prune(self, before: int) -> None:
        await self._changed("old_replies", since=before)

    async def answered(self, hash_: bytes, reply: bytes | None) -> None:
        if reply is None:
            await self._changed("drop_reply", hash=hash_)
        else:
            await self._changed("answered", hash=hash_, reply=self._vault.seal(reply, sealed_about(hash_)))

    async def _all(self, query: str, **given: Any) -> list[Any]:
        return await self._database.once(lambda c: rows(c, SQL[query], given))

    async def _first(self, query: str, **given: Any) -> Any:
        return await self._database.once(lambda c: _first(c, query, given))

    async def _returned(self, query: str, **given: Any) -> Any:
        """The row that a change returns."""
        return await self._database.run(lambda c: _first(c, query, given))

    async def _changed(self, query: str, **given: Any) -> int:
        return await self._database.run(lambda c: change(c, SQL[query], given))


async def _first(connection: Connection, query: str, given: dict[str, Any]) -> Any:
    found = await rows(connection, SQL[query], given)
    return found[0] if found else None
