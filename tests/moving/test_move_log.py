"""What a log holds and nobody has processed moves to JetStream: each event once, in order, at places of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from moving.installations import PROCESSED, WAITING, accept, known
from moving.test_move import nobody
from plaudit.app import Options, Plaudit
from plaudit.errors import DataError, UnavailableError
from plaudit.log.base import Log
from plaudit.log.jetstream import JetStreamLog
from plaudit.moving.log import CHUNK
from plaudit.moving.move import Done, mover
from plaudit.secrets import vault
from plaudit.spec.envelope import Entry, event_id, partition
from plaudit.store.postgres import PostgresStore
from support import until

EVENTS = sum(n % 3 + 1 for n in range(PROCESSED + 1, PROCESSED + WAITING + 1))


class Failing:
    """A log that stops taking after so many appends; what was under way may be there."""

    def __init__(self, log: Log, appends: int) -> None:
        self._log = log
        self._left = appends

    async def append(self, entry: Entry) -> int:
        self._left -= 1
        if self._left < 0:
            raise UnavailableError("the log is away")
        return await self._log.append(entry)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


async def move(data: Path, to: str, log: Callable[[], Awaitable[Log]]) -> Done | None:
    async with mover(data, to, nobody) as moving:
        return await moving.run("there", log)


async def entries(url: str) -> dict[int, list[tuple[int, Entry]]]:
    """All of a log, by partition."""
    log = JetStreamLog(url)
    found = {number: await log.read(number, 0, 10_000) for number in range(log.partitions)}
    await log.close()
    return found


def names(found: dict[int, list[tuple[int, Entry]]]) -> Counter[str]:
    return Counter(e.message_id for each in found.values() for _, entry in each for e in entry.events)


def wanted() -> Counter[str]:
    numbers = range(PROCESSED + 1, PROCESSED + WAITING + 1)
    return Counter(f"e{number}-{n}" for number in numbers for n in range(number % 3 + 1))


async def test_what_is_not_processed_moves_in_order(
    data: Path, database: str, stream: Callable[[], str]
) -> None:
    url = stream()

    async def opened() -> Log:
        return JetStreamLog(url)

    done = await move(data, database, opened)
    assert done is not None and done.events == EVENTS
    found = await entries(url)
    assert names(found) == wanted()
    for number, each in found.items():
        assert all(partition(e, 16) == number for _, entry in each for e in entry.events)
        times = [entry.received_at for _, entry in each]
        assert times == sorted(times)
        assert all((entry.context == b'{"locale":"de"}') == (entry.received_at % 2 == 1) for _, entry in each)
    # no id can come again, and no cursor stands after what is to be read
    before = max(event_id(0, PROCESSED + WAITING, 4095), 0)
    assert all(event_id(0, position, 0) > before for position, _ in found[0])
    store = PostgresStore(database, vault(data))
    for number, each in found.items():
        cursor = await store.cursor(number)
        assert cursor == (PROCESSED + WAITING if number == 0 else 0)
        assert all(position > cursor for position, _ in each)
    await store.close()


@pytest.mark.parametrize("appends", [0, 1, 17, 30])
async def test_interrupted_it_appends_nothing_twice(
    appends: int, data: Path, database: str, stream: Callable[[], str]
) -> None:
    url = stream()

    async def failing() -> Log:
        return Failing(JetStreamLog(url), appends)

    async def opened() -> Log:
        return JetStreamLog(url)

    with pytest.raises(UnavailableError):
        await move(data, database, failing)
    appends = 3
    with pytest.raises(UnavailableError):
        await move(data, database, failing)
    done = await move(data, database, opened)
    assert done is not None and done.events == EVENTS
    assert names(await entries(url)) == wanted()


async def test_a_long_log_goes_on_in_its_middle(data: Path, database: str, stream: Callable[[], str]) -> None:
    await accept(data, 3 * CHUNK)
    url = stream()

    async def failing() -> Log:
        return Failing(JetStreamLog(url), 3 * CHUNK)

    async def opened() -> Log:
        return JetStreamLog(url)

    with pytest.raises(UnavailableError):
        await move(data, database, failing)
    done = await move(data, database, opened)
    more = sum(n % 3 + 1 for n in range(1, 3 * CHUNK + 1))
    assert done is not None and done.events == EVENTS + more
    assert sum(names(await entries(url)).values()) == EVENTS + more


async def test_a_log_of_others_is_refused(data: Path, database: str, stream: Callable[[], str]) -> None:
    url = stream()
    log = JetStreamLog(url)
    await log.append(Entry(1, 1, []))
    await log.close()

    async def opened() -> Log:
        return JetStreamLog(url)

    with pytest.raises(DataError, match="holds events already"):
        await move(data, database, opened)


async def test_a_cluster_goes_on_where_the_machine_stopped(
    data: Path, database: str, stream: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was processed stays as it was, what was not is processed once."""
    before = await asyncio.to_thread(known, data)
    url = stream()

    async def opened() -> Log:
        return JetStreamLog(url)

    assert await move(data, database, opened)
    monkeypatch.setenv("PLAUDIT_SECRET_KEY", (data / "secret.key").read_text().strip())
    roles = frozenset({"collect", "process"})
    plaudit = Plaudit(Options(data=tmp_path / "none", store=database, log=url, port=0, roles=roles))
    await plaudit.start()
    try:

        async def processed() -> bool:
            return len(await plaudit.store.events(source="shop")) >= EVENTS + 17

        await until(processed)
        found = await plaudit.store.events(source="shop")
        assert len(found) == len({each.id for each in found}) == EVENTS + 17
        moved = Counter(each.message_id for each in found if each.message_id in wanted())
        assert moved == wanted()
        assert {e.disposition for e in found if e.message_id in moved} == {"invited"}
        orders = Counter((i.destination, i.order_id) for i in await plaudit.store.invitations())
        assert set(orders.values()) == {1}
        assert not (tmp_path / "none").exists()  # a cluster's process writes nothing beside its logs
        assert sum(orders.values()) == before["invitations"].count("InvitationView(") + EVENTS
    finally:
        await plaudit.stop()
