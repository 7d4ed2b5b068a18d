"""Importing at its seams: a disk that is full for a while, and a server that must keep up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plaudit.clock import SystemClock
from plaudit.collect import imports
from plaudit.collect.archive import Archive
from plaudit.collect.imports import Imported, Importer, Record
from plaudit.errors import DataError, UnavailableError
from plaudit.spec.envelope import Entry

EVENTS = 20_000


class FullForAWhile:
    """A log that does not take the first few segments when they come for the first time."""

    def __init__(self, refusals: int) -> None:
        self.entries: list[Entry] = []
        self._refusals = refusals * imports.ENTRIES

    async def append(self, entry: Entry) -> int:
        if self._refusals:
            self._refusals -= 1
            raise UnavailableError("the disk that holds log.db is full: free some space", retry_after=30)
        self.entries.append(entry)
        return len(self.entries)

    async def head(self, partition: int) -> int:
        return len(self.entries)

    async def advance(self, partition: int, position: int) -> None: ...


class Cursor:
    """A store that processes one entry of the log each time that it is asked how far it is."""

    def __init__(self, log: FullForAWhile, *, works: bool) -> None:
        self._log = log
        self._works = works
        self._at = 0
        self.behind = 0

    async def cursor(self, partition: int) -> int:
        self.behind = max(self.behind, len(self._log.entries) - self._at)
        self._at += self._works and self._at < len(self._log.entries)
        return self._at


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(imports, "PAUSE", 0.0)
    monkeypatch.setattr(imports, "LOOK", 0.0)
    path = tmp_path / "a.ndjson"
    path.write_text("".join(json.dumps({"type": "page", "userId": str(n)}) + "\n" for n in range(EVENTS)))
    return Archive(str(path))


async def run(archive: Archive, log: Any, store: Any, tmp_path: Path, waited: list[str]) -> Imported:
    record = Record(tmp_path / "imports.json")
    importer = Importer(log, store, SystemClock(), record, waits=waited.append)
    state = await importer.run(archive, "key", 7, Imported("a", "shop", history=False), tmp_path / "bad")
    assert record.find("key") == state == Record(tmp_path / "imports.json").find("key")
    return state


async def test_a_full_disk_is_waited_for(archive: Archive, tmp_path: Path) -> None:
    log, waited = FullForAWhile(3), list[str]()
    state = await run(archive, log, Cursor(log, works=False), tmp_path, waited)
    assert (state.events, state.done, len(waited)) == (EVENTS, True, 3)
    assert [e.message_id for entry in log.entries for e in entry.events].count("") == 0
    assert sum(len(entry.events) for entry in log.entries) == EVENTS
    assert {entry.source_id for entry in log.entries} == {7}


async def test_a_server_at_work_is_not_left_far_behind(archive: Archive, tmp_path: Path) -> None:
    log = FullForAWhile(0)
    store = Cursor(log, works=True)
    await run(archive, log, store, tmp_path, [])
    assert store.behind <= imports.AHEAD + 2 * imports.ENTRIES


async def test_where_no_server_works_nothing_waits(archive: Archive, tmp_path: Path) -> None:
    log = FullForAWhile(0)
    store = Cursor(log, works=False)
    await run(archive, log, store, tmp_path, [])
    assert store.behind > imports.AHEAD + 2 * imports.ENTRIES


def test_a_record_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "imports.json").write_text("{")
    with pytest.raises(DataError, match="remove it"):
        Record(tmp_path / "imports.json")
