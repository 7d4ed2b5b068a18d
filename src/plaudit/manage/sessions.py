"""Signing in and out, and the way in for the first person.

A session is a random string in a cookie; the store has its hash. It ends 12 hours after its last use, and 30 days
after it began. The token against forged requests is made from that string, so it needs no keeping.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import NamedTuple

from plaudit.clock import Clock
from plaudit.manage import passwords
from plaudit.manage.problems import ProblemError
from plaudit.manage.throttle import Throttle
from plaudit.store.access import ApiToken, Person, Via, Who, hashed
from plaudit.store.base import Store

HOUR_MS = 3_600_000
IDLE_MS = 12 * HOUR_MS
LONGEST_MS = 30 * 24 * HOUR_MS
STEP_MS = 10 * 60_000  # how exactly the last use is written down
LINK_MS = 7 * 24 * HOUR_MS
TOKEN_PREFIX = "plaudit_"  # noqa: S105 - so that scanners for leaked secrets know it


class Session(NamedTuple):
    """Somebody who is signed in. `secret` is what the cookie holds."""

    secret: str
    person: Person

    @property
    def who(self) -> Who:
        return Who(self.person.id, self.person.name, self.person.role, Via.SESSION)


class Sessions:
    """One for each process: it counts who failed to sign in."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._throttle = Throttle()

    async def sign_in(self, name: str, password: str, address: str) -> Session:
        """`address` is where the request comes from. Raises `ProblemError`: 401 `wrong_sign_in`, 429 `too_many_tries`."""
        person, kept = await self._known(name, password, address)
        session = await self._open(person, kept)
        await self._store.access.record(
            session.who, "sign_in", f"person {person.name}", "", self._clock.now()
        )
        return session

    async def confirm(self, who: Who, password: str) -> None:
        """That it is their password, who are signed in. Raises `ProblemError`: 403 `wrong_password`, 429."""
        try:
            await self._known(who.name, password, f"session of {who.name}")
        except ProblemError as error:
            if error.status == 401:
                raise ProblemError(403, "wrong_password", "this is not your password") from None
            raise

    async def _known(self, name: str, password: str, address: str) -> tuple[Person, str]:
        """Who it is, with the hash of their password. Names are counted as they are compared, however they are spelt."""
        try:
            login = passwords.login(name)
        except ProblemError:
            login = ""  # nobody's
        now = self._clock.now()
        self._throttle.check(login, address, now)
        self._throttle.failed(login, address, now)  # before the long part, so that many at once count as many
        person, kept = (await self._store.access.password(login) if login else None) or (None, None)
        if not await passwords.matches(kept, password) or person is None or kept is None:
            raise ProblemError(401, "wrong_sign_in", "no person has this name and this password")
        self._throttle.worked(login, address)
        return person, kept

    async def sign_out(self, secret: str) -> None:
        await self._store.access.end_session(hashed(secret))

    async def set_up(self, link: str, name: str, password: str) -> Session:
        """Make the first admin, and sign them in. Raises `ProblemError`."""
        now = self._clock.now()
        if not await self._store.access.has_link(hashed(link), now):
            raise _link_used()  # before a password is hashed, which takes memory and time
        login, kept = passwords.login(name), await passwords.make(password)
        person = await self._store.access.set_up(hashed(link), login, kept, now)
        if person is None:
            raise _link_used()
        session = await self._open(person, kept)
        await self._store.access.record(session.who, "set_up", f"person {person.name}", "", now)
        return session

    async def link(self) -> str | None:
        """A new one-time secret for `set_up`, while there is nobody; else None."""
        if await self._store.access.anybody():
            return None
        secret, now = secrets.token_urlsafe(24), self._clock.now()
        await self._store.access.add_link(hashed(secret), now, now + LINK_MS)
        return secret

    async def of_cookie(self, secret: str, *, used: bool = True) -> Session | None:
        """The session; `used`: somebody is there, so that it goes on."""
        now, hash_ = self._clock.now(), hashed(secret)
        found = await self._store.access.session(hash_, now)
        if found is None:
            return None
        until = min(now + IDLE_MS, found.created_at + LONGEST_MS)
        if used and until - found.until > STEP_MS:
            await self._store.access.extend_session(hash_, until)
        return Session(secret, found.person)

    async def of_token(self, token: str) -> ApiToken | None:
        return await self._store.access.token(hashed(token), self._clock.now())

    async def _open(self, person: Person, kept: str) -> Session:
        """`kept`: the hash of the password by which they came in."""
        secret, now = secrets.token_urlsafe(32), self._clock.now()
        there = self._store.access.add_session(hashed(secret), person.id, now, now + IDLE_MS, password=kept)
        if not await there:
            raise ProblemError(
                401, "wrong_sign_in", "the password was changed just now: sign in with the new one"
            )
        return Session(secret, person)


def _link_used() -> ProblemError:
    return ProblemError(
        403, "link_used", "this link is used up or too old: sign in, or start the server anew for another"
    )


def new_token() -> str:
    """A token for a program. It is shown once."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def csrf(secret: str) -> str:
    """The token against forged requests that goes with a session."""
    return hmac.new(secret.encode(), b"csrf", sha256).hexdigest()


def csrf_matches(secret: str, given: str) -> bool:
    return hmac.compare_digest(csrf(secret).encode(), given.encode())
