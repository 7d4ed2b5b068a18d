"""What the log keeps: one `Entry` a request, with an `Envelope` for each of its events.

An envelope holds the event's own bytes, untouched, beside what collect found out about them. Refused
events travel the same road, so that their dispositions are written by the same hand as all others.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from plaudit.spec.halves import mended

EVENTS_AN_ENTRY = 4096  # room in an event's id; a request has at most 2,500 (segment.md 1.3)
PARTITIONS = 64


class Envelope(msgspec.Struct, array_like=True, gc=False):
    """One event: who, when, and its bytes. `refused` is a reason code, and then `reason` says more."""

    message_id: str
    type: str
    timestamp: int  # ms, corrected for the client's clock
    body: bytes
    refused: str = ""
    reason: str = ""


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One accepted request: the source, the time of receipt (ms), and its events in their order.

    `context` and `integrations` are a batch's outer ones, as JSON; they stand behind each event's own.
    `history`: the events are an archive's; they make no invitation.
    """

    source_id: int
    received_at: int
    events: list[Envelope]
    context: bytes = b""
    integrations: bytes = b""
    history: bool = False


_encoder = msgspec.msgpack.Encoder()

encode = _encoder.encode
decode = msgspec.msgpack.Decoder(Entry).decode
decode_array = msgspec.msgpack.Decoder(list[Entry]).decode


def array(encoded: list[bytes]) -> bytes:
    """Encoded entries as one msgpack array (its 32-bit form), for `decode_array`."""
    return b"".join([b"\xdd", len(encoded).to_bytes(4, "big"), *encoded])


class _Who(msgspec.Struct, rename="camel", gc=False):
    """Whose event it is, as far as its partition is concerned. Any value may stand there."""

    user_id: Any = None
    anonymous_id: Any = None


_decode_who = msgspec.json.Decoder(_Who).decode


def profile_key(envelope: Envelope) -> str:
    """Whose event this is: its user id, else its anonymous id, else nobody's, which is its message id."""
    try:
        who = _decode_who(envelope.body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        try:
            who = _decode_who(mended(envelope.body))
        except (msgspec.DecodeError, RecursionError, ValueError):
            return envelope.message_id  # cut or refused: it is nobody's
    for value in (who.user_id, who.anonymous_id):
        if isinstance(value, str | int) and not isinstance(value, bool) and (key := str(value).strip()):
            return key
    return envelope.message_id


def partition(envelope: Envelope, partitions: int) -> int:
    """Where in a log an event goes: what a profile does stays in order. The same for ever and on every machine."""
    return crc32(profile_key(envelope).encode("utf-8", "surrogatepass")) % partitions if partitions > 1 else 0


def event_id(partition: int, position: int, index: int) -> int:
    """An event's id, for ever: where in the log it stands. Ids grow with time within a partition."""
    return (position * PARTITIONS + partition) * EVENTS_AN_ENTRY + index


def place(event: int) -> tuple[int, int, int]:
    """(partition, position, index) of an event by its id."""
    rest, index = divmod(event, EVENTS_AN_ENTRY)
    position, partition = divmod(rest, PARTITIONS)
    return partition, position, index
