"""Any history of profiles and audiences on PostgreSQL, where two processes take turns, comes to what the naive one says."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from audiences.history import World, lived
from plaudit.secrets import vault
from plaudit.store.postgres import PostgresStore
from postgres import PostgresServer
from properties import THOROUGH

HISTORIES = 6 + 30 * THOROUGH
_numbers = count(1)


@pytest.fixture
def worlds(postgres: PostgresServer, tmp_path: Path) -> Callable[[], World]:
    """Each is in a schema of its own."""

    def world() -> World:
        name = f"history_{next(_numbers)}"
        with psycopg.connect(postgres.url(), autocommit=True) as admin:
            admin.execute(f"CREATE SCHEMA {name}")
        url = f"{postgres.url()}?options={quote(f'-c search_path={name}')}"
        return World(lambda: PostgresStore(url, vault(tmp_path)), stores=2)

    return world


async def test_any_history(worlds: Callable[[], World]) -> None:
    first = int(os.environ.get("PLAUDIT_SEED", "0"))
    for seed in range(first, first + HISTORIES):
        await lived(seed, worlds)
