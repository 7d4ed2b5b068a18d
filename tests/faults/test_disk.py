"""The disk fails at every single step of a life: nothing that was answered is lost, and nothing is sent unseen.

First the power goes, or the process dies, at each operation of one life: what is left is opened as a new start
would. Then, at each operation, that operation fails while the life goes on, and is tried again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from plaudit.destinations.base import State
from plaudit.store.sqlite import SqliteStore

from . import THOROUGH, told
from .images import Cut, Files, Image, write
from .kept import check_log, check_store
from .life import LOG, STORE, VAULT, Life, Told
from .vfs import Disk, Fault

ROUNDS = max(THOROUGH, 1)
EVERY = 1 if THOROUGH else 9  # in the normal run an operation in so many fails,
CUTS = 1 if THOROUGH else 3  # and the power goes at one in so many


async def test_whatever_a_power_cut_leaves_keeps_the_promises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marks: list[tuple[int, Told]] = [(0, Told())]
    with Disk(keep=True) as disk:
        life = Life(tmp_path, lambda: None, lambda told: marks.append((disk.done, told.copy())))
        await life.live()
        ops = disk.ops
    assert life.failures == 0
    tried = Counter({"operations": len(ops)})
    seen: set[int] = set()
    for number in range(ROUNDS):
        image, chance = Image(), Random(number)
        for done, op in enumerate([*ops, None]):
            now = [told for at, told in marks if at <= done][-1]
            for cut, files in image.cuts(op, chance, tuple(Cut) if done % CUTS == 0 else ()):
                tried[cut] += 1
                for name, check in ((LOG, check_log), (STORE, check_store)):
                    its: Files = {file: content for file, content in files.items() if name in file}
                    mark = hash((name, *its.values(), id(now)))
                    if mark not in seen:
                        seen.add(mark)
                        with TemporaryDirectory(dir=tmp_path) as folder:
                            write(its, Path(folder))
                            await check(Path(folder), now)
            if op is not None:
                image.do(op)
    told(capsys, "power cuts", tried + Counter({"different files checked": len(seen)}))
    assert min(tried[cut] for cut in Cut) > 100


# Where two errors meet (a write's and its rollback's), apsw has nobody to tell of the second.
@pytest.mark.filterwarnings("ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", list(Fault))
async def test_a_write_that_fails_is_tried_again_and_costs_nothing(
    fault: Fault, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: Counter[str] = Counter()
    offset = list(Fault).index(fault)
    for at in itertools.count(1 + (0 if THOROUGH else offset), EVERY):
        folder = tmp_path / str(at)
        folder.mkdir()
        with Disk() as disk:
            disk.arm(at, fault)
            life = Life(folder, disk.mend, lambda _: None)
            await asyncio.wait_for(life.live(), 20)
            if not disk.fired:
                break
            tried["steps"] += 1
            tried["told to a caller"] += life.failures > 0
        await check_log(folder, life.told)
        await check_store(folder, life.told)
        await _nothing_left(folder, life.told)
    told(capsys, f"a disk that fails ({fault})", tried)
    assert tried["told to a caller"] > 20


async def _nothing_left(folder: Path, told: Told) -> None:
    """Every order has its row, in a state that explains itself, and was sent no more often than it says."""
    store = SqliteStore(folder / STORE, VAULT)
    rows = {row.order_id: row for row in await store.invitations()}
    histories = {order: await store.attempts(row.id) for order, row in rows.items()}
    await store.close()
    assert set(rows) == {str(number) for number in range(1, 11)}
    assert rows["7"].state == rows["9"].state == State.CANCELLED or told.sent.keys() & {"7", "9"}
    for order, row in rows.items():
        assert row.state != State.SENDING
        unclear = sum(each.outcome == "uncertain" for each in histories[order])
        assert told.accepted[order] <= 1 + unclear
