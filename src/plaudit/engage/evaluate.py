"""A definition's value for one profile at one time, and when that value may next change by itself.

Pure: the same profile and time give the same answer. What time alone changes is exact to the millisecond:
windows that close, dates that come and pass, events and traits whose time has not come yet.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from plaudit.engage.compiled.base import Moment
from plaudit.engage.compiled.definition import Compiler
from plaudit.engage.facts import Fact, Profile, TraitValue
from plaudit.engage.language.tree import Definition
from plaudit.engage.values import NEVER

__all__ = ["Fact", "Plan", "Profile", "Result", "TraitValue"]


class Result(NamedTuple):
    """A value, and the earliest time (ms) at which it could be another without a new fact; None: never."""

    value: Any
    next_change_at: int | None


class Plan:
    """A checked definition, compiled. `audiences`: all keys that `trait(…)` means as audiences; who is in none is out."""

    __slots__ = ("_look", "tree")

    def __init__(self, tree: Definition, audiences: Collection[str] = ()) -> None:
        self.tree = tree
        self._look = Compiler(audiences).definition(tree)

    def evaluate(self, profile: Profile, now: int, *, ahead: int = 0) -> Result:
        """The value at `now` (ms).

        Before `next_change_at` the value is certain; at that time it may still turn out to be the same. With
        `ahead`, up to that many such times are tried, so that a timer wakes when something changes and not
        just in case.
        """
        value, until = self._look(Moment(profile, now), None, None)
        while ahead > 0 and until < NEVER:
            later, sure = self._look(Moment(profile, until), None, None)
            if later != value or type(later) is not type(value):
                break
            until = sure
            ahead -= 1
        return Result(value, until if until < NEVER else None)
