"""The same history on both stores, and on PostgreSQL by many at once: the same people, memberships and calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from plaudit.config import parse
from plaudit.destinations.base import Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.engage.definitions import Definitions
from plaudit.engage.identifiers import Identifier
from plaudit.engage.sighting import Sighting
from plaudit.errors import LostRaceError
from plaudit.installation import apply
from plaudit.process.profiles import definitions_of
from plaudit.secrets import vault
from plaudit.store.base import Settled, Store
from plaudit.store.postgres import PostgresStore
from plaudit.store.sqlite import SqliteStore

NOW = 1_795_459_200_000
DAY = 86_400_000
PARTITIONS = 4
CONFIG = """
[sources.shop]
[destinations.one]
type = "trustpilot"
sources = ["shop"]
settings = { channel = "partner", api_key = "partnerKey", base_url = "http://127.0.0.1:9/x", allow_private = true }
[audiences.recent]
query = "event('Order Completed').within(30 days).count() >= 1"
destinations = ["one"]
[audiences.twice]
query = "event('Order Completed').count() >= 2 AND trait('recent') = true"
destinations = ["one"]
[traits.spent]
query = "event('Order Completed').sum(property('total'))"
destinations = ["one"]
"""


def history(seed: int) -> list[list[Sighting]]:
    """Sightings of a few people under many names, by partition."""
    random = Random(seed)
    parts: list[list[Sighting]] = [[] for _ in range(PARTITIONS)]
    for number in range(240):
        person = random.randrange(30)
        names = [
            Identifier("user_id", f"u{person}"),
            Identifier("email", f"p{person}@example.com"),
            *(Identifier("anonymous_id", f"a{person}-{each}") for each in range(3)),
        ]
        its = tuple(random.sample(names, random.randint(1, 2)))
        at = NOW - random.randrange(60) * DAY
        properties = b'{"total":%d}' % random.randrange(1, 9)
        fact = "Order Completed" if random.random() < 0.7 else "Cart Viewed"
        parts[random.randrange(PARTITIONS)].append(
            Sighting(number + 1, 1, at, its, fact, properties, traits={"n": number})
        )
    for person in range(30):  # at last everybody is known by all names
        names = [Identifier("user_id", f"u{person}"), Identifier("email", f"p{person}@example.com")]
        names += [Identifier("anonymous_id", f"a{person}-{each}") for each in range(3)]
        parts[random.randrange(PARTITIONS)].append(Sighting(1000 + person, 1, NOW, tuple(names)))
    return parts


async def feed(store: Store, definitions: Definitions, partition: int, sightings: list[Sighting]) -> None:
    for at in range(0, len(sightings), 5):
        await store.profiles.take(partition, at, at + 5, sightings[at : at + 5], definitions, NOW)
        await asyncio.sleep(0)


async def settle(store: Store, definitions: Definitions, now: int) -> None:
    """Everything that is due, to its end."""
    while (due := await store.profiles.next_lapse(definitions)) is not None and due <= now:
        await store.profiles.lapse(definitions, now, 7)
    while todo := await store.profiles.todo(definitions, now):
        for definition_id, destination_id in todo:
            if destination_id is None:
                await store.profiles.backfill(definition_id, definitions, now, 7)
            else:
                await store.profiles.sync((definition_id, destination_id), definitions, now, 7)


async def picture(store: Store, definitions: Definitions, now: int) -> dict[str, Any]:
    """Who everybody is and what they are worth, by user id; and what the destination believes."""
    found: dict[str, Any] = {}
    for number in range(30):
        view = await store.profiles.person(Identifier("user_id", f"u{number}"), definitions, now)
        if view is None:
            continue
        person = view.person
        names = {id_: definitions.by_id[id_].key for id_ in definitions.by_id}
        asked = [Identifier("email", f"p{number}@example.com"), Identifier("user_id", "nobody")]
        known = await store.profiles.known(asked)
        assert known.keys() == {asked[0]} and known[asked[0]].traits.keys() <= {"n"}
        found[f"u{number}"] = {
            "names": sorted(met.identifier for met in person.identifiers),
            "facts": view.facts,
            "known": {names[id_]: value for id_, value in known[asked[0]].values.items() if value},
            "values": {names[id_]: held.value for id_, held in person.values.items() if held.value},
            "told": {names[place[0]]: told.value for place, told in person.told.items() if told.value},
        }
    return found


async def opened_with_config(store: Store) -> Definitions:
    configuration = await apply(store, parse(CONFIG, destinations()), NOW)
    return definitions_of(configuration, destinations())


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    store = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    yield store
    await store.close()


@pytest.fixture
async def three(tmp_path: Path, in_schema: Callable[..., str]) -> AsyncIterator[list[PostgresStore]]:
    url = in_schema()
    stores = [PostgresStore(url, vault(tmp_path)) for _ in range(3)]
    yield stores
    for store in stores:
        await store.close()


@pytest.mark.parametrize("seed", range(4))
async def test_many_at_once_come_to_what_one_after_the_other_does(
    seed: int, sqlite: Store, three: list[PostgresStore]
) -> None:
    parts = history(seed)
    definitions = await opened_with_config(sqlite)
    for partition, sightings in enumerate(parts):
        await feed(sqlite, definitions, partition, sightings)
    await settle(sqlite, definitions, NOW)
    wanted = await picture(sqlite, definitions, NOW)
    assert len(wanted) == 30 and any("twice" in each["values"] for each in wanted.values())
    assert all(each["told"] == each["values"] == each["known"] for each in wanted.values())
    shared = await opened_with_config(three[0])
    work: list[Awaitable[None]] = [
        feed(three[partition % 3], shared, partition, sightings) for partition, sightings in enumerate(parts)
    ]
    work += [settle(store, shared, NOW) for store in three]
    await asyncio.gather(*work)
    await settle(three[1], shared, NOW)
    assert await picture(three[2], shared, NOW) == wanted
    later = NOW + 31 * DAY
    await settle(sqlite, definitions, later)
    await asyncio.gather(*(settle(store, shared, later) for store in three))
    after = await picture(three[0], shared, later)
    assert after == await picture(sqlite, definitions, later) != wanted
    assert all("recent" not in each["told"] for each in after.values())


@pytest.mark.parametrize("shared", [False, True])
async def test_calls_that_wait_for_a_person_are_counted_where_they_belong(
    shared: bool, sqlite: Store, three: list[PostgresStore]
) -> None:
    store: Store = three[0] if shared else sqlite
    definitions = await opened_with_config(store)
    people = [
        Sighting(number, 1, NOW, (Identifier("user_id", f"u{number}"),), "Order Completed", b'{"total":5}')
        for number in (1, 2, 3)
    ]
    await feed(store, definitions, 0, people)
    await settle(store, definitions, NOW)
    to = definitions.by_key["recent"].destinations[0]
    claimed = await store.turn(to, [], 100, "me", NOW, NOW + DAY)
    refused = [each for each in claimed if '"recent":' in (each.call or "")][:2]
    await store.turn(
        to,
        [
            Settled(each.id, each.attempt, NOW, NOW, Outcome.REFUSED, "bad", "", 400, State.REFUSED, NOW)
            for each in refused
        ],
        0,
        "me",
        NOW,
        NOW + DAY,
    )
    views = await store.profiles.views(list(definitions.by_id.values()))
    failed = {definitions.by_id[view.id].key: [run.failed for run in view.syncs] for view in views}
    assert failed == {"recent": [2], "twice": [0], "spent": [0]}
    (run,) = await store.profiles.runs(definitions.by_key["recent"].id, 9)
    assert (run.destination_id, run.kind, run.added, run.removed, run.failed) == (to, "first", 3, 0, 2)


async def test_what_was_planned_by_another_configuration_is_not_written(three: list[PostgresStore]) -> None:
    one, two, _ = three
    stale = await opened_with_config(one)
    await opened_with_config(two)
    attempts: list[Awaitable[Any]] = [
        one.profiles.take(0, 0, 1, [], stale, NOW),
        one.profiles.lapse(stale, NOW, 10),
        one.profiles.backfill(1, stale, NOW, 10),
        one.profiles.sync((1, 1), stale, NOW, 10),
    ]
    for attempt in attempts:
        with pytest.raises(LostRaceError):
            await attempt
