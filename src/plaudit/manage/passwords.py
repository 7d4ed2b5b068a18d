"""Passwords: argon2id, with RFC 9106's second recommended option (64 MiB), beside the event loop.

Invariant: an unknown name takes as long as a wrong password.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TypeVar, TypeVarTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from plaudit.manage.problems import ProblemError

T = TypeVar("T")
Given = TypeVarTuple("Given")

SHORTEST, LONGEST = 10, 200  # characters
NAME_LONGEST = 100
AT_ONCE = 2  # each takes 64 MiB and a core for some 50 ms
_hasher = PasswordHasher()
_room: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


async def make(password: str) -> str:
    """What is kept of a password. Raises `ProblemError`: it will not do."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ProblemError(422, "bad_password", f"choose a password of {SHORTEST} to {LONGEST} characters")
    return await _beside(_hasher.hash, _plain(password))


async def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password. `kept` None: there is nobody of that name, which takes as long."""
    given = _plain(password[: LONGEST + 1])
    return await _beside(_verify, kept or _nobodys(), given) and kept is not None


def login(name: str) -> str:
    """A name as it is kept and compared. Raises `ProblemError`: it will not do."""
    found = unicodedata.normalize("NFKC", name).strip().casefold()
    if not 1 <= len(found) <= NAME_LONGEST or not found.isprintable() or " " in found:
        raise ProblemError(
            422,
            "bad_name",
            f"a name has 1 to {NAME_LONGEST} characters and no spaces: amy, or amy@shop.example",
        )
    return found


def _verify(kept: str, given: str) -> bool:
    try:
        return _hasher.verify(kept, given)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody's")


def _plain(password: str) -> str:
    """The same however the keyboard composes it."""
    return unicodedata.normalize("NFC", password.encode("utf-8", "replace").decode())


async def _beside(function: Callable[[*Given], T], *given: *Given) -> T:
    loop = asyncio.get_running_loop()
    for other in [each for each in _room if each.is_closed()]:
        del _room[other]
    async with _room.setdefault(loop, asyncio.Semaphore(AT_ONCE)):
        return await asyncio.to_thread(function, *given)
