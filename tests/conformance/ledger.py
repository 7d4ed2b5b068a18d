"""What every `Store`'s ledger does beyond the straight road: hold, cancel, correct, decide, forget, replay.

Subclass `LedgerConformance` and override the fixture `opened`.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from conformance.opened import OfStore
from conformance.rows import draft, ended, event, order
from plaudit.destinations.base import Draft, Outcome, State, What
from plaudit.spec import dispositions
from plaudit.spec.cancellation import Cancellation
from plaudit.spec.order import Order
from plaudit.store.base import Claimed, EventRow, Route, Store
from plaudit.store.decisions import Decided

ME = "me"
LEASE = 100_000


def at(number: int, when: int, **changes: Any) -> Order:
    """An order of a time, with changes."""
    return msgspec.structs.replace(order(number), ordered_at=when, **changes)


def routed(position: int, *routes: Route, source_id: int = 1) -> EventRow:
    return event(position, source_id=source_id)._replace(routes=list(routes))


def invite(its: Order, to: int = 1, **changes: Any) -> Route:
    return Route(to, dispositions.INVITED, None, draft(its, **changes))


def takes_back(number: int, when: int, amount: float | None = None, name: str = "Order Cancelled") -> Route:
    return Route(1, dispositions.CANCELLED, None, None, Cancellation(str(number), when, name, amount))


class LedgerSteps(OfStore):
    """What the suites of the ledger do with a store."""

    async def commit(
        self, store: Store, *routes: Route, now: int = 1000, source_id: int = 1
    ) -> dict[str, int]:
        """One event with each of these; what became of them."""
        before = await store.cursor(0)
        events = [routed(before + 1 + n, route, source_id=source_id) for n, route in enumerate(routes)]
        after = before + len(routes)
        return (await store.commit(0, before, after, events, now=now)).dispositions

    async def states(self, store: Store) -> dict[str, str]:
        return {i.order_id: i.state for i in await store.invitations()}

    async def claim(self, store: Store, limit: int = 10, now: int = 2000) -> list[Claimed]:
        return await store.turn(1, [], limit, ME, now=now, lease_until=LEASE)

    async def end(
        self, store: Store, claimed: Claimed, outcome: Outcome, state: State, due_at: int = 0
    ) -> None:
        await store.turn(
            1, [ended(claimed, outcome, state, due_at=due_at)], 0, ME, now=3000, lease_until=LEASE
        )

    async def in_each_state(self, store: Store) -> None:
        """Orders 1 to 5: failed, refused, uncertain, queued, accepted."""
        await self.commit(store, *[invite(at(n, 900)) for n in range(1, 6)])
        given = {
            "1": (Outcome.RETRY, State.FAILED),
            "2": (Outcome.REFUSED, State.REFUSED),
            "3": (Outcome.UNCERTAIN, State.UNCERTAIN),
            "4": (Outcome.RETRY, State.QUEUED),
            "5": (Outcome.ACCEPTED, State.ACCEPTED),
        }
        for claimed in await self.claim(store):
            assert claimed.order is not None
            await self.end(store, claimed, *given[claimed.order.order_id], due_at=50_000)


class LedgerConformance(LedgerSteps):
    # hold

    async def test_what_is_held_is_sent_at_its_time(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900), not_before=5000), invite(at(2, 900)))
        assert await self.states(store) == {"1": "held", "2": "queued"}
        assert [c.order and c.order.order_id for c in await self.claim(store, now=4999)] == ["2"]
        assert await store.next_due(1) == 5000
        assert [c.order and c.order.order_id for c in await self.claim(store, now=5000)] == ["1"]

    # cancel

    @pytest.mark.parametrize("together", [True, False])
    async def test_a_cancelled_order_is_not_invited(self, store: Store, together: bool) -> None:
        routes = [invite(at(1, 900), not_before=9000), takes_back(1, 950)]
        if together:
            done = await self.commit(store, *routes)
        else:
            done = [await self.commit(store, route) for route in routes][-1]
        assert done["invitation_cancelled"] == (2 if together else 1)
        (invitation,) = await store.invitations()
        assert (invitation.state, invitation.reason) == ("cancelled", "order_cancelled")
        assert await self.claim(store, now=99_000) == []

    async def test_a_cancellation_may_come_before_its_order(self, store: Store) -> None:
        assert await self.commit(store, takes_back(1, 950)) == {"cancelled_before_order": 1}
        assert await self.commit(store, invite(at(1, 900))) == {"invitation_cancelled": 1}
        assert await self.states(store) == {"1": "cancelled"}
        (event_view, _) = await store.events()
        assert "had been taken back: Order Cancelled" in event_view.message

    async def test_an_order_completed_again_after_its_cancellation_counts(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900)), takes_back(1, 950))
        assert await self.commit(store, invite(at(1, 940))) == {"duplicate_order": 1}
        assert await self.commit(store, invite(at(1, 960))) == {"invited": 1}
        assert await self.states(store) == {"1": "queued"}
        assert await self.commit(store, takes_back(1, 950)) == {"cancelled_too_late": 1}
        (claimed,) = await self.claim(store)
        assert claimed.order is not None and claimed.order.ordered_at == 960

    async def test_what_was_sent_cannot_be_taken_back(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900)))
        (claimed,) = await self.claim(store)
        assert await self.commit(store, takes_back(1, 950)) == {"cancelled_too_late": 1}
        await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        assert await self.commit(store, takes_back(1, 960)) == {"cancelled_too_late": 1}
        assert await self.states(store) == {"1": "accepted"}
        assert "came too late: invitation 1 is accepted" in (await store.events())[0].message

    async def test_what_is_cancelled_during_an_attempt_is_not_tried_again(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900)))
        (claimed,) = await self.claim(store)
        await self.commit(store, takes_back(1, 950))
        await self.end(store, claimed, Outcome.RETRY, State.QUEUED, due_at=3100)
        assert await self.states(store) == {"1": "cancelled"}

    async def test_only_a_full_refund_takes_the_invitation_back(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900, total=27.5)), invite(at(2, 900, total=27.5)))
        refunds = [takes_back(n, 950, 10.0, "Order Refunded") for n in (1, 2)]
        assert await self.commit(store, *refunds) == {"cancelled_in_part": 2}
        await self.commit(store, takes_back(1, 960, 27.5, "Order Refunded"))
        assert await self.states(store) == {"1": "cancelled", "2": "queued"}
        assert (await store.invitations(order_id="1"))[0].reason == "order_refunded"

    async def test_a_later_refund_of_a_part_takes_nothing_from_one_of_all(self, store: Store) -> None:
        refunds = [takes_back(1, at_, amount, "Order Refunded") for at_, amount in ((950, 27.5), (960, 5.0))]
        await self.commit(store, *refunds)
        assert await self.commit(store, invite(at(1, 900, total=27.5))) == {"invitation_cancelled": 1}

    # correct

    async def test_a_refused_order_that_comes_corrected_is_sent_again(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900)))
        (claimed,) = await self.claim(store)
        await self.end(store, claimed, Outcome.REFUSED, State.REFUSED)
        assert await self.commit(store, invite(at(1, 900))) == {"duplicate_order": 1}
        assert await self.commit(store, invite(at(1, 950, email="right@example.com"))) == {
            "corrected_order": 1
        }
        (again,) = await self.claim(store)
        assert again.order is not None
        assert (again.id, again.attempt, again.order.email) == (claimed.id, 2, "right@example.com")

    # once per customer

    async def test_a_customer_is_invited_once_in_a_while(self, store: Store) -> None:
        same = {"email": "Ann@example.com"}
        routes = [invite(at(n, 900, **same), once_per=5000) for n in (1, 2)]
        assert await self.commit(store, *routes) == {"invited": 1, "customer_invited_before": 1}
        other = invite(at(3, 900, email="ann@EXAMPLE.com"), once_per=5000)
        assert await self.commit(store, other, now=4000) == {"customer_invited_before": 1}
        assert "had invitation 1 for order 1" in (await store.events())[0].message
        later = invite(at(4, 900, **same), once_per=5000)
        assert await self.commit(store, later, now=7000) == {"invited": 1}
        rows = {i.order_id: (i.state, i.reason) for i in await store.invitations()}
        stood_back = ("cancelled", "customer_invited_before")
        assert rows == {"1": ("queued", None), "2": stood_back, "3": stood_back, "4": ("queued", None)}

    @pytest.mark.parametrize("together", [True, False], ids=["one batch", "batches"])
    async def test_an_order_is_invited_if_the_one_it_stood_back_for_is_cancelled(
        self, store: Store, together: bool
    ) -> None:
        same = {"email": "ann@example.com"}
        routes = [invite(at(n, 900, **same), once_per=5000, not_before=9000) for n in (1, 2, 3)]
        routes.append(takes_back(1, 950))
        if together:
            done = await self.commit(store, *routes)
            assert done == {"invited": 1, "customer_invited_before": 1, "invitation_cancelled": 2}
        else:
            for route in routes:
                await self.commit(store, route)
        assert await self.states(store) == {"1": "cancelled", "2": "held", "3": "cancelled"}
        assert "invitation 1, for which it had to stand back, was cancelled" in str(
            [e.message for e in await store.events()]
        )
        assert await self.claim(store, now=8000) == []
        assert [c.order and c.order.order_id for c in await self.claim(store, now=9001)] == ["2"]
        # What is sent cannot be cancelled any more: the third stays where it is.
        assert await self.commit(store, takes_back(2, 950)) == {"cancelled_too_late": 1}
        assert await self.states(store) == {"1": "cancelled", "2": "sending", "3": "cancelled"}

    async def test_who_stood_back_and_is_cancelled_itself_lets_the_next_one_step_forward(
        self, store: Store
    ) -> None:
        same = {"email": "ann@example.com"}
        for n in (1, 2, 3):
            await self.commit(store, invite(at(n, 900, **same), once_per=5000))
        assert await self.commit(store, takes_back(2, 950)) == {"invitation_cancelled": 1}
        await self.commit(store, takes_back(1, 950))
        assert await self.states(store) == {"1": "cancelled", "2": "cancelled", "3": "queued"}
        assert {i.order_id: i.reason for i in await store.invitations()}["2"] == "order_cancelled"

    async def test_who_cancels_by_hand_lets_the_next_one_step_forward(self, store: Store) -> None:
        same = {"email": "ann@example.com"}
        for n in (1, 2):
            await self.commit(store, invite(at(n, 900, **same), once_per=5000))
        await store.decide(Decided.CANCEL, decision=1, after=0, limit=9, now=2000, order_id="1")
        assert await self.states(store) == {"1": "cancelled", "2": "queued"}
        assert (await store.events())[0].disposition == "invited"
        assert await self.commit(store, invite(at(3, 900, **same), once_per=5000), now=6500) == {
            "customer_invited_before": 1  # it counts from when it was made
        }

    async def test_an_order_that_stood_back_is_invited_when_it_comes_again_later(self, store: Store) -> None:
        same = {"email": "ann@example.com"}
        for n in (1, 2):
            await self.commit(store, invite(at(n, 900, **same), once_per=5000))
        again = invite(at(2, 900, **same), once_per=5000)
        assert await self.commit(store, again, now=5000) == {"customer_invited_before": 1}
        assert await self.commit(store, again, now=6500) == {"invited": 1}
        assert await self.commit(store, again, now=6600) == {"duplicate_order": 1}
        assert await self.states(store) == {"1": "queued", "2": "queued"}

    async def test_rules_of_today_invite_who_stood_back(self, store: Store) -> None:
        same = {"email": "ann@example.com"}
        routes = [invite(at(n, 900, **same), once_per=5000) for n in (1, 2)]
        await self.commit(store, *routes)
        events = [routed(n, invite(at(n, 900, **same))) for n in (1, 2)]
        done = await store.replay(events, 2000, dry=False)
        assert (done.dispositions, done.kept) == ({"invited": 1}, 1)
        assert await self.states(store) == {"1": "queued", "2": "queued"}
        await self.commit(store, takes_back(1, 950))
        assert await self.states(store) == {"1": "cancelled", "2": "queued"}

    async def test_who_has_had_an_invitation_stands_back_for_good(self, store: Store) -> None:
        same = {"email": "ann@example.com"}
        await self.commit(store, invite(at(1, 900, **same)))
        (claimed,) = await self.claim(store)
        await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        other = invite(at(2, 900, **same), once_per=5000)
        assert await self.commit(store, other) == {"customer_invited_before": 1}
        assert await self.states(store) == {"1": "accepted"}

    # fairness

    async def test_the_backlog_of_one_source_does_not_hold_up_another(self, store: Store) -> None:
        await self.commit(store, *[invite(at(n, 900)) for n in range(1, 9)], source_id=1)
        await self.commit(store, invite(at(100, 900)), now=1500, source_id=2)
        claimed = await self.claim(store, limit=4)
        assert "100" in [c.order and c.order.order_id for c in claimed]
        assert len(claimed) == 4
        assert len(await self.claim(store, limit=100)) == 5

    # calls

    async def test_a_call_is_passed_on_once_and_is_no_invitation(self, store: Store) -> None:
        call = draft(order(1), what=What.IDENTIFY, key="m1", order=None, call=b'{"type":"identify"}')
        passed = Route(1, dispositions.PASSED_ON, None, call)
        assert await self.commit(store, passed) == {"passed_on": 1}
        (claimed,) = await self.claim(store)
        assert (claimed.what, claimed.order, claimed.call) == (What.IDENTIFY, None, '{"type":"identify"}')
        assert await store.invitations() == []
        assert [i.order_id for i in await store.invitations(what="identify")] == ["m1"]
        await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        await store.prune(99_000)
        assert await store.invitations(what="identify") == []

    # decisions

    @pytest.mark.parametrize(
        ("decided", "selection", "changed"),
        [
            (Decided.RETRY, {}, {"1": "queued", "2": "queued"}),
            (Decided.RETRY, {"state": "failed"}, {"1": "queued"}),
            (Decided.RETRY, {"order_id": "2"}, {"2": "queued"}),
            (Decided.RETRY, {"state": "queued"}, {"4": "queued"}),
            (Decided.RETRY, {"state": "uncertain"}, {}),
            (Decided.RETRY, {"state": "accepted"}, {}),
            (Decided.CANCEL, {}, {"1": "cancelled", "2": "cancelled", "4": "cancelled"}),
            (Decided.CANCEL, {"destination": "second"}, {}),
            (Decided.SENT, {}, {"3": "accepted"}),
            (Decided.NOT_SENT, {}, {"3": "queued"}),
            (Decided.DROP, {"email": "Customer3@example.com"}, {"3": "cancelled"}),
            (Decided.DROP, {"email": "customer4@example.com"}, {}),
        ],
    )
    async def test_what_a_person_decides(
        self, store: Store, decided: Decided, selection: Any, changed: dict[str, str]
    ) -> None:
        await self.in_each_state(store)
        before = await self.states(store)
        done: list[int] = []
        while found := await store.decide(
            decided, decision=1, after=done[-1] if done else 0, limit=1, now=9000, **selection
        ):
            done += found
        assert len(done) == len(changed)
        assert await self.states(store) == before | changed
        for order_id in changed:
            (row,) = await store.invitations(order_id=order_id)
            assert "by hand" in (row.message or "") and row.due_at == 9000

    async def test_a_retry_starts_a_new_window(self, store: Store) -> None:
        await self.in_each_state(store)
        await store.decide(Decided.RETRY, decision=1, after=0, limit=10, now=9000)
        assert {c.first_attempt_at for c in await self.claim(store, now=9500)} == {9500}

    async def test_counts_by_state(self, store: Store) -> None:
        await self.in_each_state(store)
        assert await store.count() == dict.fromkeys(
            ["failed", "refused", "uncertain", "queued", "accepted"], 1
        )
        assert await store.count(since=1001) == {}
        assert await store.count(until=1001, source="shop", state="failed") == {"failed": 1}

    async def test_counts_by_whatever_is_selected(self, store: Store) -> None:
        await self.in_each_state(store)
        selections: list[Any] = [
            {"order_id": "3"},
            {"email": "customer3@example.com"},
            {"state": "uncertain"},
        ]
        for selection in selections:
            assert await store.count(**selection) == {"uncertain": 1}
        assert await store.count(state="queued", destination="trustpilot") == {"queued": 1}
        assert await store.count(state="queued", destination="second") == {}

    async def test_what_was_taken_back_while_it_was_uncertain_is_not_sent_again(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900)))
        (claimed,) = await self.claim(store)
        await self.end(store, claimed, Outcome.UNCERTAIN, State.UNCERTAIN)
        assert await self.commit(store, takes_back(1, 950)) == {"cancelled_too_late": 1}
        assert await store.decide(Decided.NOT_SENT, decision=1, after=0, limit=10, now=4000) == [claimed.id]
        assert await self.states(store) == {"1": "cancelled"}

    # forget

    @pytest.mark.parametrize(
        ("outcome", "state", "then"),
        [
            (Outcome.ACCEPTED, State.ACCEPTED, "accepted"),
            (Outcome.RETRY, State.QUEUED, "cancelled"),
            (Outcome.RETRY, State.FAILED, "cancelled"),
            (Outcome.UNCERTAIN, State.UNCERTAIN, "cancelled"),
        ],
    )
    async def test_who_is_forgotten_during_an_attempt_is_not_tried_again(
        self, store: Store, outcome: Outcome, state: State, then: str
    ) -> None:
        await self.commit(store, invite(at(1, 900)))
        (claimed,) = await self.claim(store)
        await store.forget("customer1@example.com", now=2500)
        await self.end(store, claimed, outcome, state)
        assert await self.states(store) == {"1": then}

    async def test_a_person_is_forgotten_and_the_order_still_has_its_invitation(self, store: Store) -> None:
        same = {"email": "ann@example.com", "name": "Ann Secret"}
        await self.commit(store, *[invite(at(n, 900, **same)) for n in (1, 2)], invite(at(3, 900)))
        (claimed, *_) = await self.claim(store, limit=1)
        await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        done = await store.forget("ANN@example.com", now=4000)
        assert (done.deliveries, done.cancelled, done.told) == (2, 1, [1])
        assert await self.states(store) == {"1": "accepted", "2": "cancelled", "3": "queued"}
        assert all(i.order and not i.order.name for i in await store.invitations() if i.order_id != "3")
        assert await store.invitations(email="ann@example.com") == []

    async def test_later_events_of_who_was_forgotten_make_nothing(self, store: Store) -> None:
        its = invite(at(1, 900, email="Ann@example.com"))
        call = Route(
            1, dispositions.PASSED_ON, None, Draft(What.IDENTIFY, "m9", call=b"{}", email="ann@EXAMPLE.com")
        )
        await store.forget("ann@example.com", now=1500)
        await store.forget("ann@example.com", now=1600)
        done = await self.commit(store, its, invite(at(2, 900)), call)
        assert done == {"customer_forgotten": 2, "invited": 1}
        assert await self.states(store) == {"2": "queued"} and len(await self.claim(store)) == 1
        assert (await store.foresee([routed(77, its)], 2000)).dispositions == {"customer_forgotten": 1}
        (_, _, first) = await store.events()
        assert "the customer asked to be forgotten" in first.message

        assert await store.allow("Nobody@example.com") is False
        assert await store.allow("ANN@example.com") is True
        assert await store.allow("ann@example.com") is False
        assert await self.commit(store, its) == {"invited": 1}

    async def test_who_stood_back_and_was_forgotten_steps_forward_no_more(self, store: Store) -> None:
        same = {"email": "ann@example.com"}
        for n in (1, 2):
            await self.commit(store, invite(at(n, 900, **same), once_per=5000))
        await store.forget("ann@example.com", now=2000)
        await self.commit(store, takes_back(1, 950))
        assert await self.states(store) == {"1": "cancelled", "2": "cancelled"}
        assert await self.claim(store) == []

    # replay

    async def test_replayed_events_make_what_they_did_not_and_nothing_twice(self, store: Store) -> None:
        await store.commit(
            0, 0, 1, [event(1, 0, orders={1: order(1)}), event(1, 1, codes={1: "NO_MATCHING_MAPPING"})], 1000
        )
        again = [
            event(1, 0, orders={1: order(1)}),
            event(1, 1, orders={1: order(2)}),
            event(1, 2, orders={1: order(3)}),
        ]
        dry = await store.replay(again, 2000, dry=True)
        assert (dry.dispositions, dry.made, dry.kept) == ({"invited": 1}, {1: 1}, 1)
        assert len(await store.invitations()) == 1
        await store.replay(again, 2000, dry=False)
        assert sorted(i.order_id for i in await store.invitations()) == ["1", "2"]
        assert [e.disposition for e in await store.events()] == ["invited", "invited"]
        done = await store.replay(again, 3000, dry=False)
        assert (done.dispositions, done.made, done.kept) == ({}, {}, 2)

    async def test_a_replay_leaves_alone_what_an_event_has_made(self, store: Store) -> None:
        same = {"email": "ann@example.com"}
        await self.commit(store, *[invite(at(n, 900, **same)) for n in (1, 2)])
        filtered = [routed(n, Route(1, dispositions.FILTERED_BY_RULES)) for n in (1, 2)]
        unconnected = [e._replace(routes=[], disposition=dispositions.NO_DESTINATION) for e in filtered]
        once = [routed(n, invite(at(n, 900, **same), once_per=5000)) for n in (1, 2)]
        for rules in (filtered, unconnected, once):
            done = await store.replay(rules, 2000, dry=False)
            assert (done.dispositions, done.made, done.kept) == ({}, {}, 2)
            assert [e.disposition for e in await store.events()] == ["invited", "invited"]

    async def test_a_replay_does_not_bring_back_what_was_taken_back(self, store: Store) -> None:
        await self.commit(store, takes_back(1, 950), invite(at(1, 900)))
        events = [routed(1, takes_back(1, 950)), routed(2, invite(at(1, 900)))]
        for _ in range(2):
            assert (await store.replay(events, 2000, dry=False)).made == {}
        assert await self.states(store) == {"1": "cancelled"}
        assert (await store.events())[0].disposition == "invitation_cancelled"

    async def test_only_what_has_a_disposition_is_replayed(self, store: Store) -> None:
        await self.commit(store, Route(1, "NO_MATCHING_MAPPING"), Route(1, "FILTERED_BY_RULES"))
        events = [routed(n, invite(at(n, 900))) for n in (1, 2)]
        await store.replay(events, 2000, dry=False, disposition="FILTERED_BY_RULES")
        assert await self.states(store) == {"2": "queued"}

    async def test_what_events_would_come_to_is_foreseen_and_leaves_nothing(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900)))
        events = [routed(900 + n, invite(at(n, 900))) for n in (1, 2)]
        done = await store.foresee(events, 2000)
        assert (done.dispositions, done.made) == ({"duplicate_order": 1, "invited": 1}, {1: 1})
        assert await self.states(store) == {"1": "queued"} and len(await store.events()) == 1

    async def test_events_whose_bodies_have_gone_are_counted(self, store: Store) -> None:
        await self.commit(store, *[invite(at(n, 900)) for n in range(1, 6)])
        assert await store.older_events(0, 4, 0, 9999) == 3
        assert await store.older_events(0, 4, 1001, 9999) == await store.older_events(1, 4, 0, 9999) == 0
