"""Stopping as an operator does, in the middle of work: it ends well, and nothing is left in the air."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from .calls import day
from .promise import kept
from .rig import Rig
from .sdk import Fleet


@pytest.mark.parametrize("faults", [(), ("slow=0.3",), ("slow=0.2", "202-first")])
async def test_stopped_under_load_nothing_is_uncertain(
    faults: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started, chance = time.monotonic(), Random(os.environ.get("PLAUDIT_SEED", "1"))
    orders = 500 if faults else 2_000
    async with Rig(tmp_path, faults=faults) as rig:
        fleet = Fleet(rig.port, day(orders, chance))
        sending = asyncio.create_task(fleet.run(12))
        for share in (0.3, 0.8):
            await fleet.reached(round(orders * share))
            assert await rig.stop() == 0
            left = Counter(row["state"] for row in await rig.ledger())
            assert set(left) <= {"queued", "accepted"}, left
            await rig.start()
        await sending
        await rig.settled()
        report = await kept(rig, fleet)
    with capsys.disabled():
        print(
            report.line(f"stopped twice, {', '.join(faults) or 'quick vendor'}", time.monotonic() - started)
        )
    assert set(report.states) == {"accepted"}
    assert report.twice == 0
