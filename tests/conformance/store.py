"""What every `Store` does. Subclass `StoreConformance` and override the fixture `opened`."""

from __future__ import annotations

import asyncio

import pytest

from conformance.opened import OfStore, Open
from conformance.rows import SETTINGS, ended, event, order, wanted
from plaudit.destinations.base import Outcome, State
from plaudit.errors import LostRaceError
from plaudit.store.base import Store

ME, OTHER = "me", "other"
LEASE = 100_000


class StoreConformance(OfStore):
    # configuration

    async def test_a_configuration_comes_back_with_its_secrets(self, store: Store) -> None:
        found = await store.configuration()
        assert [(s.name, s.write_key) for s in found.sources] == [
            ("app", "appWriteKey"),
            ("shop", "shopWriteKey"),
        ]
        assert [(d.name, d.type, d.settings) for d in found.destinations] == [
            ("second", "trustpilot", SETTINGS),
            ("trustpilot", "trustpilot", SETTINGS),
        ]
        ids = {s.name: s.id for s in found.sources} | {d.name: d.id for d in found.destinations}
        inlets = [(i.id, i.destination_id) for i in found.inlets]
        assert [(i.name, i.destination_id) for i in found.inlets] == [
            ("segment/second", ids["second"]),
            ("segment/trustpilot", ids["trustpilot"]),
        ]
        assert sorted(found.connections) == sorted(
            [
                (ids["shop"], ids["trustpilot"]),
                (ids["app"], ids["trustpilot"]),
                (ids["app"], ids["second"]),
                *inlets,
            ]
        )

    async def test_applying_changes_the_version_and_keeps_ids(self, store: Store) -> None:
        before = await store.configuration()
        after = await store.apply(wanted(sources={"shop": "newKey", "app": "appWriteKey"}), now=600)
        assert after.version > before.version == await store.config_version() - 1
        assert [(s.id, s.name) for s in after.sources] == [(s.id, s.name) for s in before.sources]
        assert {s.name: s.write_key for s in after.sources}["shop"] == "newKey"

    async def test_what_a_configuration_leaves_out_goes_and_comes_back_as_itself(self, store: Store) -> None:
        before = await store.configuration()
        less = await store.apply(
            wanted(sources={"shop": "k"}, destinations={"trustpilot": ("trustpilot", SETTINGS, ["shop"])}),
            now=600,
        )
        assert ([s.name for s in less.sources], [d.name for d in less.destinations]) == (
            ["shop"],
            ["trustpilot"],
        )
        again = await store.apply(wanted(), now=700)
        assert [d.id for d in again.destinations] == [d.id for d in before.destinations]

    async def test_applying_ends_a_pause(self, store: Store) -> None:
        await store.pause(1, "key_unknown", "the key is wrong", now=600)
        paused = {d.id: d for d in (await store.configuration()).destinations}
        assert (paused[1].paused_reason, paused[1].paused_message, paused[1].paused_at) == (
            "key_unknown",
            "the key is wrong",
            600,
        )
        assert paused[2].paused_at is None
        version = await store.config_version()
        await store.apply(wanted(), now=650)
        await store.pause(2, "key_unknown", "an older key was wrong", now=660, version=version)
        assert {d.id: d.paused_at for d in (await store.configuration()).destinations}[2] is None
        assert all(d.paused_at is None for d in (await store.apply(wanted(), now=700)).destinations)

    # events, dispositions, invitations

    async def test_an_order_becomes_one_invitation_and_the_cursor_moves_with_it(self, store: Store) -> None:
        done = await store.commit(0, 0, 1, [event(1, orders={1: order(7)})], now=1000)
        assert (done.dispositions, done.made) == ({"invited": 1}, {1: 1})
        assert await store.cursor(0) == 1
        (invitation,) = await store.invitations()
        assert (invitation.order_id, invitation.state, invitation.destination) == (
            "7",
            "queued",
            "trustpilot",
        )
        assert (invitation.order, invitation.created_at, invitation.attempts) == (order(7), 1000, 0)
        (found,) = await store.events()
        assert (found.disposition, found.order_id, found.received_at, found.timestamp) == (
            "invited",
            "7",
            1000,
            900,
        )
        assert [(d.destination, d.invitation) for d in found.destinations] == [("trustpilot", invitation.id)]

    async def test_the_same_message_again_is_a_duplicate_and_names_the_first(self, store: Store) -> None:
        first = event(1, message_id="m", orders={1: order(7)})
        await store.commit(0, 0, 1, [first], now=1000)
        again = event(2, message_id="m", orders={1: order(8)})
        done = await store.commit(
            0, 1, 2, [again, event(2, 1, message_id="m", orders={1: order(9)})], now=1100
        )
        assert (done.dispositions, done.made) == ({"duplicate_message": 2}, {})
        assert len(await store.invitations()) == 1
        newest = (await store.events())[0]
        assert newest.disposition == "duplicate_message" and str(first.id) in newest.message

    async def test_message_ids_count_per_source(self, store: Store) -> None:
        both = [event(1, n, message_id="m", orders={1: order(n)}, source_id=n + 1) for n in range(2)]
        assert (await store.commit(0, 0, 1, both, now=1000)).made == {1: 2}

    async def test_the_same_order_again_makes_no_second_invitation_and_names_the_first(
        self, store: Store
    ) -> None:
        await store.commit(0, 0, 1, [event(1, orders={1: order(7)})], now=1000)
        (invitation,) = await store.invitations()
        later = [event(2, 0, orders={1: order(7)}), event(2, 1, orders={1: order(7)}, source_id=2)]
        done = await store.commit(0, 1, 2, later, now=40 * 365 * 24 * 3600 * 1000)
        assert (done.dispositions, done.made) == ({"duplicate_order": 2}, {})
        for found in await store.events(disposition="duplicate_order"):
            assert found.destinations[0].invitation == invitation.id
            assert f"invitation {invitation.id}" in found.message
        assert len(await store.invitations()) == 1

    async def test_an_order_is_invited_once_per_destination_also_within_a_batch(self, store: Store) -> None:
        batch = [event(1, n, orders={1: order(7), 2: order(7)}) for n in range(3)]
        done = await store.commit(0, 0, 1, batch, now=1000)
        assert done.made == {1: 1, 2: 1}
        assert done.dispositions == {"invited": 2, "duplicate_order": 4}
        assert sorted(i.destination for i in await store.invitations(order_id="7")) == [
            "second",
            "trustpilot",
        ]

    async def test_a_refused_event_is_kept_and_does_not_keep_a_better_one_out(self, store: Store) -> None:
        refused = event(1, message_id="m", disposition="event_not_defined", refused=True)
        await store.commit(0, 0, 1, [refused, event(1, 1, message_id="m", orders={1: order(7)})], now=1000)
        assert [e.disposition for e in await store.events()] == ["invited", "event_not_defined"]

    async def test_reasons_are_kept_for_events_that_make_none(self, store: Store) -> None:
        batch = [
            event(1, 0, codes={1: "NO_MATCHING_MAPPING", 2: "UNSUPPORTED_EVENT_TYPE"}),
            event(1, 1, disposition="no_destination"),
        ]
        await store.commit(0, 0, 1, batch, now=1000)
        alone, several = await store.events()
        assert (alone.disposition, alone.destinations) == ("no_destination", [])
        assert {d.disposition for d in several.destinations} == {
            "NO_MATCHING_MAPPING",
            "UNSUPPORTED_EVENT_TYPE",
        }
        assert several.disposition == "NO_MATCHING_MAPPING" and several.message

    async def test_a_batch_that_another_process_took_changes_nothing(self, store: Store) -> None:
        await store.commit(0, 0, 5, [event(5, orders={1: order(1)})], now=1000)
        with pytest.raises(LostRaceError):
            await store.commit(0, 0, 6, [event(6, orders={1: order(2)})], now=1000)
        assert (await store.cursor(0), len(await store.invitations()), len(await store.events())) == (5, 1, 1)

    async def test_partitions_have_cursors_of_their_own(self, store: Store) -> None:
        await store.commit(3, 0, 9, [], now=1000)
        assert (await store.cursor(3), await store.cursor(0)) == (9, 0)

    async def test_everything_is_there_after_a_restart(self, opened: Open) -> None:
        store = await opened()
        await store.apply(wanted(), now=500)
        await store.commit(0, 0, 1, [event(1, orders={1: order(7)})], now=1000)
        await store.close()
        again = await opened()
        assert (await again.cursor(0), len(await again.invitations()), len(await again.events())) == (1, 1, 1)
        assert (await again.commit(0, 1, 2, [event(2, orders={1: order(7)})], now=2000)).made == {}
        await again.close()

    async def test_old_events_go_and_the_ledger_stays(self, store: Store) -> None:
        batch = [event(1, n, orders={1: order(n)}, received_at=n, message_id=f"m{n}") for n in range(4)]
        await store.commit(0, 0, 1, batch, now=1000)
        assert await store.prune(before=2) == 2
        assert [e.message_id for e in await store.events()] == ["m3", "m2"]
        assert len(await store.invitations()) == 4
        again = event(2, message_id="m0", orders={1: order(0)})
        assert (await store.commit(0, 1, 2, [again], now=1000)).dispositions == {"duplicate_order": 1}

    # the ledger's turns

    async def queue(self, store: Store, count: int, destination: int = 1, now: int = 1000) -> None:
        before = await store.cursor(0)
        batch = [event(before + 1, n, orders={destination: order(n)}) for n in range(count)]
        await store.commit(0, before, before + 1, batch, now=now)

    async def claim(self, store: Store, limit: int = 10, owner: str = ME, now: int = 2000) -> list[int]:
        return [c.id for c in await store.turn(1, [], limit, owner, now, now + LEASE)]

    async def test_claims_are_leased_once_and_oldest_first(self, store: Store) -> None:
        await self.queue(store, 3)
        first = await store.turn(1, [], 2, ME, 2000, 2000 + LEASE)
        assert [(c.order, c.attempt, c.first_attempt_at) for c in first] == [
            (order(0), 1, 2000),
            (order(1), 1, 2000),
        ]
        assert len(await self.claim(store, owner=OTHER)) == 1
        assert await self.claim(store) == []
        assert {i.state for i in await store.invitations()} == {"sending"}

    async def test_two_at_once_never_claim_the_same(self, store: Store) -> None:
        await self.queue(store, 100)
        turns = await asyncio.gather(*(self.claim(store, 7, f"owner{n}") for n in range(20)))
        claimed = [id_ for turn in turns for id_ in turn]
        assert len(claimed) == len(set(claimed)) == 100

    async def test_destinations_have_queues_of_their_own(self, store: Store) -> None:
        await self.queue(store, 2, destination=2)
        assert await self.claim(store) == []
        assert await store.next_due(1) is None and await store.next_due(2) == 1000

    async def test_what_an_attempt_came_to_is_recorded(self, store: Store) -> None:
        await self.queue(store, 1)
        (claimed,) = await store.turn(1, [], 1, ME, 2000, 2000 + LEASE)
        assert await store.turn(1, [ended(claimed, Outcome.ACCEPTED, State.ACCEPTED)], 0, ME, 2100, 0) == []
        (invitation,) = await store.invitations(state="accepted")
        assert (invitation.attempts, invitation.reason, invitation.message) == (1, "reason", "message")
        (attempt,) = await store.attempts(invitation.id)
        assert (attempt.number, attempt.started_at, attempt.finished_at) == (1, 2000, 2050)
        assert (attempt.outcome, attempt.reason, attempt.status) == ("accepted", "reason", 201)
        assert await self.claim(store, now=10**12) == []

    async def test_a_retry_waits_for_its_time_and_keeps_its_first_attempt(self, store: Store) -> None:
        await self.queue(store, 1)
        (claimed,) = await store.turn(1, [], 1, ME, 2000, 2000 + LEASE)
        await store.turn(
            1, [ended(claimed, Outcome.RETRY, State.QUEUED, due_at=9000, status=503)], 5, ME, 2100, 0
        )
        assert await store.next_due(1) == 9000
        assert await self.claim(store, now=8999) == []
        (again,) = await store.turn(1, [], 1, ME, 9000, 9000 + LEASE)
        assert (again.attempt, again.first_attempt_at) == (2, 2000)

    async def test_only_the_lease_holder_settles(self, store: Store) -> None:
        await self.queue(store, 1)
        (claimed,) = await store.turn(1, [], 1, ME, 2000, 2000 + LEASE)
        await store.turn(1, [ended(claimed, Outcome.REFUSED, State.REFUSED)], 0, OTHER, 2100, 0)
        assert [i.state for i in await store.invitations()] == ["sending"]

    async def test_what_was_surely_not_sent_is_given_back(self, store: Store) -> None:
        await self.queue(store, 1)
        claimed = await store.turn(1, [], 1, ME, 2000, 2000 + LEASE)
        await store.release(claimed, ME, 2100)
        (again,) = await store.turn(1, [], 1, OTHER, 2200, 2200 + LEASE)
        assert again.attempt == 1

    async def test_what_was_blocked_waits_until_it_is_unblocked(self, store: Store) -> None:
        await self.queue(store, 1)
        (claimed,) = await store.turn(1, [], 1, ME, 2000, 2000 + LEASE)
        await store.turn(1, [ended(claimed, Outcome.BLOCKED, State.BLOCKED)], 5, ME, 2100, 0)
        assert await self.claim(store, now=10**12) == []
        assert await store.unblock(2, now=3000) == 0
        assert await store.unblock(1, now=3000) == 1
        assert len(await self.claim(store, now=3000)) == 1

    # after a crash

    async def test_a_dead_process_attempts_are_uncertain_or_sent_again_by_policy(self, store: Store) -> None:
        await self.queue(store, 1)
        await self.queue(store, 1, destination=2)
        for destination in (1, 2):
            await store.turn(destination, [], 1, OTHER, 2000, 2000 + LEASE)
        assert await store.recover(ME, alone=True, now=3000, resend=[2]) == 2
        states = {i.destination: (i.state, i.reason) for i in await store.invitations()}
        assert states == {"trustpilot": ("uncertain", "interrupted"), "second": ("queued", "interrupted")}
        (invitation,) = await store.invitations(state="uncertain")
        (attempt,) = await store.attempts(invitation.id)
        assert (attempt.outcome, attempt.reason, attempt.status) == ("uncertain", "interrupted", 0)
        (again,) = await store.turn(2, [], 1, ME, 3000, 3000 + LEASE)
        assert again.attempt == 2

    async def test_what_waits_for_a_person_is_counted(self, store: Store) -> None:
        await self.queue(store, 3)
        await store.turn(1, [], 2, OTHER, 2000, 2000 + LEASE)
        await store.recover(ME, alone=True, now=3000, resend=[])
        assert (await store.attention())["trustpilot"] == {"uncertain": 2}
        assert (await store.attention("invitation"))["trustpilot"] == {"uncertain": 2}
        assert (await store.attention("identify"))["trustpilot"].get("uncertain", 0) == 0

    async def test_another_process_keeps_its_lease_until_it_runs_out(self, store: Store) -> None:
        await self.queue(store, 1)
        await store.turn(1, [], 1, OTHER, 2000, 2000 + LEASE)
        assert await store.recover(ME, alone=False, now=2000 + LEASE, resend=[]) == 0
        assert await store.recover(ME, alone=False, now=2001 + LEASE, resend=[]) == 1

    async def test_ones_own_attempts_are_never_taken_for_abandoned(self, store: Store) -> None:
        await self.queue(store, 1)
        await store.turn(1, [], 1, ME, 2000, 2000 + LEASE)
        assert await store.recover(ME, alone=True, now=10**13, resend=[]) == 0

    async def test_an_answer_that_comes_late_beats_uncertain(self, store: Store) -> None:
        await self.queue(store, 1)
        (claimed,) = await store.turn(1, [], 1, OTHER, 2000, 2000 + LEASE)
        await store.recover(ME, alone=True, now=3000, resend=[])
        await store.turn(1, [ended(claimed, Outcome.ACCEPTED, State.ACCEPTED)], 0, OTHER, 4000, 0)
        (invitation,) = await store.invitations()
        assert invitation.state == "accepted"
        assert [a.outcome for a in await store.attempts(invitation.id)] == ["accepted"]

    async def test_a_late_answer_does_not_hide_that_an_attempt_was_uncertain(self, store: Store) -> None:
        await self.queue(store, 1)
        (first,) = await store.turn(1, [], 1, OTHER, 2000, 2000 + LEASE)
        assert await store.recover(ME, alone=True, now=3000, resend=[1]) == 1
        await store.turn(1, [], 1, ME, 3000, 3000 + LEASE)
        await store.turn(1, [ended(first, Outcome.ACCEPTED, State.ACCEPTED)], 0, OTHER, 4000, 0)
        assert [a.outcome for a in await store.attempts(first.id)] == ["uncertain"]

    # lists

    async def test_lists_are_newest_first_and_limited(self, store: Store) -> None:
        await self.queue(store, 5)
        assert [i.order_id for i in await store.invitations(limit=2)] == ["4", "3"]
        assert len(await store.invitations()) == len(await store.events()) == 5
        assert [e.order_id for e in await store.events(limit=1)] == ["4"]

    async def test_lists_are_filtered(self, store: Store) -> None:
        await self.queue(store, 2)
        await self.queue(store, 1, destination=2)
        assert len(await store.invitations(destination="second")) == 1
        assert [i.order_id for i in await store.invitations(order_id="1")] == ["1"]
        assert await store.invitations(order_id="1", destination="second") == []
        assert await store.invitations(state="accepted") == []
        assert len(await store.events(order_id="0")) == 2
        assert await store.events(source="nobody") == []
        assert (await store.attention())["trustpilot"].get("uncertain", 0) == 0
        assert await store.states() == {"trustpilot": {"queued": 2}, "second": {"queued": 1}}
