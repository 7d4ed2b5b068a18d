"""Any history of profiles and audiences, on a file, comes to what the naive one says. `PLAUDIT_SEED` is the first one's.

On PostgreSQL: tests/store/test_profiles_history.py.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from plaudit.secrets import vault
from plaudit.store.sqlite import SqliteStore
from properties import THOROUGH

from .history import World, lived

HISTORIES = 48 + 200 * THOROUGH
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
async def test_any_history(part: int) -> None:
    first = int(os.environ.get("PLAUDIT_SEED", "0"))
    for seed in range(first + part, first + HISTORIES, PARTS):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)

            def world(path: Path = path) -> World:
                at = Path(tempfile.mkdtemp(dir=path))
                return World(lambda: SqliteStore(at / "store.db", vault(at)))

            await lived(seed, world)
