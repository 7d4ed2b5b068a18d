"""What the `access` of every `Store` does. Subclass `AccessConformance` and override the fixture `opened`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from plaudit.store.access import COMMAND, Access, Kept, Role, Via, Who, hashed
from plaudit.store.base import Store

Open = Callable[[], Awaitable[Store]]
ADMIN, OPERATOR, VIEWER = Role.ADMIN, Role.OPERATOR, Role.VIEWER


class AccessConformance:
    @pytest.fixture
    def opened(self) -> Open:
        raise NotImplementedError

    @pytest.fixture
    async def access(self, opened: Open) -> AsyncIterator[Access]:
        store = await opened()
        yield store.access
        await store.close()

    # people

    async def test_people_are_listed_by_name_and_known_by_it(self, access: Access) -> None:
        assert not await access.anybody()
        zoe = await access.add_person("zoë", ADMIN, "hash z", now=10)
        amy = await access.add_person("amy", VIEWER, "hash a", now=20)
        assert zoe is not None and amy is not None
        assert await access.people() == [amy, zoe]
        assert (amy.name, amy.role, amy.created_at) == ("amy", VIEWER, 20)
        assert await access.password("zoë") == (zoe, "hash z")
        assert await access.password("nobody") is None
        assert await access.anybody()

    async def test_a_name_belongs_to_one_person(self, access: Access) -> None:
        await access.add_person("amy", ADMIN, "first", now=10)
        assert await access.add_person("amy", VIEWER, "second", now=20) is None
        known = await access.password("amy")
        assert known is not None and (known[0].role, known[1]) == (ADMIN, "first")

    async def test_who_was_removed_comes_back_as_the_same(self, access: Access) -> None:
        await access.add_person("boss", ADMIN, "p", now=5)
        amy = await access.add_person("amy", VIEWER, "first", now=10)
        assert amy is not None and await access.remove_person(amy.id)
        assert not await access.remove_person(amy.id)
        assert await access.password("amy") is None and await access.change_person(amy.id, role=ADMIN) is None
        again = await access.add_person("amy", OPERATOR, "second", now=20)
        assert again is not None and (again.id, again.role) == (amy.id, OPERATOR)
        assert (await access.password("amy")) == (again, "second")

    async def test_an_admin_is_always_left(self, access: Access) -> None:
        one = await access.add_person("one", ADMIN, "p", now=5)
        assert one is not None
        await access.add_person("helper", OPERATOR, "p", now=5)
        assert not await access.remove_person(one.id)
        assert await access.change_person(one.id, role=VIEWER) is None
        changed = await access.change_person(one.id, password="new")
        assert changed == one and (await access.password("one")) == (one, "new")
        two = await access.add_person("two", ADMIN, "p", now=6)
        assert two is not None
        gone = await asyncio.gather(access.remove_person(one.id), access.remove_person(two.id))
        assert sorted(gone) == [False, True]

    # sessions

    async def test_a_session_is_open_until_its_time_or_its_end(self, access: Access) -> None:
        amy = await access.add_person("amy", ADMIN, "p", now=10)
        assert amy is not None
        for name in ("s1", "s2"):
            await access.add_session(hashed(name), amy.id, now=100, until=200)
        assert await access.session(hashed("s1"), now=199) == (amy, 100, 200)
        assert await access.session(hashed("s1"), now=200) is None
        assert await access.session(hashed("other"), now=150) is None
        await access.extend_session(hashed("s1"), until=300)
        assert await access.session(hashed("s1"), now=299) == (amy, 100, 300)
        await access.end_session(hashed("s2"))
        assert await access.session(hashed("s2"), now=150) is None

    async def test_sessions_end_with_the_password_and_with_the_person(self, access: Access) -> None:
        await access.add_person("boss", ADMIN, "p", now=5)
        amy = await access.add_person("amy", VIEWER, "p", now=10)
        assert amy is not None
        await access.add_session(hashed("s1"), amy.id, now=100, until=900)
        await access.change_person(amy.id, role=OPERATOR)
        found = await access.session(hashed("s1"), now=101)
        assert found is not None and found.person.role == OPERATOR
        await access.change_person(amy.id, password="new")
        assert await access.session(hashed("s1"), now=101) is None
        await access.add_session(hashed("s2"), amy.id, now=102, until=900)
        await access.remove_person(amy.id)
        assert await access.session(hashed("s2"), now=103) is None

    async def test_a_password_that_was_changed_meanwhile_opens_nothing(self, access: Access) -> None:
        amy = await access.add_person("amy", ADMIN, "old", now=10)
        assert amy is not None
        assert await access.add_session(hashed("s1"), amy.id, now=100, until=900, password="old")
        await access.change_person(amy.id, password="new")
        assert not await access.add_session(hashed("s2"), amy.id, now=101, until=900, password="old")
        assert await access.session(hashed("s2"), now=102) is None
        assert not await access.add_session(hashed("s3"), amy.id + 1, now=101, until=900)

    # the way in

    async def test_a_link_makes_the_first_admin_once(self, access: Access) -> None:
        for name in ("old", "one", "two"):
            await access.add_link(hashed(name), now=10, until=20 if name == "old" else 1000)
        assert await access.set_up(hashed("no such"), "amy", "p", now=100) is None
        assert await access.set_up(hashed("old"), "amy", "p", now=100) is None
        links = [await access.has_link(hashed(name), now=100) for name in ("no such", "old", "one", "two")]
        assert links == [False, False, True, True]
        made = await asyncio.gather(
            access.set_up(hashed("one"), "amy", "p", now=100),
            access.set_up(hashed("two"), "bob", "p", now=100),
        )
        (first,) = [each for each in made if each is not None]
        assert first.role == ADMIN and await access.people() == [first]
        assert await access.set_up(hashed("two"), "eve", "p", now=100) is None

    async def test_no_link_helps_when_there_is_somebody(self, access: Access) -> None:
        await access.add_link(hashed("one"), now=10, until=1000)
        await access.add_person("amy", ADMIN, "p", now=10)
        assert not await access.has_link(hashed("one"), now=100)
        assert await access.set_up(hashed("one"), "eve", "p", now=100) is None

    # tokens

    async def test_a_token_is_known_by_its_hash_until_it_is_removed(self, access: Access) -> None:
        one = await access.add_token("backup", VIEWER, hashed("t1"), now=10)
        two = await access.add_token("backup", ADMIN, hashed("t2"), now=20)
        assert await access.tokens() == [two, one]
        assert (one.name, one.role, one.created_at, one.used_at) == ("backup", VIEWER, 10, None)
        assert await access.token(hashed("t1"), now=1000) == one
        await access.token(hashed("t1"), now=2000)
        used = {t.id: t.used_at for t in await access.tokens()}
        assert used == {one.id: 1000, two.id: None}, "to the minute"
        await access.token(hashed("t1"), now=99_000)
        assert {t.id: t.used_at for t in await access.tokens()}[one.id] == 99_000
        assert await access.token(hashed("t3"), now=1000) is None
        assert await access.remove_token(one.id) and not await access.remove_token(one.id)
        assert await access.token(hashed("t1"), now=1000) is None
        assert await access.tokens() == [two]

    # the audit log

    async def test_the_audit_log_names_whoever_it_was(self, access: Access) -> None:
        await access.add_person("boss", ADMIN, "p", now=5)
        amy = await access.add_person("amy", VIEWER, "p", now=10)
        token = await access.add_token("backup", ADMIN, hashed("t"), now=10)
        assert amy is not None
        await access.record(Who(amy.id, "amy", VIEWER, Via.SESSION), "reveal", "invitation 7", "", now=20)
        await access.record(Who(token.id, "backup", ADMIN, Via.TOKEN), "export", "configuration", "x", now=30)
        await access.record(COMMAND, "forget", "a person", "2 rows", now=40)
        await access.remove_person(amy.id)
        await access.remove_token(token.id)
        newest, middle, oldest = await access.audit()
        assert (newest.who, newest.via, newest.action, newest.about, newest.detail, newest.at) == (
            *(None, "command", "forget", "a person", "2 rows", 40),
        )
        assert (middle.who, middle.via) == ("backup", "token")
        assert (oldest.who, oldest.via) == ("amy", "session")
        assert await access.audit(before=newest.id, limit=1) == [middle]
        assert await access.audit(action="reveal") == [oldest]

    # requests that come again

    async def test_a_request_that_comes_again_has_its_reply(self, access: Access) -> None:
        key = hashed("key")
        assert await access.begin(key, b"asked", now=100, since=0) is None
        assert await access.begin(key, b"asked", now=101, since=0) == Kept(b"asked", None, 100)
        await access.answered(key, b"the reply")
        assert await access.begin(key, b"other", now=102, since=0) == Kept(b"asked", b"the reply", 100)
        assert await access.begin(key, b"asked", now=500, since=101) is None, "it was let go"
        await access.answered(key, None)
        assert await access.begin(key, b"asked", now=501, since=101) is None, "nothing was done"

    async def test_of_two_at_once_one_is_the_first(self, access: Access) -> None:
        found = await asyncio.gather(*(access.begin(hashed("k"), b"f", now=1, since=0) for _ in range(5)))
        assert found.count(None) == 1
