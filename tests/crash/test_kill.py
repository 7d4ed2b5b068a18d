"""kill -9 under load: what was answered 200 is neither lost nor sent twice.

The kills come by chance (`PLAUDIT_SEED` chooses it), so that many runs are worth more than one.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from random import Random

import pytest

from .calls import day
from .promise import Report, kept
from .rig import Rig
from .sdk import Fleet

CONNECTIONS = 12


async def killed(rig: Rig, orders: int, kills: int) -> Report:
    """Send so many orders, kill the server so many times meanwhile, and see what came of it."""
    chance = Random(os.environ.get("PLAUDIT_SEED", "1"))
    fleet = Fleet(rig.port, day(orders, chance))
    sending = asyncio.create_task(fleet.run(CONNECTIONS))
    for share in sorted(chance.uniform(0.02, 0.95) for _ in range(kills)):
        await fleet.reached(round(orders * share))
        await asyncio.sleep(chance.uniform(0, 0.05))
        rig.kill()
        await asyncio.sleep(chance.uniform(0, 0.2))
        await rig.start()
    await sending
    await rig.settled()
    return await kept(rig, fleet)


async def test_no_order_is_lost_and_none_is_invited_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default an attempt that a kill interrupted is held for a person."""
    started = time.monotonic()
    async with Rig(tmp_path) as rig:
        report = await killed(rig, orders=20_000, kills=4)
    with capsys.disabled():
        print(report.line("killed, hold", time.monotonic() - started))
    assert report.orders >= 19_000
    assert report.twice == 0
    assert report.states["uncertain"] == report.interrupted


async def test_resend_leaves_nothing_uncertain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `resend` only what a kill interrupted can have been accepted twice, and nothing waits for a person."""
    started = time.monotonic()
    async with Rig(tmp_path, settings='uncertain = "resend"') as rig:
        report = await killed(rig, orders=6_000, kills=4)
    with capsys.disabled():
        print(report.line("killed, resend", time.monotonic() - started))
    assert set(report.states) == {"accepted"}
    assert report.twice <= report.interrupted


@pytest.mark.parametrize("policy", ["hold", "resend"])
async def test_a_slow_vendor_at_the_moment_of_the_kill(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kill finds a full lane whose invitations the vendor has, and Plaudit does not know it."""
    started = time.monotonic()
    async with Rig(tmp_path, settings=f'uncertain = "{policy}"', faults=("slow=0.3",)) as rig:
        report = await killed(rig, orders=500, kills=2)
    with capsys.disabled():
        print(report.line(f"killed, slow vendor, {policy}", time.monotonic() - started))
    assert report.interrupted > 0
    if policy == "hold":
        assert (report.twice, report.states["uncertain"]) == (0, report.interrupted)
    else:
        assert set(report.states) == {"accepted"}
        assert report.twice > 0  # the price of `resend`, and what the attempts' history shows
