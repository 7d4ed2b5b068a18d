"""Clocks that jump, forward and back, in the middle of everything: nothing is lost, sent twice, or waits for long.

'For long' is longer than a jump back plus what it would have waited anyway.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from support import until

from . import THOROUGH, told
from .world import HOUR, TOTAL, World, settings

DAY = 24 * HOUR
JUMPS = [1_000, HOUR, 36 * HOUR, 40 * DAY, -1_000, -HOUR, -36 * HOUR, -40 * DAY]
SOME = [HOUR, 40 * DAY, -36 * HOUR]  # in the normal run
SLACK = 5_000
counts: Counter[str] = Counter()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.open()
    yield world
    await world.close()


async def order(world: World, name: str = "1") -> None:
    await world.send("Order Completed", name, email=f"c{name}@example.com", total=TOTAL)
    await world.quiet()


# Each brings order 1 somewhere, and says how long (ms) it may wait there by itself.


async def waits_for_its_hold(world: World) -> int:
    await world.apply(settings(hold="2 hours"))
    await order(world)
    return 2 * HOUR


async def waits_to_be_tried_again(world: World) -> int:
    world.vendor.mood = "500"
    await order(world)
    return 5_000


async def the_vendor_asked_for_patience(world: World) -> int:
    world.vendor.mood = "429"
    await order(world)
    return 660_000


async def the_breaker_is_open(world: World) -> int:
    world.vendor.mood = "500"
    for number in range(8):
        await order(world, f"other {number}")
    await order(world)
    return 60_000


async def the_rate_is_spent(world: World) -> int:
    await world.apply(settings(rate_limit=6))
    for number in range(3):
        await order(world, f"other {number}")
    await order(world)
    return 120_000


async def is_blocked(world: World) -> int:
    world.vendor.mood = "401"
    await order(world)
    return 0


async def is_under_way(world: World) -> int:
    world.vendor.mood = "hangs*"
    await order(world)
    return 0


async def is_under_way_in_vain(world: World) -> int:
    world.vendor.mood = "hangs"
    await order(world)
    return 5_000


SITUATIONS: list[Callable[[World], Awaitable[int]]] = [
    waits_for_its_hold,
    waits_to_be_tried_again,
    the_vendor_asked_for_patience,
    the_breaker_is_open,
    the_rate_is_spent,
    is_blocked,
    is_under_way,
    is_under_way_in_vain,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("dies", [False, True], ids=["", "and it dies"])
async def test_the_clock_jumps(situation: Callable[[World], Awaitable[int]], dies: bool) -> None:
    for jump in JUMPS if THOROUGH else SOME:
        world = World()
        await world.open()
        await world.apply(settings(uncertain="resend"))  # what a death leaves must go on, too
        its_own = await situation(world)
        world.clock.at += jump
        assert world.lanes is not None
        await world.lanes.recover()  # as every 30 s
        await world.store.prune(world.clock.now() - 30 * DAY)  # as every 10 min
        if dies:
            await world.die()
        await world.quiet()
        world.vendor.mood = "201"
        world.vendor.answer_at_last()
        if situation is is_blocked:
            await world.apply(world.settings)
        await world.quiet()
        world.clock.at += its_own + max(-jump, 0) + SLACK
        await world.quiet()
        await world.quiet()
        rows = await world.rows()
        assert {row.state for row in rows.values()} == {"accepted"}, (jump, rows)
        unclear = dies and situation is is_under_way
        assert world.vendor.accepted["1"] == 1 + unclear
        # An SDK sends it again: its message may be forgotten by now, its order is not.
        await world.take(world.entries[-1])
        await world.quiet()
        assert world.vendor.accepted["1"] == 1 + unclear and len(await world.rows()) == len(rows)
        await world.close()
        counts["forward" if jump > 0 else "back"] += 1


@pytest.mark.parametrize("jump", JUMPS if THOROUGH else SOME)
async def test_what_another_process_made_is_seen_wherever_the_clock_went(world: World, jump: int) -> None:
    """Nobody notifies the lane: it has to look by itself."""
    await order(world)
    world.clock.at += jump
    await world.send("Order Completed", "2", email="c2@example.com", total=TOTAL)

    async def sent() -> bool:
        return world.vendor.accepted["2"] == 1

    await until(sent, 5)


async def test_a_retry_window_survives_the_clock(world: World) -> None:
    """A leap forward spends no attempts: after it there are still those that are due."""
    world.vendor.mood = "500"
    await order(world)
    for leap, _ in itertools.product((36 * HOUR, 3 * HOUR, -HOUR), range(2)):
        world.clock.at += leap
        await world.quiet()
        (row,) = (await world.rows()).values()
        assert row.state == "queued"
    world.vendor.mood = "201"
    world.clock.at += 3 * HOUR
    await world.quiet()
    (row,) = (await world.rows()).values()
    assert row.state == "accepted"


def test_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, f"clock jumps in {len(SITUATIONS)} situations, with and without a death", counts)
