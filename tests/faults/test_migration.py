"""From the first schema to the newest, cut off or failing at every step: every row comes over once, with its id."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from plaudit.destinations.base import State
from plaudit.errors import PlauditError
from plaudit.secrets import Vault
from plaudit.sqlite import Writer, connect
from plaudit.store.sqlite import SqliteStore
from plaudit.store.sqlite.schema import migrate, migrations

from . import THOROUGH, old_store, told
from .images import Cut, Image, write
from .vfs import Disk, Fault, Op

EVERY = 1 if THOROUGH else 3
NEWEST = migrations()[-1][0]


def migrated(path: Path) -> None:
    """As the store does it when it opens."""
    connection = connect(path)
    migrate(connection)
    connection.close()


def check(path: Path, before: object, *, after: bool = True) -> int:
    """All is there, in the old schema or in the new one; which."""
    connection = connect(path)
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    version: int = connection.pragma("user_version")
    assert version in ((NEWEST,) if after else (1, NEWEST))
    assert old_store.content(connection) == before
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert ("invitations" in tables) is (version == 1)
    connection.close()
    return version


@pytest.fixture
def old(tmp_path: Path) -> tuple[Path, object]:
    path = tmp_path / "old.db"
    old_store.make(path)
    connection = connect(path)
    content = old_store.content(connection)
    connection.close()
    assert len(content["rows"]) == old_store.COPIES * len(State)
    return path, content


def test_a_migration_that_is_cut_off_anywhere(
    old: tuple[Path, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, before = old
    with Disk(keep=True) as disk:
        copy = Path(shutil.copy(path, tmp_path / "store.db"))
        migrated(copy)
        ops = disk.ops
    chance, image, tried = Random(1), Image(), Counter({"operations": len(ops)})
    for old_op in (Op("write", str(copy), 0, path.read_bytes()), Op("sync", str(copy))):
        image.do(old_op)
    versions: Counter[int] = Counter()
    for done, op in enumerate([*ops, None]):
        for cut, files in image.cuts(op, chance, tuple(Cut) if done % EVERY == 0 else ()):
            tried[cut] += 1
            with TemporaryDirectory(dir=tmp_path) as folder:
                write(files, Path(folder))
                versions[check(Path(folder) / "store.db", before, after=False)] += 1
                migrated(Path(folder) / "store.db")
                check(Path(folder) / "store.db", before)
        if op is not None:
            image.do(op)
    told(
        capsys, "migrations cut off", tried + Counter({f"left at schema {v}": n for v, n in versions.items()})
    )
    assert versions[1] > 10 and versions[NEWEST] >= 1


@pytest.mark.filterwarnings("ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", list(Fault))
def test_a_migration_whose_writes_fail(
    fault: Fault, old: tuple[Path, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, before = old
    tried: Counter[str] = Counter()
    copy = tmp_path / "store.db"
    for at in range(1, 10_000, EVERY):
        for file in tmp_path.glob("store.db*"):
            file.unlink()
        shutil.copy(path, copy)
        with Disk() as disk:
            disk.arm(at, fault)
            try:
                migrated(copy)
            except Exception as error:  # noqa: BLE001 - the disk's, told as `Writer` tells it
                tried[f"told as {type(error).__name__}"] += 1
            disk.mend()
            if not disk.fired:
                break
            tried["steps"] += 1
        check(copy, before, after=False)
        migrated(copy)
        check(copy, before)
    told(capsys, f"a migration on a disk that fails ({fault})", tried)
    assert tried["steps"] > 5


@pytest.mark.filterwarnings("ignore:Exception ignored in. None:pytest.PytestUnraisableExceptionWarning")
async def test_a_start_on_a_full_disk_says_so_and_the_next_one_goes_on(
    old: tuple[Path, object], tmp_path: Path
) -> None:
    path, before = old
    with Disk() as disk:
        disk.arm(20, Fault.FULL)
        with pytest.raises(PlauditError, match="is full: free some space"):
            Writer(path, "store-writer", prepare=migrate)
    check(path, before, after=False)
    store = SqliteStore(path, Vault(bytes(32)))
    # What was 'sending' then is settled as after any death, and new rows go on where the old ids ended.
    assert await store.recover("me", alone=True, now=50, resend=[]) == old_store.COPIES
    rows = await store.invitations()
    assert {row.state for row in rows} == set(State) - {State.SENDING}
    assert await store._writer.submit(lambda c: c.pragma("user_version")) == NEWEST
    last = await store._writer.submit(
        lambda c: c.execute("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").get
    )
    await store.close()
    assert last == old_store.LAST_ID
