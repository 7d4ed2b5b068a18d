"""The writer: jobs that share a commit share its fate when the disk is full, and no other fault of each other's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from plaudit.errors import DataError, UnavailableError
from plaudit.sqlite import Job, Writer, connect, savepoint


def prepare(connection: apsw.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, what TEXT)")


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    writer = Writer(tmp_path / "t.db", "writer", prepare)
    yield writer
    await writer.close()


def put(id_: int, what: str = "small") -> Job:
    """One row a statement: when the file is full, SQLite undoes the whole transaction, and no savepoint is left."""
    return lambda connection: connection.execute("INSERT INTO t VALUES (?, ?)", (id_, what))


def put_two(id_: int) -> Job:
    """Many rows a statement: when the file is full, SQLite undoes that statement alone."""
    return lambda connection: connection.execute(
        "INSERT INTO t VALUES (?, ?), (?, ?)", (id_, "large" * 5000, id_ + 1, "large" * 5000)
    )


def full(connection: apsw.Connection) -> None:
    connection.pragma("max_page_count", connection.pragma("page_count"))


def room(connection: apsw.Connection) -> None:
    connection.pragma("max_page_count", 1_000_000)


async def together(writer: Writer, *jobs: Job) -> list[Any]:
    """What became of jobs that share one commit."""
    begun, go = threading.Event(), threading.Event()

    def waits(_: apsw.Connection) -> None:
        begun.set()
        go.wait()

    first = writer.submit(waits)
    await asyncio.to_thread(begun.wait)
    futures = [writer.submit(job) for job in jobs]
    go.set()
    await first
    return await asyncio.gather(*futures, return_exceptions=True)


def kept(path: Path) -> list[Any]:
    connection = connect(path, readonly=True)
    found = [id_ for (id_,) in connection.execute("SELECT id FROM t ORDER BY id").fetchall()]
    connection.close()
    return found


@pytest.mark.parametrize("large", [put(2, "large" * 5000), put_two(2)], ids=["one row", "two rows"])
async def test_a_full_disk_takes_no_job_and_says_so(writer: Writer, tmp_path: Path, large: Job) -> None:
    await writer.submit(full)
    said = await together(writer, put(1), large, put(7), put(8))
    assert [type(each) for each in said] == [UnavailableError] * 4
    assert all("is full: free some space" in str(each) for each in said)
    assert kept(tmp_path / "t.db") == []  # what was told to have failed is not there
    await writer.submit(room)
    said = await together(writer, put(1), large, put(7), put(8))
    assert not any(isinstance(each, BaseException) for each in said)
    assert kept(tmp_path / "t.db")[-2:] == [7, 8]


async def test_a_lone_job_meets_a_full_disk(writer: Writer, tmp_path: Path) -> None:
    await writer.submit(full)
    with pytest.raises(UnavailableError, match="is full"):
        await writer.submit(put(1, "large" * 5000))
    await writer.submit(put(2))
    assert kept(tmp_path / "t.db") == [2]


async def test_a_job_undoes_itself_alone(writer: Writer, tmp_path: Path) -> None:
    def fails(connection: apsw.Connection) -> None:
        put(2)(connection)
        raise ValueError("its own")

    said = await together(writer, put(1), fails, lambda c: (put(3)(c), put(1)(c)), put(4))
    assert [type(each) for each in said if isinstance(each, Exception)] == [ValueError, DataError]
    assert kept(tmp_path / "t.db") == [1, 4]


async def test_a_job_that_hides_a_full_disk_keeps_nothing(writer: Writer, tmp_path: Path) -> None:
    def hides(connection: apsw.Connection) -> None:
        with pytest.raises(apsw.FullError):
            put(2, "large" * 5000)(connection)

    await writer.submit(full)
    said = await together(writer, put(1), hides, put(3))
    assert all(isinstance(each, UnavailableError | DataError) for each in said)
    assert kept(tmp_path / "t.db") == []


def test_a_savepoint_raises_what_happened_in_it(tmp_path: Path) -> None:
    connection = connect(tmp_path / "t.db")
    prepare(connection)
    full(connection)
    connection.execute("BEGIN")
    with pytest.raises(apsw.FullError), savepoint(connection):
        put(1, "large" * 5000)(connection)
    assert not connection.in_transaction  # by SQLite itself: this is what the writer must notice
    connection.close()
