"""`Access` on the store's SQLite file."""

from __future__ import annotations

from typing import Any

import apsw

from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.sqlite import Reader, Writer, rows
from plaudit.store.access import ApiToken, Entry, Kept, Person, Role, SignedIn, Who
from plaudit.store.views import MINUTE_MS, api_token, person, sealed_about

SQL = load("plaudit.store", "sql", "sqlite", "access.sql")


class SqliteAccess:
    """See `Access`."""

    def __init__(self, writer: Writer, reader: Reader, vault: Vault) -> None:
        self._writer = writer
        self._reader = reader
        self._vault = vault

    async def anybody(self) -> bool:
        return bool(await self._one("anybody"))

    async def people(self) -> list[Person]:
        return [person(row) for row in await self._all("people")]

    async def password(self, name: str) -> tuple[Person, str] | None:
        row = await self._first("password", name=name)
        return (person(row[:4]), row[4]) if row else None

    async def add_person(self, name: str, role: Role, password: str, now: int) -> Person | None:
        row = await self._change("add_person", name=name, role=role.value, password=password, now=now)
        return person(row) if row else None

    async def change_person(
        self, id_: int, *, role: Role | None = None, password: str | None = None
    ) -> Person | None:
        given = {"id": id_, "role": role.value if role else None, "password": password}

        def change(connection: apsw.Connection) -> Any:
            row = _first(connection, "change_person", given)
            if row and password is not None:
                connection.execute(SQL["end_sessions"], given)
            return row

        row = await self._writer.submit(change)
        return person(row) if row else None

    async def remove_person(self, id_: int) -> bool:
        given = {"id": id_}

        def remove(connection: apsw.Connection) -> bool:
            done = _first(connection, "remove_person", given)
            if done:
                connection.execute(SQL["end_sessions"], given)
            return bool(done)

        return await self._writer.submit(remove)

    async def add_link(self, hash_: bytes, now: int, until: int) -> None:
        def add(connection: apsw.Connection) -> None:
            connection.execute(SQL["old_links"], {"now": now})
            connection.execute(SQL["add_link"], {"hash": hash_, "until": until})

        await self._writer.submit(add)

    async def has_link(self, hash_: bytes, now: int) -> bool:
        return await self._first("link", hash=hash_, now=now) is not None and not await self.anybody()

    async def set_up(self, link: bytes, name: str, password: str, now: int) -> Person | None:
        def make(connection: apsw.Connection) -> Any:
            given = {"hash": link, "now": now, "name": name, "password": password, "role": Role.ADMIN.value}
            if _first(connection, "link", given) is None or connection.execute(SQL["anybody"]).get:
                return None
            connection.execute(SQL["drop_links"])
            return _first(connection, "add_person", given)

        row = await self._writer.submit(make)
        return person(row) if row else None

    async def add_session(
        self, hash_: bytes, person_id: int, now: int, until: int, *, password: str | None = None
    ) -> bool:
        given = {"hash": hash_, "id": person_id, "now": now, "until": until, "password": password}

        def add(connection: apsw.Connection) -> bool:
            connection.execute(SQL["old_sessions"], given)
            return _first(connection, "add_session", given) is not None

        return await self._writer.submit(add)

    async def session(self, hash_: bytes, now: int) -> SignedIn | None:
        row = await self._first("session", hash=hash_, now=now)
        return SignedIn(person(row[:4]), *row[4:]) if row else None

    async def extend_session(self, hash_: bytes, until: int) -> None:
        await self._change("extend_session", hash=hash_, until=until)

    async def end_session(self, hash_: bytes) -> None:
        await self._change("end_session", hash=hash_)

    async def tokens(self) -> list[ApiToken]:
        return [api_token(row) for row in await self._all("tokens")]

    async def add_token(self, name: str, role: Role, hash_: bytes, now: int) -> ApiToken:
        return api_token(await self._change("add_token", name=name, hash=hash_, role=role.value, now=now))

    async def remove_token(self, id_: int) -> bool:
        return bool(await self._change("remove_token", id=id_))

    async def token(self, hash_: bytes, now: int) -> ApiToken | None:
        row = await self._first("token", hash=hash_)
        if row is None:
            return None
        found = api_token(row)
        if found.used_at is None or now - found.used_at > MINUTE_MS:
            await self._change("use_token", id=found.id, now=now)
        return found

    async def record(self, who: Who, action: str, about: str, detail: str, now: int) -> int:
        given = {"via": who.via.value, "who": who.id, "action": action, "about": about, "detail": detail}
        return int((await self._change("record", now=now, **given))[0])

    async def audit(
        self, *, before: int | None = None, action: str | None = None, limit: int = 100
    ) -> list[Entry]:
        return [Entry(*row) for row in await self._all("audit", before=before, action=action, limit=limit)]

    async def begin(self, hash_: bytes, fingerprint: bytes, now: int, since: int) -> Kept | None:
        given = {"hash": hash_, "fingerprint": fingerprint, "now": now, "since": since}

        def begin(connection: apsw.Connection) -> Any:
            connection.execute(SQL["old_replies"], given)
            return None if _first(connection, "begin_reply", given) else _first(connection, "reply", given)

        row = await self._writer.submit(begin)
        if row is None:
            return None
        reply = None if row[1] is None else self._vault.open(row[1], sealed_about(hash_))
        return Kept(row[0], reply, row[2])

    async def prune(self, before: int) -> None:
        await self._change("old_replies", since=before)

    async def answered(self, hash_: bytes, reply: bytes | None) -> None:
        if reply is None:
            await self._change("drop_reply", hash=hash_)
        else:
            await self._change("answered", hash=hash_, reply=self._vault.seal(reply, sealed_about(hash_)))

    async def _all(self, query: str, **given: Any) -> list[Any]:
        return await self._reader.run(lambda c: list(rows(c, SQL[query], given)))

    async def _first(self, query: str, **given: Any) -> Any:
        return await self._reader.run(lambda c: _first(c, query, given))

    async def _one(self, query: str) -> Any:
        return await self._reader.run(lambda c: c.execute(SQL[query]).get)

    async def _change(self, query: str, **given: Any) -> Any:
        return await self._writer.submit(lambda c: _first(c, query, given))


def _first(connection: apsw.Connection, query: str, given: dict[str, Any]) -> Any:
    """A query's one row, all of it run; None when it has none."""
    return next(iter(list(rows(connection, SQL[query], given))), None)
