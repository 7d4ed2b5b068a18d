"""What all compiled parts share: the moment that they look from, and how answers combine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plaudit.engage.facts import Fact, Profile
from plaudit.engage.values import NEVER


class Moment:
    """One profile at one time. `kept` holds what this evaluation has worked out and may ask for again."""

    __slots__ = ("kept", "now", "profile")

    def __init__(self, profile: Profile, now: int) -> None:
        self.profile = profile
        self.now = now
        self.kept: dict[Any, Any] = {}


# Each takes (moment, event, parent): the event that a `where` asks about, and the event around that one.
Plain = Callable[[Moment, Fact | None, Fact | None], Any]
Timed = Callable[[Moment, Fact | None, Fact | None], tuple[Any, int]]
Truth = tuple[bool, int]


def clocked(plain: Plain) -> Timed:
    """A part that never changes by itself, as one that says so."""

    def look(moment: Moment, event: Fact | None, parent: Fact | None) -> tuple[Any, int]:
        return plain(moment, event, parent), NEVER

    return look


def all_of(parts: Sequence[Timed]) -> Timed:
    """AND: false for as long as any of the false ones stays so, true until the first true one may change."""

    def look(moment: Moment, event: Fact | None, parent: Fact | None) -> Truth:
        true_until, false_until = NEVER, 0
        for part in parts:
            holds, until = part(moment, event, parent)
            if holds:
                true_until = min(true_until, until)
            elif until == NEVER:
                return False, NEVER
            else:
                false_until = max(false_until, until)
        return (False, false_until) if false_until else (True, true_until)

    return look


def any_of(parts: Sequence[Timed]) -> Timed:
    """OR: true for as long as any of the true ones stays so, false until the first false one may change."""

    def look(moment: Moment, event: Fact | None, parent: Fact | None) -> Truth:
        true_until, false_until = 0, NEVER
        for part in parts:
            holds, until = part(moment, event, parent)
            if not holds:
                false_until = min(false_until, until)
            elif until == NEVER:
                return True, NEVER
            else:
                true_until = max(true_until, until)
        return (True, true_until) if true_until else (False, false_until)

    return look


def opposite(part: Timed) -> Timed:
    """NOT."""

    def look(moment: Moment, event: Fact | None, parent: Fact | None) -> Truth:
        holds, until = part(moment, event, parent)
        return not holds, until

    return look
