"""Why a person is in an audience or not: each condition with what it comes to, on which events, and until when. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from plaudit.engage.compiled.base import Moment
from plaudit.engage.compiled.definition import Compiler
from plaudit.engage.definitions import Definitions
from plaudit.engage.evaluate import Plan, Profile
from plaudit.engage.judge import profile_of
from plaudit.engage.language import read, write
from plaudit.engage.language import tree as t
from plaudit.engage.person import Person
from plaudit.engage.values import elements, text

MOST_EVENTS = 5
_JOINED = {t.And: "AND", t.Or: "OR", t.Not: "NOT"}


class Reason(msgspec.Struct, omit_defaults=True):
    """One condition, or several that are joined. `value`: what is compared; `events`: ms, the newest that count.

    `until`: ms, when it may be another one without an event; None: never.
    """

    text: str
    holds: bool
    until: int | None = None
    value: Any = None
    counted: int | None = None  # how many events count; None: it asks for none
    events: list[int] = []
    joined: str = ""
    parts: list[Reason] = []


def explain(definitions: Definitions, person: Person, id_: int, now: int) -> Reason:
    """The reasons for a definition's value. The person has the facts that it asks for."""
    definition = definitions.by_id[id_]
    tree = read(definition.query, definition.kind)
    audiences = [each.key for each in definitions.by_key.values() if each.kind == "audience"]
    return _reason(tree, profile_of(definitions, person), audiences, now)


def _reason(tree: t.Definition, profile: Profile, audiences: Collection[str], now: int) -> Reason:
    value, until = Plan(tree, audiences).evaluate(profile, now, ahead=4)
    said = write(tree)
    match tree:
        case t.And(of=parts) | t.Or(of=parts):
            found = [_reason(part, profile, audiences, now) for part in parts]
            return Reason(said, value, until, joined=_JOINED[type(tree)], parts=found)
        case t.Not(of=part):
            inner = _reason(part, profile, audiences, now)
            return Reason(said, value, until, joined=_JOINED[type(tree)], parts=[inner])
        case t.Compare(left=left):
            reason = Reason(said, value, until, _shown(Plan(left, audiences).evaluate(profile, now).value))
            _put_events(reason, left, profile, audiences, now)
            return reason
        case _:
            reason = Reason(said, value is not None, until, _shown(value))
            _put_events(reason, tree, profile, audiences, now)
            return reason


def _put_events(
    reason: Reason, tree: t.Definition, profile: Profile, audiences: Collection[str], now: int
) -> None:
    reduced = tree.of if isinstance(tree, t.Size) else tree
    if isinstance(reduced, t.Reduced) and isinstance(reduced.stream, t.Event):
        facts, _ = Compiler(audiences).stream(reduced.stream, 0).active(Moment(profile, now), None)
        reason.counted = len(facts)
        reason.events = [fact.timestamp for fact in reversed(facts[-MOST_EVENTS:])]


def _shown(value: Any) -> Any:
    """As JSON takes it: what a path through arrays found is a list."""
    return [text(each) for each in elements(value)] if isinstance(value, list) else value
