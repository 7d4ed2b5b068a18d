"""The SQLite log passes the suite, and notices what another process appends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.log import LogConformance, Open, entry
from plaudit.errors import DataError
from plaudit.log.base import Log
from plaudit.log.sqlite import SqliteLog


class TestSqliteLog(LogConformance):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        async def open_log() -> Log:
            return SqliteLog(tmp_path / "log.db")

        return open_log


async def test_another_process_append_is_noticed(tmp_path: Path) -> None:
    reader, writer = SqliteLog(tmp_path / "log.db"), SqliteLog(tmp_path / "log.db")
    waiting = asyncio.create_task(reader.wait(0, 0, 30))
    await writer.append(entry())
    await asyncio.wait_for(waiting, 5)
    assert len(await reader.read(0, 0, 10)) == 1
    await reader.close()
    await writer.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(DataError, match=r"log\.db is damaged or no Plaudit database"):
        SqliteLog(tmp_path / "log.db")
