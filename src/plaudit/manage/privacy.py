"""Forgetting a person: here, for good, and at the vendors that were told of them; and the way back."""

from __future__ import annotations

from collections import Counter

import msgspec

from plaudit.deliver.drive import drive
from plaudit.deliver.tokens import Tokens
from plaudit.deliver.transport import transport_for
from plaudit.destinations.base import Destination, Outcome, What
from plaudit.destinations.hiding import hidden, secrets
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Text
from plaudit.manage.problems import ProblemError
from plaudit.spec import email as emails
from plaudit.store.access import Who
from plaudit.store.base import Configuration, ConfiguredDestination, Store

Known = Counter[tuple[str, str]]  # how many deliveries, by destination and state
STILL_THERE = (
    "not reached: events in the log that hold the address, until they are as old as 'plaudit serve --keep-days' says"
    " (30 days unless it was set); until then 'plaudit replay' could read them again"
)


class Forget(Given, kw_only=True):
    """`destination`: ask this one too, also when the ledger knows nothing of the person any more."""

    email: Text
    destination: Text | None = None
    dry_run: bool = False


class Asked(msgspec.Struct):
    """What a vendor said: `result` is asked, by_hand, or the outcome of the attempt."""

    destination: str
    result: str
    reason: str
    message: str


class Allow(Given, kw_only=True):
    email: Text


class Allowed(msgspec.Struct):
    """Whether the person had been forgotten."""

    allowed: bool


class ForgetDone(msgspec.Struct):
    """`deliveries` and `cancelled` of the ledger; `note` says what is not reached."""

    dry_run: bool
    deliveries: int
    cancelled: int
    asked: list[Asked]
    note: str = STILL_THERE


async def forget(context: Context, who: Who, given: Forget) -> ForgetDone:
    """It cannot be undone, and later events of theirs make nothing; `dry_run` only counts."""
    email = _address(given.email)
    there = await context.store.configuration()
    extra = named(there, given.destination)
    found = await known(context.store, email)
    if given.dry_run:
        return ForgetDone(True, found.total(), 0, [])
    await context.record(who, "forget", "a person", f"{found.total()} rows of the ledger")
    return await run(context, there, email, found, extra)


async def allow(context: Context, who: Who, given: Allow) -> Allowed:
    """Later events of theirs are taken as anybody's again; what was forgotten stays so."""
    email = _address(given.email)
    await context.record(who, "allow", "a person")
    return Allowed(await context.store.allow(email))


async def run(
    context: Context, there: Configuration, email: str, found: Known, extra: ConfiguredDestination | None
) -> ForgetDone:
    """Forget whom `found` is about. Raises nothing of what vendors say: that is in what it returns."""
    done = await context.store.forget(email, context.clock.now())
    names = {row.id: row for row in there.destinations}
    ask = [names[id_] for id_ in done.told if id_ in names]
    if extra is not None and extra not in ask:
        ask.append(extra)
    asked = [await _ask(context, row, email) for row in ask]
    gone = sorted({name for name, _ in found} - {row.name for row in there.destinations})
    asked += [_by_hand(name, way(context.kinds, None)) for name in gone]
    return ForgetDone(False, done.deliveries, done.cancelled, asked)


def _address(written: str) -> str:
    found = emails.address(written)
    if found is None:
        raise ProblemError(422, "bad_request", "that is no e-mail address")
    return found


def named(there: Configuration, name: str | None) -> ConfiguredDestination | None:
    """Raises `ProblemError`: no destination has the name."""
    if name is None:
        return None
    rows = {row.name: row for row in there.destinations}
    if name not in rows:
        exist = ", ".join(rows) or "none yet"
        raise ProblemError(404, "not_found", f"no destination is called {name!r}; there is {exist}")
    return rows[name]


async def known(store: Store, email: str) -> Known:
    """How many invitations and calls there are, by destination and state."""
    found: Known = Counter()
    for what in What:
        for each in await store.invitations(email=email, what=what.value):
            found[each.destination, each.state] += 1
    return found


def way(kinds: dict[str, Destination], row: ConfiguredDestination | None) -> str:
    """How the vendor learns of it."""
    if row is None or row.type not in kinds:
        return "is not configured any more: have the person deleted there by hand"
    kind = kinds[row.type]
    channel = kind.channel(row.settings)
    if channel.forget is not None:
        return f"{kind.title} will be asked to delete the person"
    return (
        f"the channel {channel.name} has no way to delete anybody:"
        f" have {kind.title} delete the person, in its own pages or by its support"
    )


def _by_hand(name: str, message: str) -> Asked:
    return Asked(name, "by_hand", "", message)


async def _ask(context: Context, row: ConfiguredDestination, email: str) -> Asked:
    kind = context.kinds.get(row.type)
    channel = kind.channel(row.settings) if kind else None
    if kind is None or channel is None or channel.forget is None:
        return _by_hand(row.name, way(context.kinds, row))
    transport = transport_for(kind, row.settings)
    token = channel.token
    tokens = None if token is None else Tokens(lambda: token(row.settings), transport)
    try:
        flow = channel.forget([email], row.settings)
        verdict = await drive(flow, transport, tokens, harmless=True)
    finally:
        await transport.close()
    verdict = hidden(verdict, secrets(kind, row.settings))
    if verdict.outcome is Outcome.ACCEPTED:
        return Asked(row.name, "asked", "", verdict.message)
    again = f"ask again with 'plaudit forget EMAIL --destination {row.name}'"
    message = f"{kind.title} was not told ({verdict.reason}: {verdict.message}); {again}"
    return Asked(row.name, verdict.outcome, verdict.reason, message)
