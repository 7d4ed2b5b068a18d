"""A store for a suite: opened, with the configuration of `rows.wanted`, and closed. Its subclass says which store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from conformance.rows import wanted
from plaudit.store.base import Store

Open = Callable[[], Awaitable[Store]]


class OfStore:
    @pytest.fixture
    def opened(self) -> Open:
        """Opens the same store each time; the one before has been closed."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, opened: Open) -> AsyncIterator[Store]:
        store = await opened()
        await store.apply(wanted(), now=500)
        yield store
        await store.close()
