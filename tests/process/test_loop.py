"""The loop from the log to the ledger: what happens when a commit fails, is overtaken, or meets a poisoned event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.rows import wanted
from plaudit import installation
from plaudit.clock import SystemClock
from plaudit.destinations.catalog import destinations
from plaudit.errors import LostRaceError, UnavailableError
from plaudit.log.sqlite import SqliteLog
from plaudit.process import loop
from plaudit.process.loop import Processor
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import Committed, Store
from support import ORDER, until


class Troubled:
    """A store whose commits fail as told, each time before or after the real commit; then it is well."""

    def __init__(self, store: Store, *failures: Exception | tuple[Exception]) -> None:
        self._store = store
        self._failures = list(failures)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, *batch: Any) -> Committed:
        failure = self._failures.pop(0) if self._failures else None
        if isinstance(failure, Exception):
            raise failure
        done = await self._store.commit(*batch)
        if failure:
            raise failure[0]
        return done


@pytest.fixture
async def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[SqliteLog, Store]]:
    monkeypatch.setattr(loop, "PATIENCE", 0.01)
    monkeypatch.setattr(loop, "EVENTS", 8)
    store, log = installation.open_store(tmp_path, create=True), SqliteLog(tmp_path / "log.db")
    await store.apply(wanted(), now=500)
    yield log, store
    await log.close()
    await store.close()


def order(number: int) -> bytes:
    event = {"event": "Order Completed", "userId": "u", "properties": {**ORDER, "order_id": str(number)}}
    return msgspec.json.encode(event)


async def append(log: SqliteLog, bodies: list[bytes]) -> None:
    for number, body in enumerate(bodies):
        source = 1 if number % 2 else 2
        await log.append(Entry(source, 1000, [Envelope(f"m{number}", "track", 900, body)]))


async def through(log: SqliteLog, store: Store, processor: Processor) -> None:
    """Run until everything in the log has been processed."""

    async def done() -> bool:
        return await store.cursor(0) == await log.head(0)

    processor.configure(await store.configuration(), destinations())
    running = asyncio.create_task(processor.run())
    await until(done)
    await until(lambda: not processor.trouble)
    processor.stop()
    await asyncio.wait_for(running, 5)


@pytest.mark.parametrize(
    "failures",
    [
        [UnavailableError("full")],
        [UnavailableError("full")] * 3,
        [RuntimeError("anything")],
        [LostRaceError("quicker")],
        [(UnavailableError("committed, but it did not look so"),)],
        [(RuntimeError("the same"),), UnavailableError("full"), (LostRaceError("quicker"),)],
    ],
)
async def test_trouble_loses_nothing_and_doubles_nothing(
    parts: tuple[SqliteLog, Store], failures: list[Any]
) -> None:
    log, store = parts
    await append(log, [order(n) for n in range(50)])
    made: list[set[int]] = []
    troubled: Any = Troubled(store, *failures)
    await through(log, store, Processor(0, log, troubled, SystemClock(), made.append))
    assert len(await store.invitations(destination="trustpilot")) == 50
    assert [e.disposition for e in await store.events()] == ["invited"] * 50
    assert made


async def test_a_poisoned_event_blocks_no_other(
    parts: tuple[SqliteLog, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, store = parts
    kinds = destinations()["trustpilot"]
    real = kinds.decide

    def decide(event: Any, settings: Any) -> Any:
        if event.properties["order_id"] == "3":
            raise ZeroDivisionError
        return real(event, settings)

    await append(log, [order(n) for n in range(10)])
    processor = Processor(0, log, store, SystemClock(), lambda _: None)
    poisoned = msgspec.structs.replace(kinds, decide=decide)
    monkeypatch.setattr(loop, "routes", lambda c, k: {s.id: [(1, poisoned, {})] for s in c.sources})
    await through(log, store, processor)
    assert sorted(i.order_id for i in await store.invitations()) == sorted(
        str(n) for n in range(10) if n != 3
    )
    (bad,) = await store.events(disposition="bad_request")
    assert "ZeroDivisionError" in bad.message
