"""What every `Store` makes of undoing a decision: what nothing has happened to since is as it was, the rest stays.

Subclass `UndoConformance` and override the fixture `opened`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from conformance.ledger import LEASE, ME, LedgerSteps, at, invite, takes_back
from conformance.rows import SETTINGS, draft, order, wanted
from moving.installations import profiles
from plaudit.destinations.base import Outcome, State, What
from plaudit.spec import dispositions
from plaudit.store.base import BY_HAND, UNREACHABLE, Route, Store, Wanted
from plaudit.store.decisions import Decided
from plaudit.store.undoing import Left

Messages = Callable[[], list[str | None]]
DECIDED, UNDONE = 9000, 9500
SAME = {"email": "ann@example.com"}


def once(per: str = "5 s") -> Wanted:
    """With `once_per` in the settings of `trustpilot`."""
    given = wanted()
    kind, settings, sources = given.destinations["trustpilot"]
    given.destinations["trustpilot"] = (kind, settings | {"once_per": per}, sources)
    return given


class UndoConformance(LedgerSteps):
    @pytest.fixture
    def messages(self) -> Messages:
        """The messages that decisions keep, as they are on disk."""
        raise NotImplementedError

    async def decide(
        self, store: Store, decided: Decided, decision: int = 7, now: int = DECIDED, **selection: Any
    ) -> list[int]:
        return await store.decide(decided, decision=decision, after=0, limit=99, now=now, **selection)

    async def undo(
        self, store: Store, decision: int = 7, now: int = UNDONE, limit: int = 99, **how: Any
    ) -> tuple[dict[int, str], dict[int, str]]:
        """All of it; what came back and what did not."""
        back: dict[int, str] = {}
        left: dict[int, str] = {}
        after = 0
        while (
            done := await store.undo(decision, after=after, limit=limit, now=now, **{"dry": False, **how})
        ).last:
            assert len(done.restored) + len(done.left) <= limit
            back |= done.restored
            left |= done.left
            after = done.last
        return back, left

    async def one(self, store: Store, outcome: Outcome, state: State, **changes: Any) -> int:
        """An order whose attempt ended so; its id."""
        await self.commit(store, invite(at(1, 900, **changes)))
        (claimed,) = await self.claim(store)
        await self.end(store, claimed, outcome, state, due_at=50_000)
        return claimed.id

    @pytest.mark.parametrize("limit", [1, 99], ids=["portions", "at once"])
    @pytest.mark.parametrize(
        ("decided", "selection", "touched"),
        [
            (Decided.RETRY, {}, 2),
            (Decided.RETRY, {"state": "queued"}, 1),
            (Decided.CANCEL, {}, 3),
            (Decided.SENT, {}, 1),
            (Decided.NOT_SENT, {}, 1),
            (Decided.DROP, {}, 1),
        ],
    )
    async def test_all_is_as_it_was(
        self, store: Store, decided: Decided, selection: Any, touched: int, limit: int
    ) -> None:
        await self.in_each_state(store)
        before = await store.invitations()
        ids = await self.decide(store, decided, **selection)
        assert len(ids) == touched and await store.invitations() != before
        kept = await store.decision(7)
        assert kept is not None
        assert (kept.decided, kept.at, kept.deliveries, kept.undone) == (decided, DECIDED, touched, 0)

        dry = await self.undo(store, dry=True, limit=limit)
        back, left = await self.undo(store, limit=limit)
        assert dry == (back, left) and sorted(back) == ids and left == {}
        after = await store.invitations()
        assert [i.updated_at for i in after if i.id in ids] == [UNDONE] * touched
        for row in [*before, *after]:
            row.updated_at = 0
        assert after == before
        assert await self.undo(store) == ({}, {})
        kept = await store.decision(7)
        assert kept is not None and kept.undone == touched

    async def test_the_retry_window_is_the_one_that_it_was(self, store: Store) -> None:
        await self.one(store, Outcome.RETRY, State.QUEUED)
        await self.decide(store, Decided.CANCEL)
        await self.undo(store)
        assert await self.claim(store, now=49_999) == []
        assert [c.first_attempt_at for c in await self.claim(store, now=50_000)] == [2000]

    async def test_what_is_held_is_held_again(self, store: Store) -> None:
        await self.commit(store, invite(at(1, 900), not_before=20_000))
        await self.decide(store, Decided.RETRY, state="held")
        await self.undo(store)
        assert await self.states(store) == {"1": "held"}
        assert await self.claim(store, now=19_999) == [] and len(await self.claim(store, now=20_000)) == 1

    @pytest.mark.parametrize(
        ("outcome", "then"),
        [(None, "sending"), (Outcome.ACCEPTED, "accepted"), (Outcome.REFUSED, "refused")],
    )
    async def test_what_was_sent_since_stays(self, store: Store, outcome: Outcome | None, then: str) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, Decided.RETRY)
        (claimed,) = await self.claim(store, now=9100)
        if outcome:
            await self.end(store, claimed, outcome, State(then))
        assert await self.undo(store) == ({}, {id_: Left.TRIED})
        assert await self.states(store) == {"1": then}

    async def test_what_was_claimed_and_given_back_stays(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, Decided.RETRY)
        await store.release(await self.claim(store, now=DECIDED), ME, DECIDED)
        assert await self.undo(store) == ({}, {id_: Left.TRIED})

    async def test_only_one_of_them(self, store: Store) -> None:
        await self.in_each_state(store)
        await self.decide(store, Decided.CANCEL)
        assert await self.undo(store, only=2) == ({2: "refused"}, {})
        assert {k: v for k, v in (await self.states(store)).items() if k in "124"} == {
            "1": "cancelled",
            "2": "refused",
            "4": "cancelled",
        }
        assert await self.undo(store, only=2) == ({}, {})
        assert await self.undo(store) == ({1: "failed", 4: "queued"}, {})

    async def test_the_last_decision_is_undone_first(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, Decided.RETRY, 7)
        await self.decide(store, Decided.CANCEL, 8, now=DECIDED)  # in the same millisecond
        assert await self.undo(store, 7) == ({}, {id_: Left.DECIDED})
        assert await self.undo(store, 8) == ({id_: "queued"}, {})
        assert await self.undo(store, 7) == ({id_: "failed"}, {})

    async def test_a_decision_made_twice_alike_is_two(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, Decided.RETRY, 7)
        await self.decide(store, Decided.RETRY, 8, now=DECIDED, state="queued")
        assert await self.undo(store, 7) == ({}, {id_: Left.DECIDED})
        assert await self.undo(store, 8) == ({id_: "queued"}, {})

    async def test_a_portion_that_is_done_again_keeps_what_was_before_the_first(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.QUEUED)
        await self.decide(store, Decided.RETRY, state="queued")
        await self.decide(store, Decided.RETRY, state="queued")
        await self.undo(store)
        row = await store.invitation(id_)
        assert row is not None and row.due_at == 50_000

    async def test_what_was_decided_is_told(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, Decided.RETRY, 7)
        await self.decide(store, Decided.CANCEL, 8, now=9100)

        async def told() -> list[tuple[int, str, int, str, int | None, bool]]:
            return [
                (d.decision, d.decided, d.at, d.was, d.undone_at, d.open) for d in await store.decisions(id_)
            ]

        assert await told() == [
            (7, "retry", DECIDED, "failed", None, False),
            (8, "cancel", 9100, "queued", None, True),
        ]
        await self.undo(store, 8)
        assert await told() == [
            (7, "retry", DECIDED, "failed", None, True),
            (8, "cancel", 9100, "queued", UNDONE, False),
        ]
        assert await store.decisions(999) == [] and await store.decision(999) is None

    # orders that were taken back

    @pytest.mark.parametrize("decided", [Decided.CANCEL, Decided.RETRY])
    async def test_an_order_that_was_taken_back_meanwhile_stays_cancelled(
        self, store: Store, decided: Decided
    ) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, decided)
        await self.commit(store, takes_back(1, 950), now=9200)
        assert await self.undo(store) == ({}, {id_: Left.TAKEN_BACK})
        row = await store.invitation(id_)
        assert row is not None and (row.state, row.reason) == ("cancelled", "order_cancelled")
        assert await self.claim(store, now=99_000) == []

    async def test_what_is_uncertain_again_stays_uncertain(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.UNCERTAIN, State.UNCERTAIN)
        await self.decide(store, Decided.NOT_SENT)
        assert await self.undo(store) == ({id_: "uncertain"}, {})
        await self.decide(store, Decided.SENT, 8)
        await self.commit(store, takes_back(1, 950), now=9200)
        assert await self.undo(store, 8) == ({id_: "uncertain"}, {})
        assert await self.claim(store, now=99_000) == []

    async def test_an_order_that_was_completed_again_stays(self, store: Store) -> None:
        id_ = await self.one(store, Outcome.REFUSED, State.REFUSED)
        await self.decide(store, Decided.CANCEL, 6, now=8000)
        await self.undo(store, 6, now=8100)
        await self.decide(store, Decided.CANCEL, 7)
        again = {"email": "right@example.com"}
        assert await self.commit(store, invite(at(1, 950, **again)), now=9200) == {"duplicate_order": 1}
        assert await self.undo(store) == ({id_: "refused"}, {})
        assert await self.commit(store, invite(at(1, 950, **again)), now=9600) == {"corrected_order": 1}
        assert await self.undo(store, 6) == ({}, {})

    # what is blocked

    async def _blocked(self, store: Store) -> int:
        id_ = await self.one(store, Outcome.BLOCKED, State.BLOCKED)
        await store.pause(1, "key_unknown", "no", now=2500)
        await self.decide(store, Decided.CANCEL)
        return id_

    @pytest.mark.parametrize("by_hand", [False, True])
    async def test_what_was_blocked_is_blocked_as_long_as_its_destination_stands_still(
        self, store: Store, by_hand: bool
    ) -> None:
        id_ = await self._blocked(store)
        if by_hand:
            await store.pause(1, BY_HAND, "wait", now=2600)
        assert await self.undo(store) == ({id_: "blocked"}, {})
        row = await store.invitation(id_)
        assert row is not None and (row.reason, row.message) == ("reason", "message")
        assert await self.claim(store, now=99_000) == []
        await store.resume(1, None)
        assert await store.unblock(1, now=9900) == 1  # what a lane does that starts
        assert len(await self.claim(store, now=9900)) == 1

    @pytest.mark.parametrize("pause", [None, UNREACHABLE])
    async def test_what_was_blocked_goes_out_if_its_destination_has_gone_on(
        self, store: Store, pause: str | None
    ) -> None:
        id_ = await self._blocked(store)
        await store.apply(wanted(), now=9100)
        await store.unblock(1, now=9100)
        if pause:
            await store.pause(1, pause, "nothing got through", now=9200)
        assert await self.undo(store) == ({id_: "queued"}, {})
        (claimed,) = await self.claim(store, now=UNDONE)
        assert claimed.first_attempt_at == UNDONE
        assert (await store.decisions(id_))[0].undone_at == UNDONE

    async def test_what_was_blocked_where_nothing_is_configured_any_more_waits(self, store: Store) -> None:
        id_ = await self._blocked(store)
        await store.apply(wanted(destinations={"second": ("trustpilot", SETTINGS, ["app"])}), now=9100)
        assert await self.undo(store) == ({id_: "blocked"}, {})

    # once per customer

    async def _one_stands_back(self, store: Store, **held: int) -> None:
        await store.apply(once(), now=600)
        for number in (1, 2):
            await self.commit(store, invite(at(number, 900, **SAME), once_per=5000, **held), now=8000)

    @pytest.mark.parametrize("sent", [False, True])
    async def test_who_has_another_invitation_instead_is_not_invited_twice(
        self, store: Store, sent: bool
    ) -> None:
        await self._one_stands_back(store)
        await self.decide(store, Decided.CANCEL, order_id="1")
        assert await self.states(store) == {"1": "cancelled", "2": "queued"}
        if sent:
            (claimed,) = await self.claim(store, now=9100)
            await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        assert await self.undo(store) == ({}, {1: Left.INVITED})
        assert (await self.states(store))["1"] == "cancelled"

    async def test_who_has_surely_no_other_invitation_is_invited(self, store: Store) -> None:
        await self._one_stands_back(store)
        await self.decide(store, Decided.CANCEL, order_id="1")
        await self.commit(store, takes_back(2, 950), now=9100)
        assert await self.undo(store) == ({1: "queued"}, {})
        assert await self.states(store) == {"1": "queued", "2": "cancelled"}

    @pytest.mark.parametrize("limit", [1, 99])
    async def test_of_two_that_one_decision_cancelled_one_comes_back(self, store: Store, limit: int) -> None:
        await self._one_stands_back(store)
        assert await self.decide(store, Decided.CANCEL) == [1]
        assert await self.decide(store, Decided.CANCEL) == [2]  # it has stepped forward
        back, left = await self.undo(store, limit=limit)
        assert (back, left) == ({1: "queued"}, {2: Left.INVITED})

    async def test_a_new_order_of_the_customer_counts_too(self, store: Store) -> None:
        await store.apply(once(), now=600)
        await self.commit(store, invite(at(1, 900, **SAME), once_per=5000), now=8000)
        await self.decide(store, Decided.CANCEL)
        other = {"email": "ANN@example.com"}
        await self.commit(store, invite(at(2, 900, **other), once_per=5000), now=9100)
        assert await self.undo(store) == ({}, {1: Left.INVITED})

    async def test_an_invitation_of_long_ago_does_not_count(self, store: Store) -> None:
        await store.apply(once(), now=600)
        await self.commit(store, invite(at(1, 900, **SAME)))
        (claimed,) = await self.claim(store)
        await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        await self.commit(store, invite(at(2, 900, **SAME), once_per=5000), now=7000)
        await self.decide(store, Decided.CANCEL)
        assert await self.undo(store) == ({2: "queued"}, {})

    async def test_without_once_per_each_order_has_its_invitation(self, store: Store) -> None:
        for number in (1, 2):
            await self.commit(store, invite(at(number, 900, **SAME)))
        await self.decide(store, Decided.CANCEL)
        assert await self.undo(store) == ({1: "queued", 2: "queued"}, {})

    async def test_another_customer_does_not_count(self, store: Store) -> None:
        await store.apply(once(), now=600)
        for number in (1, 2):
            await self.commit(store, invite(at(number, 900), once_per=5000))
        await self.decide(store, Decided.CANCEL, order_id="1")
        assert await self.undo(store) == ({1: "queued"}, {})

    # calls

    async def test_a_call_comes_back_and_may_age_out(self, store: Store) -> None:
        call = draft(order(1), what=What.IDENTIFY, key="m1", order=None, call=b"{}")
        for decision, key in ((7, "m1"), (8, "m2")):
            its = Route(1, dispositions.PASSED_ON, None, msgspec.structs.replace(call, key=key))
            await self.commit(store, its)
            await self.decide(store, Decided.CANCEL, decision, what="identify", order_id=key)
        assert await self.undo(store, 7) == ({1: "queued"}, {})
        (claimed,) = await self.claim(store)
        await self.end(store, claimed, Outcome.ACCEPTED, State.ACCEPTED)
        await store.prune(DECIDED)  # the calls, but not yet what was decided then
        await self.decide(store, Decided.CANCEL, 9, what="identify")
        assert await store.decision(8) is not None

    async def test_a_value_that_was_told_anew_is_not_told_again(self, store: Store) -> None:
        """As the calls of audiences are named; that no value is known of is as if another one were the last."""
        call = draft(order(1), what=What.IDENTIFY, key="1/2/3/0", order=None, call=b"{}")
        await self.commit(store, Route(1, dispositions.PASSED_ON, None, call))
        await self.decide(store, Decided.CANCEL, what="identify")
        assert await self.undo(store) == ({}, {1: Left.SUPERSEDED})

    async def test_a_value_that_was_told_last_is_told_again(self, store: Store) -> None:
        await profiles(store)
        waiting = [i.id for i in await store.invitations(what="identify", state="queued")]
        assert len(waiting) > 5
        assert len(await self.decide(store, Decided.CANCEL, what="identify")) == len(waiting)
        back, left = await self.undo(store, limit=5)
        assert (sorted(back), set(back.values()), left) == (sorted(waiting), {"queued"}, {})

    # forget and prune

    async def test_who_was_forgotten_stays_so_and_nothing_is_kept_of_them(
        self, store: Store, messages: Messages
    ) -> None:
        id_ = await self.one(store, Outcome.RETRY, State.FAILED)
        await self.decide(store, Decided.RETRY, 6, now=8000)
        await self.decide(store, Decided.CANCEL, 7)
        await store.forget("customer1@example.com", now=9200)
        for decision in (7, 6):
            _, left = await self.undo(store, decision)
            assert left in ({id_: Left.FORGOTTEN}, {id_: Left.DECIDED})
        assert await self.states(store) == {"1": "cancelled"}
        assert messages() == [None, None]

    async def test_what_is_kept_ages_out(self, store: Store) -> None:
        await self.in_each_state(store)
        await self.decide(store, Decided.RETRY, 7)
        await self.decide(store, Decided.SENT, 8, now=9100)
        await store.prune(9100)
        assert await store.decision(7) is None
        assert await self.undo(store, 7) == ({}, {})
        assert await self.undo(store, 8) == ({3: "uncertain"}, {})
        await store.prune(LEASE)
        assert await store.decisions(3) == []
