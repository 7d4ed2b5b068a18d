"""Any history of events, duplicates, batches, stops, kills and configurations: one invitation per order.

The server is real and so are the kills; the model says what must become of each event, and the sandbox
what was accepted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support import free_port, http

from . import AS_FOUND, bounded
from .forked import Forked
from .installation import SOURCES, Installation
from .model import INVITES, OUTCOMES, Event, expected

_NUMBERS = itertools.count(1)
FAULTS = [[], ["202-first"], ["slow=0.05"], ["slow=0.03", "202-first"]]

any_number = st.integers(0, 1000)
sources = st.sampled_from(SOURCES)
kinds = st.sampled_from([*[INVITES] * 6, *OUTCOMES])
# How an event of a batch comes about: a new order, one that came before, or an order or a message id of one.
ways = st.sampled_from(["new", "same", "same order", "same message id"])


class History(RuleBasedStateMachine):
    """Orders come, and all that can happen happens."""

    sandbox_url = ""

    @initialize()
    def begin(self) -> None:
        http(f"{self.sandbox_url}/sandbox/faults", method="DELETE")
        self.log: list[Event] = []
        self.kills = 0
        self.run = f"run-{next(_NUMBERS)}"  # orders of other examples are in the same sandbox
        self.installation = Installation(self.sandbox_url)

    @rule(source=sources, kind=kinds)
    def a_new_order(self, source: str, kind: str) -> None:
        self.sent([self.event("new", source, kind, 0)])

    @precondition(lambda self: self.log)
    @rule(way=ways, number=any_number, source=sources, kind=kinds)
    def one_like_before(self, way: str, number: int, source: str, kind: str) -> None:
        self.sent([self.event(way, source, kind, number)])

    @rule(source=sources, parts=st.lists(st.tuples(ways, any_number, kinds), min_size=2, max_size=8))
    def a_batch(self, source: str, parts: list[tuple[str, int, str]]) -> None:
        self.sent([self.event(way, source, kind, number) for way, number, kind in parts])

    @precondition(lambda self: self.log)
    @rule(number=any_number, count=st.integers(1, 6))
    def an_sdk_sends_again(self, number: int, count: int) -> None:
        """What came before, message for message."""
        start = number % len(self.log)
        source = self.log[start].source
        self.sent([event for event in self.log[start : start + count] if event.source == source])

    @rule(source=sources, parts=st.lists(st.tuples(ways, any_number, kinds), min_size=1, max_size=8))
    def killed_before_the_answer(self, source: str, parts: list[tuple[str, int, str]]) -> None:
        """The request is in the log as a whole or not at all; the SDK sends it once more."""
        events = [self.event(way, source, kind, number) for way, number, kind in parts]
        self.installation.throw(events)
        self.started_again(0, kill=True)
        found, _ = self.installation.settled()
        assert len(found) in (len(self.log), len(self.log) + len(events))
        if len(found) > len(self.log):
            self.log += events
        self.sent(events)

    @rule(variant=st.integers(0, 2), kill=st.booleans())
    def started_again(self, variant: int, kill: bool) -> None:
        if kill:
            self.installation.kill()
            self.kills += 1
        else:
            self.installation.stop()
        self.installation.start(variant)

    @rule(variant=st.integers(0, 2))
    def configured(self, variant: int) -> None:
        self.installation.apply(variant)

    @rule(faults=st.sampled_from(FAULTS))
    def the_vendor_changes(self, faults: list[str]) -> None:
        http(f"{self.sandbox_url}/sandbox/faults", {"faults": faults}, method="PUT")

    @rule()
    def time_passes(self) -> None:
        self.installation.settled()

    def event(self, way: str, source: str, kind: str, number: int) -> Event:
        """A new event, or one that takes after an earlier one."""
        new = Event(source, f"m-{next(_NUMBERS)}", f"{self.run}-{next(_NUMBERS)}", kind)
        before = self.log[number % len(self.log)] if self.log else new
        if way == "same" and before.source == source:
            return before
        if way == "same order":
            return new._replace(order=before.order)
        return new._replace(message_id=before.message_id) if way == "same message id" else new

    def sent(self, events: list[Event]) -> None:
        answer = self.installation.send(events)
        assert answer is not None
        assert answer.status == (400 if all(event.kind == "nobody" for event in events) else 200), answer
        self.log += events

    def teardown(self) -> None:
        if not hasattr(self, "installation"):
            return
        try:
            self.check()
        finally:
            self.installation.close()

    def check(self) -> None:
        events, ledger = self.installation.settled()
        assert [event.message_id for event in events] == [event.message_id for event in self.log]
        invitations = {row.order_id: row for row in ledger}
        assert len(invitations) == len(ledger)
        wanted = expected(self.log)
        for event, want, sent in zip(events, wanted, self.log, strict=True):
            assert event.disposition == want.disposition, (sent, event)
            if want.disposition == "duplicate_message":
                assert want.of is not None and f" event {events[want.of].id} " in event.message
            elif want.of is not None:
                assert [route.invitation for route in event.destinations] == [invitations[sent.order].id]
        assert set(invitations) == {
            sent.order for sent, want in zip(self.log, wanted, strict=True) if want.disposition == "invited"
        }
        self.check_sandbox({row.order_id: row.state for row in ledger})

    def check_sandbox(self, states: dict[str, str]) -> None:
        """Accepted exactly once; at most once where a kill made it uncertain."""
        records = http(f"{self.sandbox_url}/sandbox/invitations?limit=0").body
        accepted = {record["reference_id"]: record["accepted"] for record in records}
        assert {order for order in accepted if order.startswith(f"{self.run}-")} <= states.keys()
        for order, state in states.items():
            assert accepted.get(order, 0) == 1 if state == "accepted" else accepted.get(order, 0) <= 1, order
            assert state == "accepted" or (state == "uncertain" and self.kills)


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("sandbox") / "sandbox.log"
    sandbox = Forked(["sandbox", "--port", str(port)], f"{url}/sandbox/stats", log)
    yield url
    sandbox.stop()


def test_any_history_keeps_the_promise(sandbox_url: str) -> None:
    machine = type("Run", (History,), {"sandbox_url": sandbox_url})
    run_state_machine_as_test(machine, settings=bounded(6, stateful_step_count=25, phases=AS_FOUND))
