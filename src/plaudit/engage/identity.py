"""Who an event is about: its identifiers against the profiles that they match (segment.md 6.6).

Flat matching: no match creates a profile, one attaches to it, several merge. Where that would give a
profile more identifiers of a type than its limit, the event's identifier of the lowest priority is dropped
and the rest matched again; so a shared device or mailbox never joins two user ids. Pure: the caller looks
profiles up and carries the decision out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from plaudit.engage.identifiers import Identifier, Rules

MOST_MERGES = 100
MOST_IDENTIFIERS = 1000


class Seen(NamedTuple):
    """An identifier of a profile, and when an event last came with it (ms)."""

    identifier: Identifier
    at: int


class Known(msgspec.Struct, frozen=True):
    """A profile as far as identity goes. `created_at` in ms; `merges`: how many profiles went into it."""

    id: int
    seen: tuple[Seen, ...]
    created_at: int = 0
    merges: int = 0


class Dropped(NamedTuple):
    """An identifier of the event that was not used, and why."""

    identifier: Identifier
    reason: Literal["blocked", "limit", "merge_limit", "mapping_limit"]


class Decision(msgspec.Struct, frozen=True):
    """What is to be done. `identifiers` belong to the profile afterwards; a `nobody` event has none that may be used.

    `profile` is the one that the event belongs to, None for one to be created; `merged` go into it.
    """

    action: Literal["create", "attach", "merge", "nobody"]
    identifiers: tuple[Identifier, ...] = ()
    profile: int | None = None
    merged: tuple[int, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def resolve(
    identifiers: Sequence[Identifier],
    matches: Mapping[Identifier, Known],
    *,
    at: int,
    rules: Rules | None = None,
) -> Decision:
    """The decision for an event of time `at` (ms).

    `matches`: the profile that each identifier belongs to now; those of nobody are left out.
    """
    rules = rules or Rules()
    kept: list[Identifier] = []
    dropped: list[Dropped] = []
    for each in dict.fromkeys(identifiers):
        if rules.blocked(each):
            dropped.append(Dropped(each, "blocked"))
        else:
            kept.append(each)
    kept.sort(key=rules.rank)  # stable: of one type, the event's order
    while kept:
        profiles = _matched(kept, matches)
        reason = _obstacle(kept, profiles, at, rules)
        if reason is None:
            return _decide(kept, profiles, dropped)
        if len(kept) == 1:  # a profile that is full takes the event, and no further identifier
            break
        dropped.append(Dropped(kept.pop(), reason))
    if not kept:
        return Decision("nobody", dropped=tuple(dropped))
    return _decide(kept, _matched(kept, matches), dropped)


def _matched(kept: Iterable[Identifier], matches: Mapping[Identifier, Known]) -> list[Known]:
    found = {matches[each].id: matches[each] for each in kept if each in matches}
    return list(found.values())


def _obstacle(
    kept: Sequence[Identifier], profiles: Sequence[Known], at: int, rules: Rules
) -> Literal["limit", "merge_limit", "mapping_limit"] | None:
    """Why these identifiers and profiles cannot become one; None when they can."""
    if not profiles and len({each.type for each in kept}) == len(kept):
        return None  # somebody new, and one of each type: as nearly all are
    before = [_counted(profile.seen, at, rules) for profile in profiles]
    after: dict[str, set[str]] = {}
    for values in (*before, _counted([Seen(each, at) for each in kept], at, rules)):
        for kind, found in values.items():
            after.setdefault(kind, set()).update(found)
    for kind, found in after.items():
        # What was over the limit before (the rules were tightened) is no obstacle while it does not grow.
        most = max((len(values.get(kind, ())) for values in before), default=0)
        if len(found) > max(rules.limit(kind).most, most):
            return "limit"
    if len(profiles) > 1 and sum(profile.merges + 1 for profile in profiles) - 1 > MOST_MERGES:
        return "merge_limit"
    mapped = {seen.identifier for profile in profiles for seen in profile.seen}
    if len(mapped | set(kept)) > max(MOST_IDENTIFIERS, *(len(profile.seen) for profile in profiles), 0):
        return "mapping_limit"
    return None


def _counted(seen: Iterable[Seen], at: int, rules: Rules) -> dict[str, set[str]]:
    """The values of each type that count towards its limit at this time."""
    found: dict[str, set[str]] = {}
    for (kind, value), last in seen:
        within = rules.limit(kind).within
        if within is None or abs(at - last) < within:
            found.setdefault(kind, set()).add(value)
    return found


def _decide(kept: Sequence[Identifier], profiles: Sequence[Known], dropped: Sequence[Dropped]) -> Decision:
    rest: dict[str, Any] = {"identifiers": tuple(kept), "dropped": tuple(dropped)}
    if not profiles:
        return Decision("create", **rest)
    # The one with a user id stays, then the oldest: its id is the one that others have written down.
    stays, *others = sorted(profiles, key=lambda each: (not _has_user(each), each.created_at, each.id))
    if not others:
        return Decision("attach", profile=stays.id, **rest)
    return Decision("merge", profile=stays.id, merged=tuple(each.id for each in others), **rest)


def _has_user(profile: Known) -> bool:
    return any(seen.identifier.type == "user_id" for seen in profile.seen)
