"""The SQLite store passes the suite; and what is particular to a file."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from conformance.access import AccessConformance
from conformance.exchanges import ExchangesConformance
from conformance.ledger import LedgerConformance
from conformance.opened import Open
from conformance.rows import wanted
from conformance.store import StoreConformance
from conformance.undo import Messages, UndoConformance
from conformance.views import ViewsConformance
from plaudit.errors import DataError
from plaudit.secrets import vault
from plaudit.sqlite import rows
from plaudit.store.base import Store
from plaudit.store.sqlite import SqliteStore


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    async def open_store() -> Store:
        return SqliteStore(tmp_path / "store.db", vault(tmp_path))

    return open_store


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestSqliteAccess(AccessConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestSqliteExchanges(ExchangesConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestSqliteViews(ViewsConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestSqliteLedger(LedgerConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened


class TestSqliteUndo(UndoConformance):
    @pytest.fixture
    def opened(self, opened: Open) -> Open:
        return opened

    @pytest.fixture
    def messages(self, tmp_path: Path) -> Messages:
        def read() -> list[str | None]:
            connection = apsw.Connection(str(tmp_path / "store.db"))
            found: list[str | None] = [m for (m,) in rows(connection, "SELECT message FROM decided")]
            connection.close()
            return found

        return read


async def test_no_secret_is_readable_in_the_files(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    await store.apply(wanted(), now=500)
    await store.close()
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert b"WriteKey" not in content and b"secretIntegrationKey" not in content
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


async def test_another_key_cannot_open_the_secrets(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    await store.apply(wanted(), now=500)
    await store.close()
    (tmp_path / "secret.key").unlink()
    other = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    with pytest.raises(DataError, match=r"secret\.key .* is not the one"):
        await other.configuration()
    await other.close()


def test_a_file_of_a_newer_plaudit_is_left_alone(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "store.db"))
    connection.pragma("user_version", 99)
    connection.close()
    with pytest.raises(DataError, match="newer Plaudit"):
        SqliteStore(tmp_path / "store.db", vault(tmp_path))
