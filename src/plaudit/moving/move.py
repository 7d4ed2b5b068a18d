"""The move from beginning to end: look, copy, compare, carry the log over, put in place.

Invariant: whatever interrupts it, running it again goes on. A table that was copied and has changed since, because
the installation was served in between, does not compare, and is copied anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from plaudit.errors import DataError
from plaudit.log.base import Log
from plaudit.moving.log import carry
from plaudit.moving.source import Embedded
from plaudit.moving.tables import COUNTED, TABLES, Sum, Summing, Table, converted, in_the_clear
from plaudit.moving.target import Begun, Target, connected
from plaudit.secrets import Vault

Told = Callable[[str, int, int, int], None]  # step, done, of how many, things of this run
TRIES = 3


class There(msgspec.Struct):
    """What there is to move: rows by table, and how much of the log is not processed."""

    rows: dict[str, int]
    entries: int
    moved_to: str = ""  # it has moved there already


class Done(msgspec.Struct):
    """What was moved and compared."""

    tables: dict[str, Sum]
    events: int  # of the log


def look(data: Path) -> There:
    """Count, beside whatever runs."""
    with Embedded(data, look=True) as source:
        moved = source.remembered()
        return There(
            {table.name: source.count(table) for table in TABLES},
            source.head - source.cursor,
            moved.to if moved and moved.done else "",
        )


class Mover:
    """`run` moves an installation that this process holds to a database that it holds too."""

    def __init__(self, source: Embedded, target: Target, told: Told) -> None:
        self._source = source
        self._target = target
        self._told = told
        vault = source.vault
        if vault is None:
            raise DataError(
                "the key that seals the installation's secrets is not there: put secret.key or PLAUDIT_SECRET_KEY back"
            )
        self._vault: Vault = vault

    async def run(self, place: str, log: Callable[[], Awaitable[Log]] | None) -> Done | None:
        """All of it; None: it was moved before. `place`: the target, as people may see it."""
        there, begun = await self._target.state()
        known = self._source.remembered()
        if there and not begun:
            if known and known.done and known.to == place:
                return None
            raise DataError(
                f"{self._target.where} holds an installation already: name an empty one, or drop its tables"
            )
        await self._target.alone()
        there, begun = await self._target.state()  # nobody else changes it now
        if begun and (known is None or known.id != begun):
            raise DataError(
                f"{self._target.where} holds what another installation's move has begun: finish that one,"
                " or give it up with 'DROP SCHEMA plaudit_moving CASCADE'"
            )
        id_ = self._source.remember(place, done=False).id
        await self._target.begin(id_, begun)
        tables = await self._tables()
        events = await self._log(log)
        self._source.remember(place, done=True)  # first: both must never be served
        last = {f"{name}_ids": self._source.last_id(table) for table, name in COUNTED.items()}
        await self._target.finish(last, self._source.head)
        return Done(tables, events)

    async def _tables(self) -> dict[str, Sum]:
        """Copy and compare, until they are the same."""
        anew = {table.name for table in TABLES}
        sums: dict[str, Sum] = {}
        for _ in range(TRIES):
            await self._copy(anew)
            sums, differ = await self._compare()
            if not differ:
                return sums
            anew = await self._target.empty(differ)
        raise DataError(f"these tables differ after they were copied: {', '.join(sorted(anew))}")

    async def _copy(self, names: set[str]) -> None:
        counts = {table.name: self._source.count(table) for table in TABLES if table.name in names}
        before = this = 0
        for table in TABLES:
            if table.name not in names:
                continue
            begun = await self._target.begun(table)
            last = tuple(begun.last) if begun.last is not None else None
            for chunk in self._source.chunks(table, last):
                rows = [converted(table, row, self._source.open_sealed, self._vault.seal) for row in chunk]
                key = [chunk[-1][table.columns.index(column)] for column in table.key]
                begun = Begun(begun.rows + len(rows), key)
                await self._target.put(table, rows, begun)
                this += len(rows)
                self._told("copying", before + begun.rows, sum(counts.values()), this)
            before += counts[table.name]

    async def _compare(self) -> tuple[dict[str, Sum], set[str]]:
        """What each table holds there, and which ones differ from here."""
        total = 2 * sum(self._source.count(table) for table in TABLES)
        done = 0

        def told(rows: int) -> None:
            nonlocal done
            done += rows
            self._told("comparing", done, total, done)

        sums: dict[str, Sum] = {}
        differ: set[str] = set()
        for table in TABLES:
            here = Summing()
            for chunk in self._source.chunks(table):
                here.add(converted(table, row, self._source.open_sealed, None) for row in chunk)
                told(len(chunk))
            there = await self._target.add_up(table, self._clear(table), told)
            sums[table.name] = there.sum
            if here.sum != there.sum:
                differ.add(table.name)
        return sums, differ

    def _clear(self, table: Table) -> Callable[[tuple[object, ...]], tuple[object, ...]]:
        def clear(row: tuple[object, ...]) -> tuple[object, ...]:
            try:
                return in_the_clear(table, row, self._vault.open)
            except DataError:
                return ()  # sealed under the key of an earlier try: it compares with nothing, and is put anew

        return clear

    async def _log(self, log: Callable[[], Awaitable[Log]] | None) -> int:
        left = self._source.head - self._source.cursor
        if log is None:
            if any(entry.events for _, entry in self._source.entries(self._source.cursor)):
                raise DataError(
                    f"{left:,} entries of the log are not processed yet: name the cluster's log with --to-log, or let"
                    " 'plaudit serve' process them first"
                )
            return 0
        opened = await log()
        try:
            return await carry(
                self._source, opened, self._target, lambda at, events: self._told("log", at, left, events)
            )
        finally:
            await opened.close()


@asynccontextmanager
async def mover(data: Path, url: str, told: Told) -> AsyncIterator[Mover]:
    """Holds both ends. Raises `PlauditError`."""
    with Embedded(data) as source:
        async with connected(url) as target:
            yield Mover(source, target, told)
