"""What people look at, in every `Store`: pages of lists, counts of what happened, pauses by hand.

Subclass `ViewsConformance` and override the fixture `opened`.
"""

from __future__ import annotations

from typing import Any

import pytest

from conformance.opened import OfStore
from conformance.rows import draft, ended, event, order, wanted
from plaudit.destinations.base import Outcome, State, What
from plaudit.spec import dispositions
from plaudit.store.base import BY_HAND, Route, Store
from plaudit.store.decisions import Decided
from plaudit.store.tallies import DAY_MS, HOUR_MS, Tallied, bucket, quantile

ME = "me"
LEASE = 10 * DAY_MS
SELECTIONS: list[dict[str, Any]] = [
    {},
    {"state": "queued"},
    {"state": "refused"},
    {"state": "accepted"},
    {"state": "cancelled"},
    {"state": "sending"},
    {"since": 1000, "until": 1004},
    {"since": 1002, "state": "queued"},
    {"destination": "second"},
    {"state": "refused", "destination": "trustpilot", "reason": "reason"},
    {"email": "customer3@example.com"},
    {"order_id": "3"},
    {"source": "shop", "until": 1003},
    {"source": "shop"},
    {"source": "shop", "destination": "second", "state": "queued"},
    {"reason": "reason"},
    {"reason": "by_hand", "source": "shop"},
    {"reason": "accepted"},
]


