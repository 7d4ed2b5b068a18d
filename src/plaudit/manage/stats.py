"""What the overview shows: events, orders, invitations, accepted; what fell out at each step, and what waits for a person.

It is read from what was counted as it happened (store/tallies.py), a few thousand rows whatever the ledger has; what waits
for a person is counted now, since that changes when somebody decides.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

import msgspec

from plaudit.clock import iso
from plaudit.destinations.base import ATTENTION, What
from plaudit.manage import deciding
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Name, not_found
from plaudit.spec import dispositions
from plaudit.store.access import Who
from plaudit.store.base import Configuration, ConfiguredDestination
from plaudit.store.decisions import Selection
from plaudit.store.tallies import DAY_MS, HOUR_MS, Tallied, quantile


class Span(StrEnum):
    """How far back: by the hour up to a week, by the day from then on."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


_SPANS = {
    Span.DAY: (HOUR_MS, 24),
    Span.WEEK: (HOUR_MS, 7 * 24),
    Span.MONTH: (DAY_MS, 30),
    Span.YEAR: (DAY_MS, 365),
}
# What becomes of events that are orders; all the others never came to be one.
OF_ORDERS = frozenset(
    {
        dispositions.INVITED,
        dispositions.CORRECTED,
        dispositions.DUPLICATE_ORDER,
        dispositions.INVITED_BEFORE,
        dispositions.FILTERED_BY_RULES,
        dispositions.REJECTED,
        dispositions.CANCELLED,
    }
)
LATE_MS = (
    5 * 60_000
)  # what was due so long ago ought to have left: nobody sends, or the vendor does not answer
GOOD = frozenset({dispositions.INVITED, dispositions.CORRECTED, dispositions.PASSED_ON})


class Overviewed(Given, kw_only=True):
    span: Span = Span.WEEK
    destination: Name | None = None


class FallOut(msgspec.Struct):
    """Events that made no invitation, by why. `step`: before it was an order, or as one."""

    step: str
    disposition: str
    message: str
    number: int


class Bucket(msgspec.Struct):
    """One hour or day, from `at` on."""

    at: str
    events: int
    orders: int
    invitations: int
    accepted: int


class Attention(msgspec.Struct):
    """What needs a person. `state` where deliveries wait: invitations, or calls about people (`what`); `code` in any
    case.
    """

    code: str
    message: str
    destination: str | None = None
    state: str | None = None
    number: int | None = None
    what: What | None = None


class Overview(msgspec.Struct):
    """Numbers of what happened in the time. `waiting`: of the invitations made in it, those that wait for a person now,
    by state. `p95_ms`: from made to accepted, to ten per cent.
    """

    since: str
    until: str
    step_ms: int
    events: int
    orders: int
    invitations: int
    accepted: int
    p95_ms: int | None
    fell_out: list[FallOut]
    waiting: dict[str, int]
    series: list[Bucket]
    attention: list[Attention]


class LastDay(NamedTuple):
    """What a destination was given in 24 hours, and what it took: as `Overview` has it."""

    invitations: int
    accepted: int
    p95_ms: int | None


async def last_day(context: Context, destination_id: int) -> LastDay:
    step, since, until = _times(context, Span.DAY)
    totals, took = _totals(await context.store.tallies(step, since, until, destination_id))
    return LastDay(_sum(totals, "made"), totals["ended", "accepted"], quantile(took, 0.95))


async def overview(context: Context, who: Who, given: Overviewed) -> Overview:
    """Of everything; or of one destination, whose events and orders are not counted apart."""
    del who
    there = await context.store.configuration()
    destination_id = None
    if given.destination is not None:
        ids = {row.name: row.id for row in there.destinations}
        if given.destination not in ids:
            raise not_found("destination", given.destination)
        destination_id = ids[given.destination]
    step, since, until = _times(context, given.span)
    counted = await context.store.tallies(step, since, until, destination_id)
    totals, took = _totals(counted)
    return Overview(
        since=iso(since),
        until=iso(until),
        step_ms=step,
        events=totals["event", ""],
        orders=totals["order", ""],
        invitations=_sum(totals, "made"),
        accepted=totals["ended", "accepted"],
        p95_ms=quantile(took, 0.95),
        fell_out=_fell_out(totals),
        waiting=await _waiting(context, since, given.destination),
        series=_series(counted, since, until, step),
        attention=await attention(context, there, given.destination),
    )


