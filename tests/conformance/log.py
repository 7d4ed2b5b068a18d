"""What every `Log` does. Subclass `LogConformance` and override the fixture `opened`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from plaudit.errors import UnavailableError
from plaudit.log.base import Log
from plaudit.spec.envelope import Entry, Envelope

Open = Callable[[], Awaitable[Log]]


def entry(number: int = 1, size: int = 10, received_at: int = 1000) -> Entry:
    return Entry(1, received_at, [Envelope(f"m{number}", "track", 5, b"x" * size)], b'{"a":1}', b"")


class LogConformance:
    @pytest.fixture
    def opened(self) -> Open:
        """Opens the same log each time; the one before has been closed."""
        raise NotImplementedError

    async def test_positions_grow_and_entries_come_back_whole_and_in_order(self, opened: Open) -> None:
        log = await opened()
        positions = [await log.append(entry(n)) for n in range(5)]
        assert positions == sorted(set(positions)) and positions[0] >= 1
        assert await log.read(0, 0, 100) == [(p, entry(n)) for n, p in enumerate(positions)]
        assert await log.read(0, positions[1], 2) == [(positions[n], entry(n)) for n in (2, 3)]
        assert await log.head(0) == positions[-1]
        await log.close()

    async def test_a_new_log_is_empty(self, opened: Open) -> None:
        log = await opened()
        assert (await log.head(0), await log.read(0, 0, 10)) == (0, [])
        await log.close()

    async def test_what_was_acknowledged_is_there_after_a_restart(self, opened: Open) -> None:
        log = await opened()
        position = await log.append(entry())
        await log.close()
        again = await opened()
        assert await again.read(0, 0, 10) == [(position, entry())]
        assert await again.append(entry(2)) > position
        await again.close()

    async def test_appends_that_come_together_each_get_their_own_position(self, opened: Open) -> None:
        log = await opened()
        positions = await asyncio.gather(*(log.append(entry(n)) for n in range(500)))
        found = dict(await log.read(0, 0, 1000))
        assert len(set(positions)) == 500
        assert all(found[position].events[0].message_id == f"m{n}" for n, position in enumerate(positions))
        await log.close()

    async def test_an_entry_as_large_as_a_request_may_be(self, opened: Open) -> None:
        log = await opened()
        await log.append(entry(size=500 * 1024))
        ((_, found),) = await log.read(0, 0, 1)
        assert len(found.events[0].body) == 500 * 1024
        await log.close()

    async def test_waiting_ends_with_an_append(self, opened: Open) -> None:
        log = await opened()
        waiting = asyncio.create_task(log.wait(0, 0, 30))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await log.append(entry())
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(log.wait(0, 0, 30), 1)
        await log.close()

    async def test_waiting_ends_with_the_time(self, opened: Open) -> None:
        log = await opened()
        position = await log.append(entry())
        await asyncio.wait_for(log.wait(0, position, 0.02), 5)
        await log.close()

    async def test_trimming_forgets_what_is_old_and_processed_only(self, opened: Open) -> None:
        log = await opened()
        positions = [await log.append(entry(n, received_at=n)) for n in range(1, 7)]
        assert await log.trim(0, positions[3], before=3) == 2
        assert [p for p, _ in await log.read(0, 0, 10)] == positions[2:]
        assert await log.trim(0, positions[3], before=100) == 2
        assert [p for p, _ in await log.read(0, 0, 10)] == positions[4:]
        await log.close()

    async def test_trimming_after_the_clock_was_set_back_keeps_what_is_young(self, opened: Open) -> None:
        log = await opened()
        positions = [await log.append(entry(n, received_at=at)) for n, at in enumerate((1, 900, 2, 3))]
        await log.trim(0, positions[2], before=100)
        assert positions[1] in [p for p, _ in await log.read(0, 0, 10)]
        await log.close()

    async def test_positions_never_come_again_after_a_trim(self, opened: Open) -> None:
        log = await opened()
        await log.append(entry(received_at=1))
        position = await log.append(entry(received_at=1))
        assert await log.trim(0, position, before=100) >= 1
        await log.close()
        again = await opened()
        assert await again.head(0) == position
        assert await again.append(entry()) > position
        await again.close()

    async def test_a_log_that_is_older_than_its_reader_goes_on_after_it(self, opened: Open) -> None:
        log = await opened()
        lost = await log.append(entry()) + 49
        await log.advance(0, lost)
        assert await log.head(0) == lost
        assert await log.read(0, lost, 10) == []
        position = await log.append(entry(2))
        assert position > lost and await log.read(0, lost, 10) == [(position, entry(2))]
        await log.advance(0, lost - 43)
        assert await log.head(0) == position
        await log.close()

    async def test_a_closed_log_takes_nothing(self, opened: Open) -> None:
        log = await opened()
        await log.close()
        with pytest.raises(UnavailableError):
            await log.append(entry())
