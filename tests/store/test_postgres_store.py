"""The PostgreSQL store passes the suites, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from conformance.access import AccessConformance
from conformance.exchanges import ExchangesConformance
from conformance.ledger import LedgerConformance
from conformance.opened import Open
from conformance.ownership import OwnershipConformance
from conformance.store import StoreConformance
from conformance.undo import Messages, UndoConformance
from conformance.views import ViewsConformance
from plaudit.secrets import vault
from plaudit.store.base import Store
from plaudit.store.postgres import PostgresStore

Url = Callable[..., str]


@pytest.fixture
def opened(tmp_path: Path, in_schema: Url) -> Open:
    async def open_store() -> Store:
        return PostgresStore(in_schema(), vault(tmp_path))

    return open_store


class TestPostgresStore(StoreConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestPostgresAccess(AccessConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestPostgresExchanges(ExchangesConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestPostgresViews(ViewsConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestPostgresLedger(LedgerConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestPostgresUndo(UndoConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened

    @pytest.fixture
    def messages(self, in_schema: Url) -> Messages:
        def read() -> list[str | None]:
            with psycopg.connect(in_schema()) as connection:
                return [m for (m,) in connection.execute("SELECT message FROM decided").fetchall()]

        return read


class TestPostgresOwnership(OwnershipConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened
