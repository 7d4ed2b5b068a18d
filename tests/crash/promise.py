"""The promises: what must hold between what shops were told, the ledger, and what the sandbox accepted."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from plaudit.deliver.concurrency import MOST
from plaudit.deliver.lane import PAGES

from .rig import Rig
from .sdk import Fleet


class Report(NamedTuple):
    """What a run came to, in numbers. `twice`: orders that the sandbox accepted more than once."""

    orders: int
    states: Counter[str]
    kills: int
    interrupted: int
    twice: int
    sent_again: int
    given_up: int

    def line(self, name: str, seconds: float) -> str:
        states = ", ".join(f"{count:,} {state}" for state, count in self.states.most_common())
        return (
            f"\n{name}: {self.orders:,} orders, {self.kills} kills: {states}; "
            f"{self.interrupted} attempts interrupted, {self.twice} accepted twice; "
            f"{self.sent_again:,} requests sent again, {self.given_up} given up unanswered; {seconds:.1f} s"
        )


async def kept(rig: Rig, fleet: Fleet) -> Report:
    """Assert that every promise was kept. Call it when the ledger has settled."""
    ledger = await rig.ledger()
    states = {row["order_id"]: row["state"] for row in ledger}
    accepted = Counter({order: count for order, count in (await rig.accepted()).items() if count})
    assert len(states) == len(ledger), "an order has two rows"
    assert not fleet.answered - states.keys(), "an order that was answered 200 is lost"
    assert not states.keys() - fleet.answered - fleet.unanswered, "an order that nobody sent"
    assert not accepted.keys() - states.keys(), "the sandbox accepted an order that is not in the ledger"
    assert set(states.values()) <= {"accepted", "uncertain"}
    said = {order for order, state in states.items() if state == "accepted"}
    assert not said - accepted.keys(), "said to be accepted, and was not"

    histories = await rig.attempts(
        [row for row in ledger if row["attempts"] > 1 or row["state"] != "accepted"]
    )
    interrupted = {
        order for order, tries in histories.items() if any(each.reason == "interrupted" for each in tries)
    }
    assert not states.keys() - said - interrupted, "uncertain, though nothing interrupted the attempt"
    assert len(interrupted) <= max(MOST, PAGES * 20) * rig.kills, (
        "a kill can hit no more than what was in flight"
    )
    twice = {order for order, count in accepted.items() if count > 1}
    assert not twice - interrupted, "accepted twice, and no kill is the reason"
    return Report(
        orders=len(states),
        states=Counter(states.values()),
        kills=rig.kills,
        interrupted=len(interrupted),
        twice=len(twice),
        sent_again=fleet.sent_again,
        given_up=len(fleet.unanswered),
    )