class ViewsConformance(OfStore):
    async def fill(self, store: Store) -> None:
        """30 invitations at two destinations, in five states, made at five times, a third of them of a source that is gone."""
        for batch in range(5):
            events = [
                event(
                    batch + 1,
                    n,
                    orders={1: order(batch * 3 + n), 2: order(batch * 3 + n)},
                    received_at=1000,
                    source_id=1 + n // 2,
                )
                for n in range(3)
            ]
            await store.commit(0, batch, batch + 1, events, now=1000 + batch)
        claimed = await store.turn(1, [], 9, ME, now=2000, lease_until=LEASE)
        states = [State.REFUSED, State.ACCEPTED, State.QUEUED, State.REFUSED, State.ACCEPTED, State.REFUSED]
        ends = [ended(c, Outcome.REFUSED, s, due_at=9000) for c, s in zip(claimed, states, strict=False)]
        ends[1] = ends[1]._replace(reason="accepted")
        await store.turn(1, ends, 0, ME, now=2100, lease_until=LEASE)
        await store.decide(Decided.CANCEL, decision=1, after=0, limit=4, now=2200, destination="second")

    @pytest.mark.parametrize("selection", SELECTIONS, ids=str)
    async def test_pages_of_a_list_are_the_list(self, store: Store, selection: dict[str, Any]) -> None:
        await self.fill(store)
        whole = [i.id for i in await store.invitations(**selection)]
        assert whole
        pages: list[int] = []
        before: int | None = None
        while page := await store.invitations(limit=2, before=before, **selection):
            assert len(page) <= 2
            pages += [i.id for i in page]
            before = pages[-1]
        assert pages == whole == sorted(whole, reverse=True)
        assert sum((await store.count(**selection)).values()) == len(whole)
        plain = {key: value for key, value in selection.items() if key not in ("since", "until", "email")}
        every = await store.invitations()
        matching = {i.id for i in every if all(getattr(i, key) == value for key, value in plain.items())}
        assert matching >= set(whole) and (plain != selection or matching == set(whole))

    async def test_what_waits_is_counted_up_to_a_number(self, store: Store) -> None:
        await self.fill(store)
        assert await store.waiting(1, 100) == {"queued": 7, "sending": 3}
        assert await store.waiting(2, 5) == {"queued": 5, "sending": 0}
        assert await store.waiting(9, 5) == {"sending": 0}

    async def test_one_by_its_id(self, store: Store) -> None:
        await self.fill(store)
        for each in await store.invitations():
            assert await store.invitation(each.id) == each
        assert await store.invitation(10_000) is None

    async def test_pages_of_events(self, store: Store) -> None:
        await self.fill(store)
        whole = await store.events()
        assert len(whole) == 15
        pages = await store.events(limit=9)
        pages += await store.events(limit=9, before=pages[-1].id)
        assert pages == whole
        (one,) = await store.events(order_id="3")
        assert one.order_id == "3" and await store.event(one.id) == one
        assert await store.events(order_id="3", before=one.id) == []
        assert await store.event(1) is None
        invited = await store.events(disposition="invited", limit=9)
        invited += await store.events(disposition="invited", limit=9, before=invited[-1].id)
        assert invited == whole
        both = await store.events(disposition=("invited", "duplicate_order"), limit=9)
        assert both == whole[:9]
        assert await store.events(disposition="invited", orders=True) == whole
        shop = await store.events(disposition="invited", source="shop")
        assert shop == [each for each in whole if each.source == "shop"] and 0 < len(shop) < len(whole)
        assert await store.events(disposition="duplicate_order") == []

    async def test_events_by_several_dispositions_and_those_of_orders(self, store: Store) -> None:
        kinds = ("bad_request", "MESSAGE_REJECTED", "NO_MATCHING_MAPPING")
        batch = [
            event(1, n, orders={1: order(n)} if n % 4 == 3 else None, codes={1: kinds[1]} if n % 4 == 1 else None,
                  disposition=None if n % 4 in (1, 3) else kinds[n % 4], refused=n % 4 == 0)
            for n in range(20)
        ]  # fmt: skip
        await store.commit(0, 0, 1, batch, now=1000)
        of = {code: await store.events(disposition=code) for code in kinds}
        assert [len(each) for each in of.values()] == [5, 5, 5]
        refused = sorted((*of["bad_request"], *of["MESSAGE_REJECTED"]), key=lambda each: -each.id)
        assert await store.events(disposition=kinds[:2]) == refused
        assert await store.events(disposition=set(kinds[:2]), source="shop") == refused
        pages = await store.events(disposition=kinds[:2], limit=3)
        pages += await store.events(disposition=kinds[:2], before=pages[-1].id)
        assert pages == refused
        orders = await store.events(orders=True)
        assert [each.order_id for each in orders] == ["19", "15", "11", "7", "3"]
        assert await store.events(orders=True, limit=2, before=orders[0].id) == orders[1:3]
        assert await store.events(orders=True, disposition=kinds) == []
        assert await store.events(disposition=()) == []

    async def test_what_happens_is_counted_by_the_hour_and_by_the_day(self, store: Store) -> None:
        first, later = DAY_MS, DAY_MS + HOUR_MS + 5
        batch = [
            event(1, 0, orders={1: order(1), 2: order(1)}),
            event(1, 1, disposition="DESTINATION_DISABLED"),
        ]
        await store.commit(0, 0, 1, batch, now=first)
        again = [event(2, 0, orders={1: order(1)}), event(2, 1, orders={1: order(2)})]
        await store.commit(0, 1, 2, again, now=later)
        claimed = await store.turn(1, [], 5, ME, now=later, lease_until=LEASE)
        states = (State.ACCEPTED, State.QUEUED)
        ends = [ended(c, Outcome.RETRY, s) for c, s in zip(claimed, states, strict=True)]
        await store.turn(1, ends, 0, ME, now=later, lease_until=LEASE)
        await store.turn(1, ends, 0, ME, now=later, lease_until=LEASE)  # told twice, counted once
        at = DAY_MS + HOUR_MS
        took = str(bucket(later - first))
        expected = [
            Tallied(0, "took", took, 1),
            Tallied(first, "event", "", 2),
            Tallied(first, "fate", "DESTINATION_DISABLED", 1),
            Tallied(first, "fate", "invited", 2),
            Tallied(first, "made", "1", 1),
            Tallied(first, "made", "2", 1),
            Tallied(first, "order", "", 1),
            Tallied(at, "ended", "accepted", 1),
            Tallied(at, "event", "", 2),
            Tallied(at, "fate", "duplicate_order", 1),
            Tallied(at, "fate", "invited", 1),
            Tallied(at, "made", "1", 1),
            Tallied(at, "order", "", 2),
        ]
        assert await store.tallies(HOUR_MS, 0, 2 * DAY_MS) == expected
        days = await store.tallies(DAY_MS, 0, 2 * DAY_MS)
        assert {(t.what, t.code): t.number for t in days}["event", ""] == 4
        assert {t.at for t in days if t.what != "took"} == {DAY_MS}
        assert await store.tallies(HOUR_MS, at + 1, 2 * DAY_MS) == []
        mine = [Tallied(*t) for t in expected if t[1] in ("ended", "took") or t[1:3] == ("made", "1")]
        assert await store.tallies(HOUR_MS, 0, 2 * DAY_MS, destination_id=1) == mine
        assert quantile({bucket(later - first): 1}, 0.95) == pytest.approx(later - first, rel=0.1)

    async def test_calls_about_people_are_not_counted_as_invitations(self, store: Store) -> None:
        call = draft(order(1), what=What.IDENTIFY, key="m1", order=None, call=b"{}")
        of_both = [
            Route(1, dispositions.INVITED, None, draft(order(1))),
            Route(1, dispositions.PASSED_ON, None, call),
        ]
        done = await store.commit(
            0, 0, 1, [event(1, n)._replace(routes=[each]) for n, each in enumerate(of_both)], now=DAY_MS
        )
        assert (done.made, done.invitations) == ({1: 2}, {1: 1})
        claimed = await store.turn(1, [], 5, ME, now=DAY_MS, lease_until=LEASE)
        ends = [ended(c, Outcome.ACCEPTED, State.ACCEPTED) for c in claimed]
        await store.turn(1, ends, 0, ME, now=DAY_MS, lease_until=LEASE)
        counted = {(t.what, t.code): t.number for t in await store.tallies(HOUR_MS, 0, 2 * DAY_MS)}
        assert len(claimed) == 2
        assert (counted["made", "1"], counted["ended", "accepted"], counted["took", "0"]) == (1, 1, 1)

    async def test_a_trial_counts_nothing(self, store: Store) -> None:
        await store.foresee([event(1, orders={1: order(1)})], now=DAY_MS)
        await store.replay([event(1, orders={1: order(1)})], now=DAY_MS, dry=True)
        assert await store.tallies(HOUR_MS, 0, 2 * DAY_MS) == []

    async def test_hours_age_out_and_days_stay(self, store: Store) -> None:
        await store.commit(0, 0, 1, [event(1, orders={1: order(1)})], now=DAY_MS)
        await store.prune(DAY_MS + 1)
        assert await store.tallies(HOUR_MS, 0, 2 * DAY_MS) == []
        assert await store.tallies(DAY_MS, 0, 2 * DAY_MS)

    # pauses by hand

    async def paused(self, store: Store) -> str | None:
        return {d.id: d.paused_reason for d in (await store.configuration()).destinations}[1]

    async def test_a_pause_by_hand_stays_until_it_is_ended_by_hand(self, store: Store) -> None:
        version = await store.config_version()
        await store.pause(1, BY_HAND, "for the sale", now=600)
        assert await store.config_version() > version, "every process is told"
        await store.pause(1, "key_unknown", "the key is wrong", now=700)
        await store.resume(1, "unreachable")
        await store.apply(wanted(), now=800)
        assert await self.paused(store) == BY_HAND
        version = await store.config_version()
        await store.resume(1, None)
        assert await store.config_version() > version
        assert await self.paused(store) is None

    async def test_by_hand_any_pause_is_ended(self, store: Store) -> None:
        await store.pause(1, "key_unknown", "the key is wrong", now=700)
        await store.pause(1, BY_HAND, "let it be", now=750)
        assert await self.paused(store) == BY_HAND
        await store.resume(1, None)
        await store.pause(1, "key_unknown", "the key is wrong", now=700)
        await store.resume(1, None)
        assert await self.paused(store) is None
