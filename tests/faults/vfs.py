"""A disk that fails as told: an SQLite VFS over the system's own, the default one while it is in use.

It counts what would change a file (writes, truncations, syncs, deletions), fails at any of them, and can keep all
of them, so that `images.py` can say what a power cut would have left at each.

One thing differs from a real disk: where SQLite would pass over an error (a checkpoint after a commit), apsw hands
it on. So a job may be told that it failed though it is on disk, as when a database's answer is lost.
"""

from __future__ import annotations

from enum import StrEnum
from types import TracebackType
from typing import NamedTuple, Self

import apsw

BASE = "unix"


class Fault(StrEnum):
    """What happens to a write. A sync and a truncation can only fail."""

    ERROR = "failed"
    FULL = "no room"
    TORN = "torn"  # a part is written, and then it fails
    MISSING = "missing"  # nothing is written from here on, until the disk is mended


class Op(NamedTuple):
    """Something that changes a file, or makes earlier changes last."""

    kind: str  # write, truncate, sync, delete
    file: str
    offset: int = 0
    data: bytes = b""


class Disk(apsw.VFS):
    """Use it as a context manager. `arm` it to fail at the `at`-th operation from now (1 is the next)."""

    def __init__(self, *, keep: bool = False) -> None:
        self.done = 0
        self.fired = 0
        self.ops: list[Op] = []
        self._keep = keep
        self._at = 0
        self._fault = Fault.ERROR
        super().__init__("faulty", BASE, makedefault=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.mend()
        self.unregister()

    def arm(self, at: int, fault: Fault) -> None:
        self._at, self._fault = self.done + at, fault

    def mend(self) -> None:
        self._at = 0

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> File:  # noqa: N802 - apsw's name
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - apsw's name
        self.did(Op("delete", filename))
        super().xDelete(filename, syncdir)

    def did(self, op: Op) -> bytes | None:
        """Count an operation. Raises when it is to fail; a part of its data, if that is to be written first."""
        self.done += 1
        if not self._fires(op):
            if self._keep:
                self.ops.append(op)
            return None
        self.fired += 1
        if self._fault is Fault.TORN and op.kind == "write":
            return op.data[: len(op.data) // 2]
        raise self.error()

    def _fires(self, op: Op) -> bool:
        if not self._at or self.done < self._at:
            return False
        if self._fault is Fault.MISSING:
            return True
        if self._fault is Fault.FULL:  # it stays full, for everything that wants room
            return op.kind == "write" or self.done == self._at
        return self.done == self._at

    def error(self) -> apsw.Error:
        return apsw.FullError("injected") if self._fault is Fault.FULL else apsw.IOError("injected")

    def excepthook(
        self,
        etype: type[BaseException] | None,
        evalue: BaseException | None,
        etraceback: TracebackType | None,
    ) -> bool:
        """Errors that have nobody to go to, as when a connection is closed."""
        return True


class File(apsw.VFSFile):
    """One open file of a `Disk`."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__(BASE, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        part = self._disk.did(Op("write", self._name, offset, bytes(data)))
        if part is None:
            super().xWrite(data, offset)
        else:
            super().xWrite(part, offset)
            raise self._disk.error()

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's name
        self._disk.did(Op("truncate", self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
        del flags
        self._disk.did(Op("sync", self._name))  # and no more: the power stays on, and tests are in a hurry

    def excepthook(
        self,
        etype: type[BaseException] | None,
        evalue: BaseException | None,
        etraceback: TracebackType | None,
    ) -> bool:
        return True
