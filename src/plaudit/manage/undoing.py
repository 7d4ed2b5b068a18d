"""Undoing what a person decided about invitations: of those to which nothing has happened since. Done in portions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from plaudit.clock import iso
from plaudit.manage.context import Context
from plaudit.manage.deciding import PORTION
from plaudit.manage.given import Given, Id, OfId
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Who
from plaudit.store.base import Store
from plaudit.store.decisions import Decided, Decision, Undone
from plaudit.store.undoing import SAID, Left


class Undo(Given, kw_only=True):
    """`invitation`: only this one of those that the decision is about. `dry_run` only says what it would come to."""

    id: Id
    invitation: Id | None = None
    dry_run: bool = False


class Stayed(msgspec.Struct):
    """Invitations that stay as they are: how many, and why."""

    reason: Left
    message: str
    number: int


class UndoDone(msgspec.Struct):
    """`done`: how many are what they were before; `states`: what that is. `left`: how many stay, `stayed`: why."""

    decision: int
    action: str
    dry_run: bool
    done: int
    states: dict[str, int]
    left: int
    stayed: list[Stayed]
    ids: list[int]


class DecisionView(msgspec.Struct):
    """What is kept of a decision. `would`: what undoing it would come to now; null: all of it is undone, or it is about
    so many that this takes a while.
    """

    id: int
    action: Decided
    at: str
    deliveries: int
    undone: int
    would: UndoDone | None


async def one(context: Context, who: Who, given: OfId) -> DecisionView:
    """Raises `ProblemError`: nothing is kept of it."""
    kept = await context.store.decision(given.id)
    if kept is None:
        said = f"nothing is kept of a decision {given.id}, or not any more"
        raise ProblemError(404, "not_found", said)
    would = None
    if 0 < kept.deliveries - kept.undone <= PORTION:
        would = await undo(context, who, Undo(id=kept.id, dry_run=True))
    return DecisionView(kept.id, kept.decided, iso(kept.at), kept.deliveries, kept.undone, would)


async def undo(context: Context, who: Who, given: Undo) -> UndoDone:
    """Do it, or only say what it would come to. What stays is told, and is no error. Raises `ProblemError`."""
    kept = await known(context.store, given.id)
    if given.invitation is not None:
        await _touched(context.store, kept, given.invitation)
    if not given.dry_run:
        await record(context, who, kept, given.invitation)
    now = context.clock.now()
    found = await run(context.store, kept.id, now, dry=given.dry_run, only=given.invitation)
    return done(kept, found, dry_run=given.dry_run)


async def known(store: Store, id_: int) -> Decision:
    """Raises `ProblemError`: nothing is kept of it, or it is undone."""
    found = await store.decision(id_)
    if found is None:
        why = "it never was one, touched nothing, or is older than events are kept"
        raise ProblemError(404, "not_found", f"there is no decision {id_} that could be undone: {why}")
    if found.undone == found.deliveries:
        raise ProblemError(409, "wrong_state", f"decision {id_} is undone already")
    return found


async def _touched(store: Store, kept: Decision, id_: int) -> None:
    """Raises `ProblemError`: the decision is not about this one, or is undone for it."""
    for each in await store.decisions(id_):
        if each.decision == kept.id:
            if each.undone_at is None:
                return
            said = f"decision {kept.id} is undone already for invitation {id_}"
            raise ProblemError(409, "wrong_state", said)
    raise ProblemError(404, "not_found", f"decision {kept.id} was not about invitation {id_}")


async def run(
    store: Store,
    decision: int,
    now: int,
    *,
    dry: bool,
    only: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Undone:
    """Portion by portion, so that lanes go on meanwhile."""
    whole = Undone({}, {})
    after = 0
    while True:
        portion = await store.undo(decision, after=after, limit=PORTION, now=now, dry=dry, only=only)
        if not portion.last:
            return whole
        whole.restored.update(portion.restored)
        whole.left.update(portion.left)
        after = portion.last
        told(len(whole.restored) + len(whole.left))


def done(kept: Decision, found: Undone, *, dry_run: bool) -> UndoDone:
    why = Counter(found.left.values())
    return UndoDone(
        kept.id,
        kept.decided,
        dry_run,
        len(found.restored),
        dict(Counter(found.restored.values())),
        len(found.left),
        [Stayed(Left(reason), SAID[Left(reason)], number) for reason, number in why.most_common()],
        sorted(found.restored),
    )


async def record(context: Context, who: Who, kept: Decision, invitation: int | None = None) -> None:
    """In the audit log: before it is done."""
    about = f"decision {kept.id}" + (f", invitation {invitation}" if invitation is not None else "")
    many = f"{kept.deliveries} invitation{'' if kept.deliveries == 1 else 's'}"
    await context.record(who, "undo", about, f"{kept.decided}, {many}")
