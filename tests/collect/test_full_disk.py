"""A disk without room: 503 and Retry-After, nothing lost that was accepted, and recovery by itself."""

from __future__ import annotations

import asyncio
from typing import Any

from conftest import Line
from plaudit.log.sqlite import SqliteLog
from support import ORDER, WRITE_KEY, Reply, http, track, until

ROOM_FOR_MORE = 1_000_000_000  # pages


def allow(pages: int) -> Any:
    """A job that lets a database file grow by so many pages from now on: what SQLite then says is 'disk full'."""
    return lambda connection: connection.pragma("max_page_count", connection.pragma("page_count") + pages)


async def post(line: Line, number: int) -> Reply:
    body = track({**ORDER, "order_id": str(number)}, context={"padding": "x" * 4000})
    return await asyncio.to_thread(http, line.plaudit.url + "/v1/track", body, key=WRITE_KEY)


async def test_a_full_log_is_told_and_gets_over_it(line: Line) -> None:
    log = line.plaudit._log
    assert isinstance(log, SqliteLog)
    writer = log._writer
    await writer.submit(allow(20))
    replies = [await post(line, number) for number in range(40)]
    refused = [reply for reply in replies if reply.status != 200]
    assert {reply.status for reply in refused} == {503} and len(refused) < 40
    assert refused[0].headers["retry-after"] == "30" and refused[0].body["code"] == "unavailable"
    assert "is full" in refused[0].body["message"]

    await writer.submit(allow(ROOM_FOR_MORE))
    assert (await post(line, 100)).status == 200
    accepted = {str(n) for n, reply in enumerate(replies) if reply.status == 200} | {"100"}

    async def invited() -> set[str] | None:
        found = {i.order_id for i in await line.plaudit.store.invitations(state="accepted")}
        return found if len(found) == len(accepted) else None

    assert await until(invited) == accepted


async def test_a_full_store_waits_and_gets_over_it(line: Line) -> None:
    writer = line.plaudit.store._writer  # type: ignore[attr-defined] # the SQLite one's
    await writer.submit(allow(0))
    assert [(await post(line, number)).status for number in range(30)] == [200] * 30  # collect needs no store

    async def in_trouble() -> bool:
        return (await asyncio.to_thread(http, line.plaudit.url + "/readyz")).status == 503

    await until(in_trouble)
    await writer.submit(allow(ROOM_FOR_MORE))

    async def all_invited() -> bool:
        return len(await line.plaudit.store.invitations(state="accepted")) == 30

    await until(all_invited)
    assert line.sandbox.app.recorder.stats().twice == 0
    assert (await asyncio.to_thread(http, line.plaudit.url + "/readyz")).status == 200
