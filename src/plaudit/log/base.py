"""The `Log` protocol. Every implementation passes `tests/conformance/log.py`."""

from __future__ import annotations

from typing import Protocol

from plaudit.spec.envelope import Entry


class Log(Protocol):
    """An append-only log in partitions. Positions start at 1 and grow by at least 1."""

    partitions: int

    async def open(self) -> None:
        """See whether it can be used. Raises `UnavailableError`: not now; `ConfigError`: not as it is set up."""

    async def append(self, entry: Entry) -> int:
        """Make the entry durable, and only then return its position.

        Raises `UnavailableError`: it was not taken (full disk, stopping), and may be tried again.
        """

    async def read(self, partition: int, after: int, limit: int) -> list[tuple[int, Entry]]:
        """Up to `limit` entries after a position, in order."""

    async def head(self, partition: int) -> int:
        """The position of the newest entry, or that of the last one ever; 0 for a log never used."""

    async def advance(self, partition: int, position: int) -> None:
        """Let the next entry's position be higher than this one: for a log that is older than its reader."""

    async def wait(self, partition: int, after: int, seconds: float) -> None:
        """Return when there is an entry after the position, or when the time has passed."""

    async def trim(self, partition: int, through: int, before: int) -> int:
        """Forget entries up to position `through` that were received before `before` (ms); how many.

        What was appended together may go together, or stay; the newest may always stay.
        """

    async def close(self) -> None:
        """Finish what was taken, then let go."""
