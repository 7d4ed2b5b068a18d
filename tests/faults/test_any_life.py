"""Any life of orders, answers, decisions, deaths and clocks: what the ledger does against what it should, simply said.

The simple model: an order that was completed has one invitation; one that was taken back as a whole, by something
younger, is not sent; the vendor has no more of it than one, and one for each uncertain attempt that was repeated.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from plaudit.store.decisions import DECISIONS, Decided
from properties import AS_FOUND, bounded

from . import told
from .scripted import MOODS
from .world import HOUR, TOTAL, World, settings

ORDERS = [f"o{number}" for number in range(6)]
orders = st.sampled_from(ORDERS)
VARIANTS = [
    settings(),
    *[settings(uncertain="resend")] * 2,
    settings(hold="2 hours"),
    settings(retry_for="1 hour"),
    settings(once_per="30 days"),
    settings(rate_limit=60),
    settings(uncertain="resend", hold="30 minutes", pages=False),
]
ENDS = {"accepted", "refused", "failed", "uncertain", "cancelled"}


class Life(RuleBasedStateMachine):
    """See above."""

    counts: ClassVar[Counter[str]] = Counter()

    @initialize(
        variant=st.sampled_from(VARIANTS), mood=st.sampled_from(MOODS), some=st.sets(orders, min_size=3)
    )
    def begin(self, variant: dict[str, Any], mood: str, some: set[str]) -> None:
        self.runner = asyncio.Runner()
        self.world = World()
        self.completed: dict[str, int] = {}  # order: when last, by the shop's clock
        self.taken_back: dict[str, int] = {}  # as a whole
        self.do(self.world.open())
        self.do(self.world.apply(variant))
        self.counts["lives"] += 1
        self.back = 0  # ms that the clock was set back
        self.decision = 0  # the number of the last one
        self.a_busy_moment(some, mood)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def sent(self, name: str, order: str, **properties: Any) -> None:
        self.do(self.world.send(name, order, **properties))
        self.counts["events"] += 1
        if name == "Order Completed":
            self.completed[order] = self.world.shop_time
        elif properties.get("total") is None:
            self.taken_back[order] = self.world.shop_time
        self.world.vendor.forbidden = {
            order for order, at in self.taken_back.items() if at >= self.completed.get(order, 0)
        }

    @rule(order=orders, customer=st.sampled_from(["ann", "bob"]) | orders)
    def an_order_is_completed(self, order: str, customer: str) -> None:
        self.sent("Order Completed", order, email=f"{customer}@example.com", total=TOTAL)

    @rule(some=st.sets(orders, min_size=2), mood=st.sampled_from(MOODS))
    def a_busy_moment(self, some: set[str], mood: str) -> None:
        """Several orders, and the vendor's mood changes."""
        self.world.vendor.mood = mood
        for order in sorted(some):
            self.sent("Order Completed", order, email=f"{order}@example.com", total=TOTAL)
        self.do(self.world.quiet())

    @rule(order=orders)
    def an_order_is_cancelled(self, order: str) -> None:
        self.do(self.world.quiet())  # so that what is taken back now does not leave any more
        self.sent("Order Cancelled", order)

    @rule(order=orders, amount=st.sampled_from([None, 10.0]))
    def an_order_is_refunded(self, order: str, amount: float | None) -> None:
        self.do(self.world.quiet())
        self.sent("Order Refunded", order, **({} if amount is None else {"total": amount}))

    @rule(number=st.integers(0, 1000))
    def an_sdk_sends_again(self, number: int) -> None:
        entries = self.world.entries
        self.do(self.world.quiet())
        self.do(self.world.take(entries[number % len(entries)]))

    @rule()
    def events_are_replayed(self) -> None:
        self.do(self.world.quiet())
        self.do(self.world.replay())

    @rule(mood=st.sampled_from(MOODS))
    def the_vendor_changes(self, mood: str) -> None:
        self.world.vendor.mood = mood

    @rule()
    def the_vendor_answers_at_last(self) -> None:
        self.do(self.answer())

    async def answer(self) -> None:
        self.world.vendor.answer_at_last()
        await self.world.quiet()

    @rule(order=orders, has_it=st.booleans(), cancelled=st.booleans(), dies=st.booleans())
    def during_an_attempt(self, order: str, has_it: bool, cancelled: bool, dies: bool) -> None:
        """The order may be taken back, and the process may die; afterwards the vendor is well."""
        vendor = self.world.vendor
        vendor.mood = "hangs*" if has_it else "hangs"
        self.sent("Order Completed", order, email=f"{order}@example.com", total=TOTAL)
        self.do(self.world.quiet())
        if cancelled:
            self.sent("Order Cancelled", order)
        self.counts["in the middle of an attempt"] += vendor.hung[order] > 0
        self.do(self.world.die() if dies else self.answer())
        vendor.mood = "201"
        self.counts["deaths"] += dies
        self.time_passes(60)

    @rule(seconds=st.sampled_from([1, 10, 60, 700, 3_600, 20_000, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.at += seconds * 1000
        self.do(self.world.quiet())

    @rule(seconds=st.sampled_from([1, 60, 3_600, 90_000]))
    def the_clock_is_set_back(self, seconds: int) -> None:
        self.world.clock.at -= seconds * 1000
        self.back += seconds * 1000
        self.counts["clocks set back"] += 1
        self.do(self.world.quiet())

    @rule(variant=st.sampled_from(VARIANTS))
    def settings_are_applied(self, variant: dict[str, Any]) -> None:
        self.do(self.world.apply(variant))
        self.do(self.world.quiet())

    @rule(decided=st.sampled_from(list(Decided)), order=orders)
    def somebody_decides(self, decided: Decided, order: str) -> None:
        self.do(self.world.quiet())
        now = self.world.clock.now()
        self.decision += 1
        found = self.do(
            self.world.store.decide(
                decided, decision=self.decision, after=0, limit=9, now=now, order_id=order
            )
        )
        self.counts["decisions"] += bool(found)

    @rule(number=st.integers(0, 1000), seconds=st.sampled_from([0, 0, 1, 3_600]), other=st.none() | orders)
    def somebody_decides_and_thinks_again(self, number: int, seconds: int, other: str | None) -> None:
        """About one that it fits; meanwhile time may pass, and an order may be taken back."""
        self.do(self.world.quiet())
        rows = self.do(self.world.rows())
        fit = [
            (decided, order, row.state)
            for order, row in sorted(rows.items())
            for decided, (states, _) in DECISIONS.items()
            if row.state in states
        ]
        if fit:
            decided, order, state = fit[number % len(fit)]
            self.do(self.decide_and_undo(decided, order, state, seconds, other))
            self.time_passes(1)

    async def decide_and_undo(
        self, decided: Decided, order: str, state: str, seconds: int, other: str | None
    ) -> None:
        self.decision += 1
        store, clock = self.world.store, self.world.clock
        given: Any = {"order_id": order, "state": state}
        await store.decide(decided, decision=self.decision, after=0, limit=9, now=clock.now(), **given)
        if seconds:
            clock.at += seconds * 1000
            await self.world.quiet()
        if other is not None:
            await self.world.send("Order Cancelled", other)
            self.taken_back[other] = self.world.shop_time
        found = await store.undo(self.decision, after=0, limit=9, now=clock.now(), dry=False)
        self.counts["decisions undone"] += len(found.restored)
        self.counts["decisions that stay"] += len(found.left)

    @rule(quiet=st.booleans())
    def the_process_dies(self, quiet: bool) -> None:
        if quiet:
            self.do(self.world.quiet())
        self.do(self.world.die())
        self.counts["deaths"] += 1

    @invariant()
    def the_promise_is_kept(self) -> None:
        if not hasattr(self, "world"):
            return
        rows = self.do(self.world.rows())
        assert set(rows) <= set(self.completed)
        missing = set(self.completed) - set(rows)
        if missing:  # only where a customer had another order's invitation
            events = self.do(self.world.store.events(disposition="customer_invited_before"))
            assert missing <= {event.order_id for event in events}

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.do(self.end())
        finally:
            self.do(self.world.close())
            self.counts["changes of state"] += self.world.transitions
            self.counts.update({f"answers {mood}": n for mood, n in self.world.vendor.moods.items()})
            self.runner.close()

    async def end(self) -> None:
        """All is mended and time goes by: nothing waits for ever, and nothing is lost."""
        world = self.world
        world.vendor.mood = "201"
        world.vendor.answer_at_last()
        world.clock.at += self.back
        for _ in range(60):
            await world.apply(settings(**{**world.settings, "rate_limit": 0}))
            await world.quiet()
            rows = await world.rows()
            if {row.state for row in rows.values()} <= ENDS:
                break
            world.clock.at += HOUR
        assert {row.state for row in rows.values()} <= ENDS, {
            row.order_id: row.state for row in rows.values()
        }
        self.counts["orders"] += len(rows)
        self.counts.update(f"orders {row.state}" for row in rows.values())
        self.counts["accepted twice"] += sum(count > 1 for count in world.vendor.accepted.values())


def test_any_life_of_the_ledger_keeps_the_promise(capsys: pytest.CaptureFixture[str]) -> None:
    Life.counts.clear()
    run_state_machine_as_test(Life, settings=bounded(15, stateful_step_count=30, phases=AS_FOUND))
    told(capsys, "any life", Life.counts)
    assert Life.counts["orders"] > 20