def _times(context: Context, span: Span) -> tuple[int, int, int]:
    """Its step, and from when until when it goes: the step that has begun is in it."""
    step, many = _SPANS[span]
    until = context.clock.now() // step * step + step
    return step, until - many * step, until


async def _waiting(context: Context, since: int, destination: str | None) -> dict[str, int]:
    asked: Selection = {"since": since}
    if destination is not None:
        asked["destination"] = destination
    return dict(sorted((await deciding.count(context.store, asked, list(ATTENTION))).items()))


_OF = {What.INVITATION: "invitations", What.IDENTIFY: "calls"}


async def attention(
    context: Context, there: Configuration, destination: str | None = None
) -> list[Attention]:
    """What needs a person now: what does not work in this process, then what is not set up, then what waits."""
    found = [Attention("fault", fault) for fault in await context.faults()] if destination is None else []
    if destination is None and not there.sources:
        found.append(Attention("no_source", "no source is set up, so every event is refused"))
    if destination is None and not there.destinations:
        found.append(Attention("no_destination", "no destination is set up, so no order makes an invitation"))
    waiting = {what: await context.store.attention(what) for what in What}
    for row in there.destinations:
        if destination in (None, row.name):
            found += await _of_destination(
                context, row, connected=any(to == row.id for _, to in there.connections)
            )
            found += [
                each for what in What for each in _deliveries(row.name, what, waiting[what].get(row.name, {}))
            ]
    return found


async def _of_destination(
    context: Context, row: ConfiguredDestination, *, connected: bool
) -> list[Attention]:
    found: list[Attention] = []
    if row.paused_at is not None:
        message = f"{row.name} is paused: {row.paused_message or row.paused_reason}"
        found.append(Attention("paused", message, row.name))
    elif (late := await _late(context, row.id)) >= LATE_MS:
        minutes = f"{late // 60_000:,} minutes"
        message = f"{row.name} is behind: what is to be sent next has been due for {minutes}"
        found.append(Attention("behind", message, row.name))
    if not connected:
        found.append(Attention("no_connection", f"{row.name} has no source", row.name))
    return found


def _deliveries(name: str, what: What, waiting: dict[str, int]) -> list[Attention]:
    return [
        Attention(_OF[what], f"{number:,} {state} at {name}", name, state, number, what)
        for state, number in sorted(waiting.items())
        if number
    ]


async def _late(context: Context, destination_id: int) -> int:
    due = await context.store.next_due(destination_id)
    return 0 if due is None else context.clock.now() - due


def _totals(counted: list[Tallied]) -> tuple[Counter[tuple[str, str]], dict[int, int]]:
    totals: Counter[tuple[str, str]] = Counter()
    took: Counter[int] = Counter()
    for _, what, code, number in counted:
        if what == "took":
            took[int(code)] += number
        else:
            totals[what, code] += number
    return totals, took


def _sum(totals: Counter[tuple[str, str]], wanted: str) -> int:
    return sum(number for (what, _), number in totals.items() if what == wanted)


def _fell_out(totals: Counter[tuple[str, str]]) -> list[FallOut]:
    return [
        FallOut("order" if code in OF_ORDERS else "event", code, dispositions.sentence(code), number)
        for (what, code), number in sorted(totals.items(), key=lambda each: -each[1])
        if what == "fate" and code not in GOOD
    ]


def _series(counted: list[Tallied], since: int, until: int, step: int) -> list[Bucket]:
    by_time: dict[int, Counter[str]] = {at: Counter() for at in range(since, until, step)}
    for at, what, code, number in counted:
        if at in by_time and (what != "ended" or code == "accepted"):
            by_time[at][what] += number
    return [
        Bucket(iso(at), each["event"], each["order"], each["made"], each["ended"])
        for at, each in by_time.items()
    ]
