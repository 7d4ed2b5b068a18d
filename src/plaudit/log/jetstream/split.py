"""A request's events as the messages that hold them. Pure.

Invariant: each event is in exactly one piece, that of its profile's partition, in the order in which it came.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from plaudit.errors import UnavailableError
from plaudit.spec.envelope import Entry, Envelope, encode, partition


class Piece(NamedTuple):
    """One message: where it goes, and its bytes."""

    partition: int
    body: bytes


def pieces(entry: Entry, partitions: int, limit: int) -> list[Piece]:
    """An entry as one message a partition, or as more where one would be longer than `limit` bytes."""
    parts: dict[int, list[Envelope]] = {}
    for envelope in entry.events:
        parts.setdefault(partition(envelope, partitions), []).append(envelope)
    whole = len(parts) < 2
    return [
        Piece(number, body)
        for number, events in (parts or {0: []}).items()
        for body in _bodies(entry if whole else msgspec.structs.replace(entry, events=events), limit)
    ]


def _bodies(entry: Entry, limit: int) -> list[bytes]:
    body = encode(entry)
    if len(body) <= limit:
        return [body]
    count = len(entry.events)
    if count < 2:
        raise UnavailableError(
            f"an event needs a message of {len(body)} bytes, and the NATS servers take {limit}: raise their max_payload",
            retry_after=60,
        )
    half = count // 2
    return [
        each
        for events in (entry.events[:half], entry.events[half:])
        for each in _bodies(msgspec.structs.replace(entry, events=events), limit)
    ]
