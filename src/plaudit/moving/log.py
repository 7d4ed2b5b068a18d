"""What the embedded log holds and nobody has processed yet, appended to the cluster's log.

Invariant: each event once, however often this is interrupted, and in order within each partition. What was processed
before stays behind: an event's id is its place in the log (spec/envelope.py), and in another log it would have
another. So the cluster's partition 0, which the embedded log's only one was, begins after all of that one's places.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import msgspec

from plaudit.errors import DataError
from plaudit.log.base import Log
from plaudit.moving.source import Embedded
from plaudit.moving.tables import Summing
from plaudit.moving.target import Target
from plaudit.spec.envelope import Entry, Envelope, partition

CHUNK = 512  # entries
READ = 256


class Way(msgspec.Struct):
    """How far it has come. `base`: where the partitions stood at first; `heads`: before the chunk in hand."""

    start: int
    done: int
    base: list[int]
    heads: list[int]


class _Event(NamedTuple):
    """By what an event is known again."""

    source_id: int
    received_at: int
    message_id: str


async def carry(source: Embedded, log: Log, target: Target, told: Callable[[int, int], None]) -> int:
    """Append what is not processed; how many events there were. `told` hears of entries and events.

    Raises `DataError`: the log has events of others, or does not hold at the end what it was given.
    """
    way = await _begun(source, log, target)
    there = Counter([_known(entry, event) async for entry, event in _since(log, way.heads)])
    chunk: list[Entry] = []
    events = 0

    async def flush(position: int) -> None:
        nonlocal events
        await _append(log, chunk, there)
        way.done, way.heads = position, await _heads(log)
        await _keep(target, way)
        there.clear()
        events += sum(len(entry.events) for entry in chunk)
        told(position - way.start, events)
        chunk.clear()

    position = way.done
    for position, entry in source.entries(way.done):
        chunk.append(entry)
        if len(chunk) == CHUNK:
            await flush(position)
    if chunk:
        await flush(position)
    return await _compare(source, log, way)


async def _begun(source: Embedded, log: Log, target: Target) -> Way:
    kept = await target.kept("log")
    if kept is None:
        if any(await _heads(log)):
            raise DataError(
                "the log that --to-log names holds events already: name another one, such as …?stream=NAME"
            )
        way = Way(source.cursor, source.cursor, [], [])
        await _keep(target, way)
    else:
        way = msgspec.json.decode(kept, type=Way)
    if not way.base:
        await log.advance(0, source.head)
        way.base = way.heads = await _heads(log)
        await _keep(target, way)
    return way


async def _append(log: Log, chunk: list[Entry], there: Counter[_Event]) -> None:
    """Partition by partition at once, each in its order; without what was appended before an interruption."""
    lanes: dict[int, list[Entry]] = {}
    for entry in chunk:
        parts: dict[int, list[Envelope]] = {}
        for event in entry.events:
            if there[_known(entry, event)] > 0:
                there[_known(entry, event)] -= 1
            else:
                parts.setdefault(partition(event, log.partitions), []).append(event)
        for number, events in parts.items():
            lanes.setdefault(number, []).append(msgspec.structs.replace(entry, events=events))

    async def lane(entries: list[Entry]) -> None:
        for entry in entries:
            await log.append(entry)

    done = await asyncio.gather(*map(lane, lanes.values()), return_exceptions=True)
    for failed in done:
        if failed is not None:
            raise failed


async def _compare(source: Embedded, log: Log, way: Way) -> int:
    """Whether the log holds what it was given, and nothing else."""
    given, got = Summing(), Summing()
    given.add(_meaning(entry, event) for _, entry in source.entries(way.start) for event in entry.events)
    async for entry, event in _since(log, way.base):
        got.add([_meaning(entry, event)])
    if got.sum != given.sum:
        raise DataError(
            f"the cluster's log holds {got.sum.rows:,} events, and not the {given.sum.rows:,} that it was given:"
            " drop the schema plaudit_moving, and begin again with a new stream, …?stream=NAME"
        )
    return given.sum.rows


async def _since(log: Log, heads: list[int]) -> AsyncIterator[tuple[Entry, Envelope]]:
    """Every event after these places."""
    for number, after in enumerate(heads):
        head, at = await log.head(number), after
        while at < head and (entries := await log.read(number, at, READ)):
            at = entries[-1][0]
            for _, entry in entries:
                for event in entry.events:
                    yield entry, event


async def _heads(log: Log) -> list[int]:
    return [await log.head(number) for number in range(log.partitions)]


async def _keep(target: Target, way: Way) -> None:
    await target.keep("log", msgspec.json.encode(way).decode())


def _known(entry: Entry, event: Envelope) -> _Event:
    return _Event(entry.source_id, entry.received_at, event.message_id)


def _meaning(entry: Entry, event: Envelope) -> tuple[object, ...]:
    return (entry.source_id, entry.received_at, entry.context, entry.integrations, entry.history, event)
