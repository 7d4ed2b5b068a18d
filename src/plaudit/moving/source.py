"""The embedded installation that moves, held for this process alone: nothing is appended or sent meanwhile.

Invariant: while it is held, no other process has either file open, so what is read is all there is. A process that
collects holds no lock of a role, but it has the log open, and that shows.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import apsw
import msgspec

from plaudit.errors import DataError, InUseError
from plaudit.moving.tables import Row, Table
from plaudit.queries import load
from plaudit.secrets import Vault, keys
from plaudit.spec.envelope import Entry, decode_array
from plaudit.sqlite import connect, data_error, rows
from plaudit.store.base import READER
from plaudit.store.sqlite.schema import migrate

_LOG = load("plaudit.log", "sqlite.sql")
_CHUNK = 5000  # rows read at a time
_BUSY_MS = 3000


class Moved(msgspec.Struct):
    """What the directory remembers of its move. `done`: it is not to be served any more."""

    id: str
    to: str
    done: bool = False


class Embedded:
    """A context manager. `look`: only to count what there is, beside whatever runs."""

    def __init__(self, data: Path, *, look: bool = False) -> None:
        """Raises `InUseError`: something else has it open. `DataError`: it cannot be read."""
        self._file = data / "moved.json"
        self._vaults = keys(data)
        self._store = _open(data / "store.db", look=look)
        self._log: apsw.Connection | None = None
        try:
            if not look:
                migrate(self._store)
            if not look or (data / "log.db").exists():  # it is made by the first server
                self._log = _open(data / "log.db", look=look)
            if self._log is not None and not look:
                self._log.execute(_LOG["schema"])
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()
        if self._log is not None:
            self._log.close()

    # the store

    def count(self, table: Table) -> int:
        return int(self._store.execute(f"SELECT count(*) FROM {table.name}").get)  # noqa: S608 - a name of tables.py

    def chunks(self, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
        """All rows after a key, in its order."""
        key, columns = ", ".join(table.key), ", ".join(f'"{column}"' for column in table.columns)
        places = [table.columns.index(column) for column in table.key]
        marks = ", ".join("?" * len(places))
        while True:
            condition = f"WHERE ({key}) > ({marks})" if after is not None else ""
            sql = f"SELECT {columns} FROM {table.name} {condition} ORDER BY {key} LIMIT {_CHUNK}"  # noqa: S608 - as above
            found = list(rows(self._store, sql, after or ()))
            if not found:
                return
            after = tuple(found[-1][place] for place in places)
            yield found

    def last_id(self, table: str) -> int:
        """The highest id that a row ever had: it comes never again."""
        sql = (
            f"SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0), coalesce(max(id), 0))"  # noqa: S608 - as above
            f" FROM {table}"
        )
        return int(self._store.execute(sql).get)

    def open_sealed(self, sealed: bytes, about: str) -> bytes:
        """Raises `DataError`: none of the keys at hand is the one."""
        for vault in self._vaults[:-1]:
            try:
                return vault.open(sealed, about)
            except DataError:
                continue
        if not self._vaults:
            raise DataError(
                "the key that seals its secrets is lost: apply the configuration once more, then move"
            )
        return self._vaults[-1].open(sealed, about)

    @property
    def vault(self) -> Vault | None:
        """What the cluster seals with: the environment's key, as its processes will; without one, the file's."""
        return self._vaults[-1] if self._vaults else None

    # the log

    @property
    def cursor(self) -> int:
        """How far the log has been processed."""
        sql = "SELECT position FROM cursors WHERE reader = ? AND partition = 0"
        return int(self._store.execute(sql, (READER,)).get or 0)

    @property
    def head(self) -> int:
        """The last place of the log that was ever taken, by the log itself or by its reader."""
        last = self._log.execute(_LOG["head"]).get if self._log is not None else 0
        return max(int(last or 0), self.cursor)

    def entries(self, after: int) -> Iterator[tuple[int, Entry]]:
        """What stands in the log after a position."""
        for first, segment in (
            rows(self._log, _LOG["read"], {"after": after}) if self._log is not None else ()
        ):
            for position, entry in enumerate(decode_array(segment), first):
                if position > after:
                    yield position, entry

    # what it remembers

    def remembered(self) -> Moved | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Moved)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise DataError(f"cannot read {self._file}: {error}") from None

    def remember(self, to: str, *, done: bool) -> Moved:
        """On disk when this returns."""
        before = self.remembered()
        moved = Moved(before.id if before else uuid.uuid4().hex, to, done)
        new = self._file.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(moved))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)
        folder = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return moved


def _open(path: Path, *, look: bool) -> apsw.Connection:
    if look:
        return connect(path, readonly=True)
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        connection = apsw.Connection(str(path), flags=flags)
        connection.set_busy_timeout(_BUSY_MS)
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # for as long as this connection lives
        connection.execute("BEGIN IMMEDIATE; COMMIT")
    except (apsw.BusyError, apsw.LockedError):
        raise InUseError(
            f"another process has {path} open: stop every 'plaudit serve' on it, those that only collect too"
            " (the SDKs keep their events meanwhile), and run this again"
        ) from None
    except apsw.Error as error:
        raise data_error(error, path) from None
    return connection
