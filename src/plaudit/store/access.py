"""The `Access` protocol: people, their sessions, tokens of programs, and the audit log of what they did.

Every implementation passes `tests/conformance/access.py`. What opens a door (a session, a token, a link) comes in as
its hash; a password comes in as argon2id makes it. Times are ms since 1970 UTC.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

_ORDER = ("viewer", "operator", "admin")


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  # look
    OPERATOR = "operator"  # decide about invitations, pause and resume, see addresses
    ADMIN = "admin"  # the configuration and its secrets, people, tokens

    def covers(self, least: Role) -> bool:
        return _ORDER.index(self) >= _ORDER.index(least)


class Via(StrEnum):
    """How somebody came in."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    COMMAND = "command"  # on the machine itself


class Who(msgspec.Struct, frozen=True):
    """Who asks. `id` is a person's or a token's, as `via` says; a command has none."""

    id: int | None
    name: str
    role: Role
    via: Via


COMMAND = Who(None, "command", Role.ADMIN, Via.COMMAND)


class Person(msgspec.Struct, frozen=True):
    id: int
    name: str
    role: Role
    created_at: int


class SignedIn(NamedTuple):
    """An open session."""

    person: Person
    created_at: int
    until: int


class ApiToken(msgspec.Struct, frozen=True):
    id: int
    name: str
    role: Role
    created_at: int
    used_at: int | None


class Entry(msgspec.Struct, frozen=True):
    """A line of the audit log. `who` is a name; None: whoever may run commands on the machine."""

    id: int
    at: int
    via: str
    who: str | None
    action: str
    about: str
    detail: str


class Kept(NamedTuple):
    """What is known of a request that came at `at` (ms). `reply` None: it is being answered, or nobody knows."""

    fingerprint: bytes
    reply: bytes | None
    at: int


def hashed(secret: str) -> bytes:
    """What is kept of a secret that is random and long: it needs no salt and no patience."""
    return sha256(secret.encode()).digest()


class Access(Protocol):
    """See above. Who was removed comes back as the same person when added anew."""

    async def anybody(self) -> bool:
        """Whether there is a person who could sign in."""

    async def people(self) -> list[Person]:
        """By name."""

    async def password(self, name: str) -> tuple[Person, str] | None:
        """A person by name, with the hash of their password."""

    async def add_person(self, name: str, role: Role, password: str, now: int) -> Person | None:
        """None: there is one of that name."""

    async def change_person(
        self, id_: int, *, role: Role | None = None, password: str | None = None
    ) -> Person | None:
        """A new password ends their sessions. None: there is nobody, or no admin would be left."""

    async def remove_person(self, id_: int) -> bool:
        """Also ends their sessions. False: there is nobody, or no admin would be left."""

    async def add_link(self, hash_: bytes, now: int, until: int) -> None:
        """A way in for the first admin."""

    async def has_link(self, hash_: bytes, now: int) -> bool:
        """Whether it is such a way in, and there is nobody."""

    async def set_up(self, link: bytes, name: str, password: str, now: int) -> Person | None:
        """Make the first admin, and use all links up. None: the link is none, or there is somebody."""

    async def add_session(
        self, hash_: bytes, person_id: int, now: int, until: int, *, password: str | None = None
    ) -> bool:
        """Also lets go of sessions that have ended. False: they are gone, or `password`, a hash, is not theirs any more."""

    async def session(self, hash_: bytes, now: int) -> SignedIn | None: ...

    async def extend_session(self, hash_: bytes, until: int) -> None: ...

    async def end_session(self, hash_: bytes) -> None: ...

    async def tokens(self) -> list[ApiToken]:
        """The newest first."""

    async def add_token(self, name: str, role: Role, hash_: bytes, now: int) -> ApiToken: ...

    async def remove_token(self, id_: int) -> bool:
        """False: there is none."""

    async def token(self, hash_: bytes, now: int) -> ApiToken | None:
        """The token, and that it was used, to the minute."""

    async def record(self, who: Who, action: str, about: str, detail: str, now: int) -> int:
        """A line of the audit log, on disk when this returns; its id."""

    async def audit(
        self, *, before: int | None = None, action: str | None = None, limit: int = 100
    ) -> list[Entry]:
        """The newest first; `before`: of those whose id is smaller."""

    async def begin(self, hash_: bytes, fingerprint: bytes, now: int, since: int) -> Kept | None:
        """A request under a key. None: it is new, and is kept from now on; else what is known of it.

        Those before `since` are let go, and count as new.
        """

    async def prune(self, before: int) -> None:
        """Let go of requests under a key that came before then."""

    async def answered(self, hash_: bytes, reply: bytes | None) -> None:
        """What was answered, which is sealed; None: nothing was done, so it may come again."""
