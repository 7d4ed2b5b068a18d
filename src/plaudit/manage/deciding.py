"""What a person decides about invitations, one or many: retry, cancel, resolve. Counted first, then done in portions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from plaudit.clock import iso
from plaudit.destinations.base import State, What
from plaudit.errors import PlauditError, UsageError
from plaudit.installation import readable
from plaudit.manage import when
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Id, Text, Time, not_found
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Who
from plaudit.store.base import Store
from plaudit.store.decisions import DECISIONS, Decided, Selection
from plaudit.store.views import InvitationView

PORTION = 1000
MOST = 10_000  # by one request
_CONDITIONS = ("state", "order_id", "destination", "source", "reason", "email", "since", "until")


class Conditions(Given, kw_only=True):
    """Which invitations: each condition counts when it is given. An address is none of these: they may stand in a URL."""

    state: State | None = None
    order_id: Text | None = None
    destination: Text | None = None
    source: Text | None = None
    reason: Text | None = None
    since: Time | None = None
    until: Time | None = None
    what: What = What.INVITATION


class Decide(Conditions, kw_only=True):
    """`id`, or `ids`: these; conditions do not count then. Else without a condition, `all` must be true. `dry_run` only
    counts. `limit`: at most so many, the oldest first.
    """

    action: Decided
    email: Text | None = None
    id: Id | None = None
    ids: Annotated[list[Id], Meta(min_length=1, max_length=PORTION)] | None = None
    all: bool = False
    dry_run: bool = False
    limit: Annotated[int, Meta(ge=1, le=MOST)] = MOST


class DecisionDone(msgspec.Struct):
    """`matched`: how many there were, by state. `left`: how many were not reached; ask again for those.

    `decision`: by which it can be undone; null when nothing was done.
    """

    action: str
    dry_run: bool
    matched: dict[str, int]
    done: int
    left: int
    state: str
    ids: list[int]
    decision: int | None = None


def selection(given: Conditions) -> Selection:
    """Raises `ProblemError`: a time that is none."""
    try:
        since, until = when.span(given.since, given.until)
    except UsageError as error:
        raise _in_other_words(error) from None
    found: Any = {name: value for name in _CONDITIONS if (value := getattr(given, name, None)) is not None}
    found |= {name: at for name, at in (("since", since), ("until", until)) if at is not None}
    if given.what is not What.INVITATION:
        found["what"] = given.what.value
    if given.state is not None:
        found["state"] = given.state.value
    chosen: Selection = found
    return chosen


async def decide(context: Context, who: Who, given: Decide) -> DecisionDone:
    """Do it, or only count. Raises `PlauditError`: no condition, or one that fits nothing."""
    store, now = context.store, context.clock.now()
    if given.id is not None:
        return await _one(context, who, given, given.id)
    if given.ids:
        return await _several(context, who, given)
    chosen = selection(given)
    if not chosen.keys() - {"what"} and not given.all:
        raise ProblemError(400, "no_condition", "say which, by a condition, or all: true")
    try:
        about = states(given.action, chosen)
    except UsageError as error:
        raise _in_other_words(error) from None
    await known(store, chosen)
    counts = await count(store, chosen, about)
    total = sum(counts.values())
    many = min(total, given.limit, MOST)
    ids: list[int] = []
    decision = 0
    if many and not given.dry_run:
        matched = f"{total} matched, at most {many} at once"
        decision = await context.record(who, given.action, said(chosen), matched)
        ids = await run(store, given.action, chosen, many, now, decision=decision)
    return _done(given, counts, ids, decision)


def _done(given: Decide, matched: dict[str, int], ids: list[int], decision: int) -> DecisionDone:
    left = sum(matched.values()) - len(ids)
    then = DECISIONS[given.action][1]
    of = decision if ids else None
    return DecisionDone(given.action, given.dry_run, matched, len(ids), left, then, ids, of)


async def _one(context: Context, who: Who, given: Decide, id_: int) -> DecisionDone:
    """The same about one, by its id."""
    row = await context.store.invitation(id_)
    if row is None:
        raise not_found("invitation", id_)
    fit, _ = DECISIONS[given.action]
    if row.state not in fit:
        allowed = ", ".join(sorted(fit))
        raise ProblemError(409, "wrong_state", f"invitation {id_} is {row.state}; this is for: {allowed}")
    if given.dry_run:
        return _done(given, {row.state: 1}, [], 0)
    decision = await context.record(who, given.action, f"invitation {id_}", f"was {row.state}")
    ids = await _run_one(context, given.action, row, decision)
    return _done(given, {row.state: 1}, ids, decision)


async def _several(context: Context, who: Who, given: Decide) -> DecisionDone:
    """The same about these, as one decision; one that is in no fit state is left as it is."""
    action = given.action
    found = [await context.store.invitation(id_) for id_ in dict.fromkeys(given.ids or ())]
    rows = [row for row in found if row is not None and row.state in DECISIONS[action][0]]
    matched = dict(Counter(row.state for row in rows))
    if not rows or given.dry_run:
        return _done(given, matched, [], 0)
    thing = "invitation" if len(rows) == 1 else "invitations"
    about = f"{thing} {', '.join(str(row.id) for row in rows)}"
    was = ", ".join(f"{number} {state}" for state, number in matched.items())
    decision = await context.record(who, action, about, f"was {rows[0].state}" if len(rows) == 1 else was)
    done = [id_ for row in rows for id_ in await _run_one(context, action, row, decision)]
    return _done(given, matched, done, decision)


async def _run_one(context: Context, action: Decided, row: InvitationView, decision: int) -> list[int]:
    one: Selection = {"order_id": row.order_id, "destination": row.destination, "state": row.state}
    one["what"] = row.what
    return await run(context.store, action, one, 1, context.clock.now(), decision=decision)


def _in_other_words(error: UsageError) -> ProblemError:
    """What a command says of its options, of fields."""
    return ProblemError(
        400, "bad_request", str(error).replace("--", "").replace("'plaudit resolve'", "resolve")
    )


def states(decided: Decided, chosen: Selection) -> list[State]:
    """The states that a decision is about. Raises `UsageError`: it is about no such state."""
    about = sorted(DECISIONS[decided][0])
    state = chosen.get("state")
    if state is not None:
        if state not in about:
            hint = "; for those there is 'plaudit resolve'" if state == State.UNCERTAIN else ""
            raise UsageError(f"--state must be one of {', '.join(about)}; not {state!r}{hint}")
        return [State(state)]
    return [State.FAILED, State.REFUSED] if decided is Decided.RETRY else about


async def known(store: Store, chosen: Selection) -> None:
    """Raises `PlauditError`: no destination or source has the name that was given (one that was taken out counts)."""
    configuration = await readable(store)
    if configuration is None:
        return
    sources = [s.name for s in configuration.sources] + [s.name for s in configuration.inlets]
    for key, names in (
        ("destination", sorted(d.name for d in configuration.destinations)),
        ("source", sorted(sources)),
    ):
        name: Any = chosen.get(key)
        if name is None or name in names:
            continue
        only: Any = {key: name, "what": chosen.get("what", What.INVITATION.value)}
        if not await store.invitations(limit=1, **only):  # else it was taken out, and its ledger stays
            raise PlauditError(f"no {key} is called {name!r}; there is {', '.join(names) or 'none yet'}")


async def count(store: Store, chosen: Selection, about: list[State]) -> dict[str, int]:
    """How many are in each of these states: state by state, since each has an index of its own."""
    found: dict[str, int] = {}
    for state in about:
        found |= await store.count(**in_state(chosen, state))
    return found


def in_state(chosen: Selection, state: str) -> Selection:
    one = chosen.copy()
    one["state"] = state
    return one


async def run(
    store: Store,
    decided: Decided,
    chosen: Selection,
    many: int,
    now: int,
    told: Callable[[int], None] = lambda _: None,
    *,
    decision: int,
) -> list[int]:
    """Portion by portion, so that lanes go on meanwhile; the ids of those that it was done to."""
    ids: list[int] = []
    while len(ids) < many:
        after, limit = (ids[-1] if ids else 0), min(PORTION, many - len(ids))
        portion = await store.decide(decided, decision=decision, after=after, limit=limit, now=now, **chosen)
        if not portion:  # others were quicker
            break
        ids += portion
        told(len(ids))
    return ids


def said(chosen: Selection) -> str:
    """The selection for the audit log, without an address."""
    values: dict[str, Any] = {**chosen}
    for key in ("since", "until"):
        if key in values:
            values[key] = iso(values[key])
    if "email" in values:
        values["email"] = "of one customer"
    return "invitations " + (", ".join(f"{key} {value}" for key, value in values.items()) or "all")
