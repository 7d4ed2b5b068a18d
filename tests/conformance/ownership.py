"""How the owners of a `Store` share their work, where several processes can use one.

Subclass `OwnershipConformance` and override the fixture `opened`. Time is the store's own, so these tests wait for it.
"""

from __future__ import annotations

import asyncio

import pytest

from conformance.opened import OfStore
from conformance.rows import ended, event, order
from plaudit.destinations.base import Outcome, State
from plaudit.store.base import Store

PARTITIONS = [f"partition:{n}" for n in range(6)]
LONG = 60.0
SHORT = 0.2  # seconds
A, B, C = "a", "b", "c"


class OwnershipConformance(OfStore):
    async def join(
        self, store: Store, *owners: str, seconds: float = LONG, resources: list[str] = PARTITIONS
    ) -> dict[str, set[str]]:
        """What each of them has when they have joined twice, one after the other; no two have the same."""
        for owner in owners:
            await store.join(owner, "process", resources, seconds)
        have = {owner: await store.join(owner, "process", resources, seconds) for owner in owners}
        assert sum(map(len, have.values())) == len(set().union(*have.values()))
        return have

    async def test_one_has_all(self, store: Store) -> None:
        assert await store.join(A, "process", PARTITIONS, LONG) == set(PARTITIONS)
        assert await store.join(A, "process", PARTITIONS, LONG) == set(PARTITIONS)

    async def test_two_share_and_a_third_takes_its_share_from_both(self, store: Store) -> None:
        two = await self.join(store, A, B)
        assert sorted(map(len, two.values())) == [3, 3]
        three = await self.join(store, A, B, C)
        assert sorted(map(len, three.values())) == [2, 2, 2]
        assert three[A] < two[A] and three[B] < two[B], "nobody loses more than it must"
        assert set().union(*three.values()) == set(PARTITIONS)

    @pytest.mark.parametrize("number", [1, 2, 4, 5])
    async def test_shares_differ_by_one_at_most(self, store: Store, number: int) -> None:
        some = PARTITIONS[:number]
        have = await self.join(store, A, B, C, resources=some)
        sizes = sorted(map(len, have.values()))
        assert sum(sizes) == number and sizes[-1] - sizes[0] <= 1

    async def test_roles_are_apart(self, store: Store) -> None:
        await store.join(A, "process", PARTITIONS, LONG)
        assert await store.join(B, "deliver", ["lane:1"], LONG) == {"lane:1"}

    async def test_what_is_no_longer_there_is_given_up(self, store: Store) -> None:
        await store.join(A, "process", PARTITIONS, LONG)
        assert await store.join(A, "process", PARTITIONS[:2], LONG) == set(PARTITIONS[:2])
        assert await store.join(A, "process", [], LONG) == set()

    async def test_who_wants_nothing_keeps_nothing_from_others(self, store: Store) -> None:
        await self.join(store, A, B)
        assert await store.join(B, "process", [], LONG) == set()
        assert await store.join(A, "process", PARTITIONS, LONG) == set(PARTITIONS)

    async def test_what_a_dead_one_had_is_taken_over_when_its_time_has_passed(self, store: Store) -> None:
        await self.join(store, A, B)
        await store.join(A, "process", PARTITIONS, SHORT)
        assert len(await store.join(B, "process", PARTITIONS, LONG)) == 3, "not before"
        await asyncio.sleep(SHORT + 0.05)
        assert await store.join(B, "process", PARTITIONS, LONG) == set(PARTITIONS)

    async def test_who_says_in_time_that_it_is_there_keeps_what_it_has(self, store: Store) -> None:
        have = (await self.join(store, A, B))[A]
        for _ in range(3):
            assert await store.join(A, "process", PARTITIONS, SHORT) == have
            await asyncio.sleep(SHORT / 2)
            await store.join(B, "process", PARTITIONS, LONG)

    async def test_who_leaves_need_not_be_waited_for(self, store: Store) -> None:
        await self.join(store, A, B)
        await store.join(A, "deliver", ["lane:1"], LONG)
        await store.leave(A)
        assert await store.join(B, "process", PARTITIONS, LONG) == set(PARTITIONS)
        assert await store.join(B, "deliver", ["lane:1"], LONG) == {"lane:1"}

    async def test_who_comes_back_does_not_move_what_lies_well(self, store: Store) -> None:
        assert await store.join(B, "deliver", ["lane:1"], LONG) == {"lane:1"}
        assert await store.join(A, "deliver", ["lane:1"], LONG) == set()
        assert await store.join(B, "deliver", ["lane:1"], LONG) == {"lane:1"}

    async def test_all_at_once_get_different_ones(self, store: Store) -> None:
        owners = [f"owner {n}" for n in range(10)]
        for _ in range(2):
            await asyncio.gather(*(store.join(owner, "process", PARTITIONS, LONG) for owner in owners))
        have = await asyncio.gather(*(store.join(owner, "process", PARTITIONS, LONG) for owner in owners))
        assert sorted(each for one in have for each in one) == PARTITIONS

    # lanes

    async def queue(self, store: Store, count: int = 2) -> None:
        await store.commit(0, 0, 1, [event(1, n, orders={1: order(n)}) for n in range(count)], now=1000)

    async def claim(self, store: Store, owner: str, limit: int = 1) -> int:
        return len(await store.turn(1, [], limit, owner, 2000, 9000))

    async def test_a_lane_that_nobody_owns_may_be_claimed_from(self, store: Store) -> None:
        await self.queue(store)
        assert await self.claim(store, A) == 1

    async def test_one_who_wakes_up_claims_nothing_from_a_lane_that_was_taken_over(
        self, store: Store
    ) -> None:
        await self.queue(store)
        await store.join(A, "deliver", ["lane:1"], SHORT)
        (claimed,) = await store.turn(1, [], 1, A, 2000, 9000)
        await asyncio.sleep(SHORT + 0.05)
        assert await store.join(B, "deliver", ["lane:1"], LONG) == {"lane:1"}
        settled = [ended(claimed, Outcome.ACCEPTED, State.ACCEPTED)]
        assert await store.turn(1, settled, 5, A, 2100, 9000) == []
        assert [i.state for i in await store.invitations()] == ["queued", "accepted"], (
            "what it did is recorded"
        )
        assert await self.claim(store, B, limit=5) == 1
        assert await store.join(A, "deliver", ["lane:1"], LONG) == set()
        assert await self.claim(store, A) == 0

    async def test_other_lanes_are_not_concerned(self, store: Store) -> None:
        await self.queue(store)
        await store.join(B, "deliver", ["lane:2", "lane:11"], LONG)
        assert await self.claim(store, A) == 1
