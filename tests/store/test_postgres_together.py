"""Several processes on one PostgreSQL: they do the same at the same time, and the outcome is that of one after the other.

Each worker has a store of its own with connections of its own, as a process has.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from conformance.rows import draft, ended, event, order, wanted
from plaudit.destinations.base import Outcome, State
from plaudit.errors import LostRaceError
from plaudit.secrets import vault
from plaudit.spec import dispositions
from plaudit.spec.cancellation import Cancellation
from plaudit.spec.envelope import event_id
from plaudit.store.base import EventRow, Route, Settled
from plaudit.store.decisions import Decided
from plaudit.store.postgres import PostgresStore
from postgres import PostgresServer

WORKERS = 8
Url = Callable[..., str]


@pytest.fixture
async def stores(
    tmp_path: Path, in_schema: Url, postgres: PostgresServer
) -> AsyncIterator[list[PostgresStore]]:
    before = postgres.logged("deadlock detected")
    stores = [PostgresStore(in_schema(), vault(tmp_path)) for _ in range(WORKERS)]
    await stores[0].apply(wanted(), now=500)
    yield stores
    for store in stores:
        await store.close()
    assert postgres.logged("deadlock detected") == before, "the lock order holds"


def placed(partition: int, position: int, index: int, *routes: Route, message_id: str = "") -> EventRow:
    """An event at a place of its own, with these routes."""
    id_ = event_id(partition, position, index)
    orders = [route.draft.key for route in routes if route.draft]
    row = event(0, message_id=message_id or f"m{id_}")
    return row._replace(id=id_, routes=list(routes), order_id=orders[0] if orders else None)


def invite(number: int, to: int = 1, **changes: object) -> Route:
    return Route(to, dispositions.INVITED, None, draft(order(number), **changes))


def takes_back(number: int) -> Route:
    return Route(1, dispositions.CANCELLED, None, None, Cancellation(str(number), 9999, "Order Cancelled"))


async def test_overlapping_orders_and_messages_come_out_as_if_one_came_after_the_other(
    stores: list[PostgresStore], in_schema: Url
) -> None:
    orders, messages, batches, size = 900, 2500, 10, 80
    chance = random.Random(7)
    given: Counter[str] = Counter()
    wished: set[tuple[int, str]] = set()

    def batch(partition: int, position: int) -> list[EventRow]:
        found = []
        for index in range(size):
            number = chance.randrange(orders)
            message = f"message {chance.randrange(messages)}"
            routes = [invite(number, to) for to in (1, 2)[: chance.randint(1, 2)]]
            found.append(placed(partition, position, index, *routes, message_id=message))
            given[message] += 1
        return found

    plans = [[batch(n, position) for position in range(batches)] for n in range(WORKERS)]

    async def work(number: int) -> tuple[Counter[str], Counter[int]]:
        said: Counter[str] = Counter()
        made: Counter[int] = Counter()
        for position, events in enumerate(plans[number]):
            done = await stores[number].commit(number, position, position + 1, events, now=1000)
            said.update(done.dispositions)
            made.update(done.made)
        return said, made

    outcomes = await asyncio.gather(*(work(n) for n in range(WORKERS)))
    said, made = sum((o[0] for o in outcomes), Counter()), sum((o[1] for o in outcomes), Counter())
    with psycopg.connect(in_schema()) as connection:
        firsts = connection.execute("SELECT message_id, id FROM events WHERE first").fetchall()
        of_first = {id_ for _, id_ in firsts}
        for plan in plans:
            for events in plan:
                wished |= {
                    (r.destination_id, r.draft.key)
                    for e in events
                    if e.id in of_first
                    for r in e.routes
                    if r.draft
                }
        there = connection.execute("SELECT destination_id, key, id, event_id FROM deliveries").fetchall()
        invited = connection.execute(
            "SELECT delivery_id, destination_id, event_id FROM dispositions WHERE code = 'invited'"
        ).fetchall()
        wrong = connection.execute(
            "SELECT count(*) FROM dispositions p JOIN events e ON e.id = p.event_id LEFT JOIN deliveries d ON d.id = "
            "p.delivery_id AND d.destination_id = p.destination_id AND d.key = e.order_id WHERE d.id IS NULL"
        ).fetchone()
        others = connection.execute(
            "SELECT detail, source_id, message_id FROM events WHERE NOT first AND disposition = 'duplicate_message'"
        ).fetchall()
    assert sorted(message for message, _ in firsts) == sorted(given), "one first event a message"
    assert sorted((to, key) for to, key, _, _ in there) == sorted(wished), "exactly one delivery an order"
    assert sorted(invited) == sorted((id_, to, event_id) for to, _, id_, event_id in there)
    assert wrong == (0,), "each disposition names the delivery of its own order"
    first: dict[str, int] = dict(firsts)
    assert all(f"as event {first[message]} " in detail for detail, _, message in others)
    assert len(others) == said[dispositions.DUPLICATE_MESSAGE] == WORKERS * batches * size - len(firsts)
    assert said[dispositions.INVITED] == sum(made.values()) == len(there)


async def test_one_of_two_that_took_the_same_batch_commits_it(stores: list[PostgresStore]) -> None:
    for position in range(3):
        events = [placed(0, position, 0, invite(position))]
        done = await asyncio.gather(
            *(store.commit(0, position, position + 1, events, now=1000) for store in stores),
            return_exceptions=True,
        )
        assert sum(not isinstance(one, BaseException) for one in done) == 1, done
        assert sum(isinstance(one, LostRaceError) for one in done) == WORKERS - 1
    assert len(await stores[0].invitations()) == 3


@pytest.mark.parametrize("first", [invite, takes_back])
async def test_an_order_and_its_cancellation_meet_also_when_two_commit_them_at_once(
    stores: list[PostgresStore], in_schema: Url, first: Callable[[int], Route]
) -> None:
    """Both have looked for the other, and not found it, before one of them commits."""
    second = takes_back if first is invite else invite
    async with await psycopg.AsyncConnection.connect(in_schema()) as barrier:

        async def waiting(count: int) -> None:
            found = None
            while found != (count,):
                found = await (
                    await barrier.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                ).fetchone()

        await barrier.execute("LOCK TABLE dispositions IN SHARE MODE")  # what a commit puts last
        commits = []
        for number, route in enumerate((first(1), second(1))):
            commit = stores[number].commit(number, 0, 1, [placed(number, 0, 0, route)], now=1000)
            commits.append(asyncio.create_task(commit))
            await waiting(number + 1)
        await barrier.commit()
        await asyncio.gather(*commits)
    assert await stores[0].count() == {"cancelled": 1}


async def test_who_is_forgotten_while_an_order_of_theirs_is_committed_is_forgotten(
    stores: list[PostgresStore], in_schema: Url
) -> None:
    """The commit has looked whether the person is to be left alone, and forgetting cannot see its delivery yet."""
    async with await psycopg.AsyncConnection.connect(in_schema()) as barrier:

        async def waiting(count: int) -> None:
            found = None
            while found != (count,):
                found = await (
                    await barrier.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                ).fetchone()

        await barrier.execute("LOCK TABLE dispositions IN SHARE MODE")
        commit = asyncio.create_task(stores[0].commit(0, 0, 1, [placed(0, 0, 0, invite(1))], now=1000))
        await waiting(1)
        forgetting = asyncio.create_task(stores[1].forget("customer1@example.com", now=2000))
        await waiting(2)
        await barrier.commit()
        await commit
        assert (await forgetting).cancelled == 1
    assert await stores[0].count() == {"cancelled": 1}
    assert await stores[0].invitations(email="customer1@example.com") == []


async def test_a_customer_is_invited_once_in_a_while_by_all_of_them_together(
    stores: list[PostgresStore],
) -> None:
    customers = 40

    def once(number: int, customer: int) -> Route:
        its = order(number)
        its.email = f"customer{customer}@example.com"
        return Route(1, dispositions.INVITED, None, draft(its, once_per=5000))

    async def work(number: int) -> None:
        chance = random.Random(number)
        for position in range(4):
            events = [
                placed(number, position, index, once(chance.randrange(200), chance.randrange(customers)))
                for index in range(30)
            ]
            await stores[number].commit(number, position, position + 1, events, now=1000)

    await asyncio.gather(*(work(n) for n in range(WORKERS)))
    addresses = [i.order.email for i in await stores[0].invitations() if i.order and i.state == "queued"]
    assert len(addresses) == len(set(addresses)) > customers / 2


async def test_everything_at_once_ends_and_nothing_is_sent_twice(stores: list[PostgresStore]) -> None:
    """Commits, cancellations, lanes, decisions, recoveries, replays: all on the same few rows."""
    sent: Counter[tuple[int, int]] = Counter()
    undos: Counter[str] = Counter()
    chance = random.Random(7)

    async def process(number: int) -> None:
        chance = random.Random(number)
        for position in range(12):
            makes = [chance.choice((invite, invite, takes_back)) for _ in range(40)]
            events = [
                placed(number, position, i, make(chance.randrange(150))) for i, make in enumerate(makes)
            ]
            await stores[number].commit(number, position, position + 1, events, now=1000 + position)
            if position % 4 == 3:
                await stores[number].replay(events, 1000 + position, dry=chance.random() < 0.5)

    async def deliver(number: int) -> None:
        chance, owner = random.Random(number), f"owner {number}"
        settled: list[Settled] = []
        for _ in range(40):
            claimed = await stores[number].turn(1, settled, 10, owner, 2000, 9000)
            sent.update((each.id, each.attempt) for each in claimed)
            outcomes = [
                (Outcome.ACCEPTED, State.ACCEPTED),
                (Outcome.RETRY, State.QUEUED),
                (Outcome.RETRY, State.FAILED),
                (Outcome.REFUSED, State.REFUSED),
            ]
            settled = [ended(each, *chance.choice(outcomes), due_at=1500) for each in claimed]
            chance.shuffle(settled)
        await stores[number].turn(1, settled, 0, owner, 2000, 9000)

    async def operate(number: int) -> None:
        for decision in range(15):
            its = number * 100 + decision
            decided = Decided.RETRY if decision % 3 else Decided.CANCEL
            await stores[number].decide(decided, decision=its, after=0, limit=50, now=1500)
            for undone in (its, its - 1, (13 - number) * 100 + decision):  # the last one is the other's
                done = await stores[number].undo(
                    undone, after=0, limit=50, now=1600, dry=chance.random() < 0.2
                )
                undos.update(["restored"] * len(done.restored) + list(done.left.values()))
            await stores[number].recover(f"owner {number}", alone=False, now=1, resend=[1])
            await stores[number].forget("customer7@example.com", now=1500)

    await asyncio.gather(
        *(process(n) for n in range(3)), *(deliver(n) for n in (3, 4, 5)), operate(6), operate(7)
    )
    assert max(sent.values()) == 1, "an attempt was handed out twice"
    assert (await stores[0].count()).get("sending", 0) == 0
    assert undos["restored"] and undos["tried"], undos
