"""Killed while it starts, again and again: it always starts the next time, and the line works."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from random import Random

from .calls import day
from .promise import kept
from .rig import Rig
from .sdk import Fleet

STARTING = 0.6  # seconds that a start takes, or less


async def test_killed_while_it_starts(tmp_path: Path) -> None:
    chance = Random(os.environ.get("PLAUDIT_SEED", "1"))
    async with Rig(tmp_path) as rig:
        fleet = Fleet(rig.port, day(300, chance))
        sending = asyncio.create_task(fleet.run(4))
        for _ in range(6):
            rig.kill()
            rig.spawn()
            await asyncio.sleep(chance.uniform(0.1, STARTING))
        rig.kill()
        await rig.start()
        await sending
        await rig.settled()
        await kept(rig, fleet)


def test_killed_at_any_line_of_its_first_start(tmp_path: Path) -> None:
    """See `first_start.py`."""
    program = [sys.executable, str(Path(__file__).with_name("first_start.py")), str(tmp_path)]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
