"""What every `Store` keeps of attempts beside the ledger: requests with their answers, for as long as events are kept.

Subclass `ExchangesConformance` and override the fixture `opened`.
"""

from __future__ import annotations

from conformance.opened import OfStore
from conformance.rows import ended, event, order
from plaudit.destinations.base import Outcome, State
from plaudit.store.base import Claimed, Store

ME = "me"


class ExchangesConformance(OfStore):
    async def claimed(self, store: Store, numbers: range, now: int = 2000) -> list[Claimed]:
        """Orders that are being sent."""
        before = await store.cursor(0)
        events = [event(before + 1, place, orders={1: order(n)}) for place, n in enumerate(numbers)]
        await store.commit(0, before, before + 1, events, now=1000)
        found = await store.turn(1, [], 100, ME, now=now, lease_until=now + 1000)
        return sorted(found, key=lambda each: each.id)

    async def settle(self, store: Store, claimed: list[Claimed], contents: list[bytes]) -> None:
        await store.turn(
            1,
            [
                ended(each, Outcome.ACCEPTED, State.ACCEPTED)._replace(exchanges=content)
                for each, content in zip(claimed, contents, strict=True)
            ],
            0,
            ME,
            now=3000,
            lease_until=4000,
        )

    async def kept(self, store: Store, id_: int) -> list[str | None]:
        """Of each attempt."""
        return [attempt.exchanges for attempt in await store.attempts(id_)]

    async def test_each_attempt_has_its_own(self, store: Store) -> None:
        claimed = await self.claimed(store, range(1, 71))
        contents = [f'"{each.id} \\u0000 \ue000é"'.encode() for each in claimed]
        contents[2] = b""
        await self.settle(store, claimed, contents)
        for each, content in zip(claimed, contents, strict=True):
            assert await self.kept(store, each.id) == [content.decode() or None]

    async def test_those_of_a_page_share_one(self, store: Store) -> None:
        claimed = await self.claimed(store, range(1, 4))
        await self.settle(store, claimed, [b'"page"', b'"own"', b'"page"'])
        assert [await self.kept(store, each.id) for each in claimed] == [['"page"'], ['"own"'], ['"page"']]

    async def test_a_second_attempt_hides_nothing_of_the_first(self, store: Store) -> None:
        (claimed,) = await self.claimed(store, range(1, 2))
        first = ended(claimed, Outcome.RETRY, State.QUEUED)._replace(exchanges=b'"first"')
        (again,) = await store.turn(1, [first], 10, ME, now=3000, lease_until=4000)
        await self.settle(store, [again], [b'"second"'])
        assert await self.kept(store, claimed.id) == ['"first"', '"second"']

    async def test_nothing_is_left_of_who_is_forgotten(self, store: Store) -> None:
        claimed = await self.claimed(store, range(1, 4))
        await self.settle(store, claimed, [b'"page"', b'"page"', b'"own"'])
        await store.forget("customer1@example.com", now=5000)
        assert [await self.kept(store, each.id) for each in claimed] == [[None], [None], ['"own"']]

    async def test_they_age_out_as_events_do_and_their_ids_come_never_again(self, store: Store) -> None:
        (old,) = await self.claimed(store, range(1, 2))
        await self.settle(store, [old], [b'"old"'])  # it ended at 2050 ms
        await store.prune(2050)
        assert await self.kept(store, old.id) == ['"old"']
        await store.prune(2051)
        assert await self.kept(store, old.id) == [None]
        (new,) = await self.claimed(store, range(2, 3))
        await self.settle(store, [new], [b'"new"'])
        assert (await self.kept(store, old.id), await self.kept(store, new.id)) == ([None], ['"new"'])

    async def test_the_event_that_is_passed_on_comes_with_one_delivery(self, store: Store) -> None:
        (claimed,) = await self.claimed(store, range(1, 2))
        found = await store.invitation(claimed.id)
        assert found is not None and found.call == claimed.call
