"""Choosing from the ledger: options become a selection, which is counted and shown before anything is done to it."""

from __future__ import annotations

from typing import Any

from plaudit.cli.output import say, short, table
from plaudit.destinations.base import State, What
from plaudit.errors import UsageError
from plaudit.installation import readable
from plaudit.manage import when
from plaudit.manage.deciding import in_state
from plaudit.store.base import Store
from plaudit.store.decisions import Selection
from plaudit.store.views import InvitationView

EXAMPLES = 5
FORGOTTEN = "forgotten"


def selection(
    *,
    order: str | None,
    state: str | None,
    destination: str | None,
    source: str | None,
    reason: str | None,
    email: str | None,
    since: str | None,
    until: str | None,
    calls: bool = False,
    all_: bool = True,
) -> Selection:
    """Raises `UsageError`: a time that is none, or no condition where all were not asked for by name."""
    first, last = when.span(since, until)
    given: dict[str, Any] = {
        "order_id": order,
        "state": state,
        "destination": destination,
        "source": source,
        "reason": reason,
        "email": email,
        "since": first,
        "until": last,
    }
    chosen: Any = {key: value for key, value in given.items() if value is not None}
    if not chosen and not all_:
        raise UsageError(
            "say which: by --order, --state, --destination, --reason, --since or another condition, or --all"
        )
    if calls:
        chosen["what"] = What.IDENTIFY.value
    found: Selection = chosen
    return found


async def show(
    store: Store, chosen: Selection, found: dict[str, int], many: int, about: list[State], *, briefly: bool
) -> None:
    """How many, by state; some of them, unless `briefly`; and what else there is to know."""
    calls = "what" in chosen
    if not found:
        names = f"{', '.join(about[:-1])} or {about[-1]}" if len(about) > 1 else about[0]
        say(f"no {'call' if calls else 'invitation'} that is {names} matches")
        await _elsewhere(store, chosen, about)
        return
    table(["state", "how many"], [[s, f"{n:,}"] for s, n in found.items()], empty="", colour="state")
    some: list[InvitationView] = []
    for state in found:
        some += await store.invitations(limit=EXAMPLES - len(some), **in_state(chosen, state))
        if len(some) == EXAMPLES:
            break
    say()
    if not briefly:
        say("all of them:" if len(some) == sum(found.values()) else "some of them:")
        rows(some, calls=calls, why="reason")
        say()
    if many < sum(found.values()):
        say(f"the oldest {many:,} of them, as --limit says")
    for note in await _notes(store, {each.destination for each in some}):
        say(f"note: {note}")


def rows(found: list[InvitationView], *, calls: bool, why: str = "message") -> None:
    """Invitations as a table; `why` names the field that says it."""
    table(
        [
            "when (UTC)",
            "id",
            "call" if calls else "order",
            "destination",
            "state",
            "customer",
            "tries",
            "why",
        ],
        [
            [
                short(i.created_at),
                str(i.id),
                i.order_id,
                i.destination,
                i.state,
                customer(i),
                str(i.attempts),
                getattr(i, why) or _until(i),
            ]
            for i in found
        ],
        empty="",
        colour="state",
    )


def _until(i: InvitationView) -> str:
    """When it will be tried, for what only waits."""
    return f"until {short(i.due_at)}" if i.state == State.HELD else ""


def customer(i: InvitationView) -> str:
    """Name and address; the word for whoever was forgotten."""
    if i.what != What.INVITATION:
        return ""
    return f"{i.order.name}\n{i.order.email}".strip() if i.order and i.order.email else FORGOTTEN


async def _elsewhere(store: Store, chosen: Selection, about: list[State]) -> None:
    """Where one asks for one order or customer: what state it is in, then."""
    if "order_id" in chosen or "email" in chosen:
        all_: Any = {key: value for key, value in chosen.items() if key != "state"}
        others = {s: n for s, n in (await store.count(**all_)).items() if s not in about}
        for state, count in others.items():
            hint = ": see 'plaudit resolve'" if state == State.UNCERTAIN else ""
            say(f"  {count:,} {'is' if count == 1 else 'are'} {state}{hint}")


async def _notes(store: Store, names: set[str]) -> list[str]:
    configuration = await readable(store)
    if configuration is None:
        return []
    there = {d.name: d for d in configuration.destinations}
    notes = [
        f"{name} is not configured any more: nothing is sent there" for name in sorted(names - set(there))
    ]
    notes += [
        f"{d.name} is paused ({d.paused_reason}): what is queued waits until it goes on; see 'plaudit doctor'"
        for d in there.values()
        if d.name in names and d.paused_at is not None
    ]
    return notes
