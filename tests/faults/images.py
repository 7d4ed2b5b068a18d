"""What a power cut leaves: the last synced content of each file, and any part of what was written since.

A disk that says 'synced' does not lie. What was not synced may be there as a whole, in part, or not at all,
write by write and in any order. A deletion lasts from when the folder is synced, which SQLite does with the first
sync of a new journal; until then the file may be there again.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from random import Random

from .vfs import Op

SECTOR = 512
JOURNALS = ("-journal", "-wal")


class Cut(StrEnum):
    """How it ends after an operation."""

    KILLED = "killed"  # the process alone: the system has all that was written
    MIDDLE = "killed in a write"  # and a part of the next write
    POWER = "power off, nothing unsynced kept"
    PREFIX = "power off, first writes kept"
    SUBSET = "power off, any writes kept"


class Image:
    """The files after some operations. `do` the next one, or look at what a cut would leave."""

    def __init__(self) -> None:
        self._synced: dict[str, bytearray] = {}
        self._since: dict[str, list[Op]] = {}

    def do(self, op: Op) -> None:
        waiting = self._since.setdefault(op.file, [])
        if op.kind != "sync":
            waiting.append(op)
            return
        if op.file.endswith(JOURNALS) and op.file not in self._synced:
            for file, since in self._since.items():
                if any(each.kind == "delete" for each in since):
                    self._last(file)
        self._last(op.file)

    def _last(self, file: str) -> None:
        """What was done to a file so far will be found again."""
        after = _after(self._synced.get(file), self._since[file])
        self._since[file].clear()
        if after is None:
            self._synced.pop(file, None)
        else:
            self._synced[file] = after

    def cuts(self, coming: Op | None, chance: Random, kinds: tuple[Cut, ...]) -> Iterator[tuple[Cut, Files]]:
        """What each kind of cut leaves."""
        for cut in kinds:
            if cut is Cut.MIDDLE and (coming is None or coming.kind != "write"):
                continue
            yield cut, {file: self._left(file, cut, coming, chance) for file in self._since}

    def _left(self, file: str, cut: Cut, coming: Op | None, chance: Random) -> bytes | None:
        since = list(self._since[file])
        if cut is Cut.MIDDLE and coming is not None and coming.file == file:
            since.append(_torn(coming, chance))
        elif cut is Cut.POWER:
            since = []
        elif cut is Cut.PREFIX:
            kept = chance.randint(0, len(since))
            since = since[:kept] + [_torn(op, chance) for op in since[kept : kept + 1]]
        elif cut is Cut.SUBSET:
            kept_ones = [op for op in since if chance.random() < 0.5]
            since = [_torn(op, chance) if chance.random() < 0.2 else op for op in kept_ones]
        after = _after(self._synced.get(file), since)
        return None if after is None else bytes(after)


Files = dict[str, bytes | None]


def write(files: Files, folder: Path) -> None:
    """Put an image into an empty folder."""
    for file, content in files.items():
        if content is not None:
            (folder / Path(file).name).write_bytes(content)


def _torn(op: Op, chance: Random) -> Op:
    """The first sectors of a write."""
    if op.kind != "write":
        return op
    whole = len(op.data) // SECTOR
    return op._replace(data=op.data[: SECTOR * chance.randint(0, whole) if whole else len(op.data) // 2])


def _after(base: bytearray | None, ops: list[Op]) -> bytearray | None:
    """A file's content; None: there is no file."""
    found = None if base is None else bytearray(base)
    for op in ops:
        if op.kind == "delete":
            found = None
            continue
        found = found if found is not None else bytearray()
        end = op.offset + len(op.data)
        if len(found) < end:
            found.extend(bytes(end - len(found)))
        if op.kind == "truncate":
            del found[op.offset :]
            found.extend(bytes(op.offset - len(found)))
        else:
            found[op.offset : end] = op.data
    return found
