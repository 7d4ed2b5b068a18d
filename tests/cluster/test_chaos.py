"""Each part of the cluster goes away in turn, while orders come: none is lost, none is invited for twice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from support import until

from . import THOROUGH
from .rig import Cluster, running
from .shop import Shop

ROLES = {
    "collect1": "collect",
    "collect2": "collect",
    "work1": "process,deliver",
    "work2": "process,deliver",
}
CALM = 1.0  # seconds between two troubles
PAST_ITS_LEASE = 7.0

Trouble = Callable[[Cluster], Awaitable[None]]


async def killed(cluster: Cluster, name: str) -> None:
    member = cluster.members[name]
    member.kill()
    await asyncio.sleep(0.5)
    member.start()
    await asyncio.to_thread(member.ready)


async def paused(cluster: Cluster, name: str) -> None:
    cluster.members[name].pause()
    await asyncio.sleep(PAST_ITS_LEASE)
    cluster.members[name].resume()


async def nats_leader_killed(cluster: Cluster) -> None:
    node = await asyncio.to_thread(cluster.nats.leader, "PLAUDIT")
    node.kill()
    await asyncio.sleep(2)
    node.start()
    await asyncio.to_thread(cluster.nats.settle)


async def nats_paused(cluster: Cluster) -> None:
    node = cluster.nats.nodes[0]
    node.pause()
    await asyncio.sleep(3)
    node.resume()


async def postgres_crashes(cluster: Cluster) -> None:
    await asyncio.to_thread(cluster.postgres.stop, signal.SIGQUIT)
    await asyncio.sleep(2)
    await asyncio.to_thread(cluster.postgres.start)


async def cut_off(cluster: Cluster) -> None:
    for wire in cluster.wires:
        wire.cut()
    await asyncio.sleep(PAST_ITS_LEASE)
    for wire in cluster.wires:
        wire.mend()


async def rolled_over(cluster: Cluster) -> None:
    """As an upgrade goes: each process stops in its own time, and the next one follows when it is back."""
    for member in cluster.members.values():
        assert await asyncio.to_thread(member.stop) == 0, member.said
        member.start()
        await asyncio.to_thread(member.ready)


TROUBLES: dict[str, Trouble] = {
    "a worker is killed": lambda c: killed(c, "work1"),
    "a collector is killed": lambda c: killed(c, "collect1"),
    "the leader of the log is killed": nats_leader_killed,
    "a worker is paused past its lease": lambda c: paused(c, "work2"),
    "PostgreSQL crashes": postgres_crashes,
    "a server of the log is paused": nats_paused,
    "a worker is cut off past its lease": cut_off,
    "all processes are rolled over": rolled_over,
}


async def test_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    started = time.monotonic()
    with running(tmp_path, ROLES, wired="work2") as cluster:
        shop = Shop(cluster)
        sending = asyncio.create_task(shop.send())
        for _ in range(THOROUGH):
            for trouble in TROUBLES.values():
                await asyncio.sleep(CALM)
                await trouble(cluster)
                assert not sending.done(), sending.exception()
        await asyncio.sleep(CALM)
        shop.close()
        await sending
        await cluster.settled()
        await promised(cluster, shop, time.monotonic() - started)


async def promised(cluster: Cluster, shop: Shop, seconds: float) -> None:
    store = cluster.store()
    try:
        ledger = {row.order_id: row for row in await store.invitations()}
        assert shop.told <= ledger.keys(), "an order with a 200 has its row"
        states = Counter(row.state for row in ledger.values())
        assert set(states) <= {"accepted", "uncertain"}, states
        accepted = await cluster.accepted()
        twice = [order for order, count in accepted.items() if count > 1]
        print(
            f"\ncluster: {len(shop.told):,} orders, {len(TROUBLES) * THOROUGH} troubles: "
            + ", ".join(f"{count:,} {state}" for state, count in states.most_common())
            + f"; {len(twice)} accepted twice; {shop.again} requests sent again; {seconds:.0f} s"
        )
        assert not twice
        assert all(accepted.get(order) == 1 for order, row in ledger.items() if row.state == "accepted")
        assert {e.disposition for e in await store.events()} <= {"invited", "duplicate_message"}
    finally:
        await store.close()


async def test_the_work_of_a_dead_process_is_taken_over_in_seconds(tmp_path: Path) -> None:
    with running(tmp_path, ROLES) as cluster:
        shop = Shop(cluster)
        sending = asyncio.create_task(shop.send())
        await until(lambda: len(shop.told) > 50, 30)
        for name in ("work1", "work2"):
            cluster.members[name].kill()
            killed_at, before = time.monotonic(), len(shop.told)

            async def later(before: int = before) -> bool:
                await asyncio.sleep(0.1)
                accepted = await cluster.accepted()
                return sum(order in accepted for order in list(shop.told)) > before + 50

            await until(later, 30)
            print(
                f"\n{name} was killed; orders that came after it were at the vendor after {time.monotonic() - killed_at:.1f} s"
            )
            assert time.monotonic() - killed_at < 15
            cluster.members[name].start()
            await asyncio.to_thread(cluster.members[name].ready)
        shop.close()
        await sending


async def test_a_configuration_reaches_every_process_within_a_second(tmp_path: Path) -> None:
    from plaudit.config import parse
    from plaudit.destinations.catalog import destinations
    from plaudit.installation import apply
    from support import config, http

    with running(tmp_path, ROLES) as cluster:
        text = config("http://127.0.0.1:9").replace("testWriteKey", "anotherWriteKey")
        store = cluster.store()
        await apply(store, parse(text, destinations()), time.time_ns() // 1_000_000)
        await store.close()
        applied = time.monotonic()
        event = {"userId": "u", "event": "Product Viewed"}
        for member in cluster.collectors:

            async def known(url: str = member.url) -> bool:
                reply = await asyncio.to_thread(http, f"{url}/v1/track", event, key="anotherWriteKey")
                return reply.status == 200

            await until(known, 5)
        assert time.monotonic() - applied < 2  # a second, and one for a busy machine


async def test_commands_work_beside_it(tmp_path: Path) -> None:
    from cli.run import plaudit

    with running(tmp_path, {"all": "collect,process,deliver"}) as cluster:
        shop = Shop(cluster)
        sending = asyncio.create_task(shop.send())
        await until(lambda: len(shop.told) > 20, 30)
        shop.close()
        await sending
        await cluster.settled()
        ran = await asyncio.to_thread(plaudit, "invitations", "--json", "--limit", "0", env=cluster.env)
        assert {row["order_id"] for row in ran.objects} == shop.told
        ran = await asyncio.to_thread(plaudit, "events", "--limit", "3", env=cluster.env)
        assert ran.code == 0 and "invited" in ran.out
        ran = await asyncio.to_thread(plaudit, "replay", "--since", "1 hour", "--dry-run", env=cluster.env)
        assert ran.code == 0 and f"{len(shop.told):,}" in ran.out, ran
        url = cluster.members["all"].url
        ran = await asyncio.to_thread(plaudit, "doctor", "--url", url, env=cluster.env)
        assert ran.code == 0, ran.out


async def test_a_destinations_rate_is_the_whole_clusters(tmp_path: Path) -> None:
    with running(tmp_path, ROLES, settings="rate_limit = 120\npages = false") as cluster:
        started = time.monotonic()
        shop = Shop(cluster)
        sending = asyncio.create_task(shop.send())
        await until(lambda: len(shop.told) > 150, 30)
        shop.close()
        await sending

        async def enough() -> bool:
            return len(await cluster.accepted()) >= 20

        await until(enough, 30)
        accepted = len(await cluster.accepted())
        # A second's worth at once, and then two a second: once, though two processes deliver.
        assert accepted <= 2 + 2 * (time.monotonic() - started) + 1
