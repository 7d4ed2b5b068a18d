"""Archives of events: one event a line or one JSON array, plain or gzip, as Segment's storage destinations write them.

An archive's event keeps its ids and times. One without a message id gets one made of its own bytes, so that the
same line is the same event whenever it is read.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from plaudit.errors import PlauditError, RefusedError
from plaudit.spec import timestamps, wire
from plaudit.spec.envelope import Envelope

CHUNK = 1 << 20
LONGEST_LINE = 16 << 20
ROOM = 8 * 1024  # what an archive adds to an event, beyond the limit of the event itself
_SAMPLE = 1 << 16
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Received(msgspec.Struct, rename="camel"):
    received_at: str | float | None = None


_decode_received = msgspec.json.Decoder(_Received).decode


class Archive:
    """One file, or standard input. Raises `PlauditError`: it cannot be read."""

    def __init__(self, place: str) -> None:
        self.name = "standard input" if place == "-" else place
        self.path = None if place == "-" else Path(place)
        self.size = 0  # bytes; 0: not known
        self.fault = ""  # why reading ended too early
        self._raw: BinaryIO | None = None
        if self.path is not None:
            with self._open() as file:
                self.size = os.fstat(file.fileno()).st_size

    @property
    def read_bytes(self) -> int:
        """How many of the file's own bytes have been read; all, before and after."""
        if self._raw is None or self._raw.closed or not self.size:
            return self.size
        return self._raw.tell()

    def fingerprint(self) -> str:
        """What knows the file again, wherever it is moved to; empty for standard input."""
        if self.path is None:
            return ""
        found = blake2b(str(self.size).encode(), digest_size=16)
        with self._open() as file:
            for start in (0, self.size // 2, max(self.size - _SAMPLE, 0)):
                file.seek(start)
                found.update(file.read(_SAMPLE))
        return found.hexdigest()

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Events with their numbers: of lines, or places in the array; from 1 on. May be read once more, if a file."""
        self.fault = ""
        raw: BinaryIO = sys.stdin.buffer if self.path is None else self._open()
        self._raw = raw
        number = 0
        try:
            stream, start = _unpacked(raw)
            found = _items(stream, start) if start.lstrip()[:1] == b"[" else _lines(stream, start)
            for number, line in enumerate(found, 1):
                if line.strip():
                    yield number, line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.fault = (
                f"{self.name} is damaged or cut off after line {number}: get it again, and import that"
            )
        except msgspec.DecodeError as error:
            self.fault = f"{self.name} is no JSON array: {error}"
        except OSError as error:
            self.fault = f"cannot read {self.name} after line {number}: {error.strerror}"
        except _TooLongError:
            self.fault = f"{self.name}: line {number + 1} is longer than {LONGEST_LINE >> 20} MB: is it one event a line?"
        finally:
            if self.path is not None:
                raw.close()

    def _open(self) -> BinaryIO:
        assert self.path is not None  # noqa: S101 - standard input is open
        try:
            return self.path.open("rb", buffering=0)
        except FileNotFoundError:
            raise PlauditError(f"there is no file {self.name}") from None
        except OSError as error:
            raise PlauditError(f"cannot read {self.name}: {error.strerror}") from None


class _TooLongError(Exception):
    """No end of a line for too long."""


def _unpacked(raw: BinaryIO) -> tuple[BinaryIO, bytes]:
    """The stream, unpacked if it is packed, and what has been read of it already."""
    first = raw.read(len(_GZIP)) or b""
    stream: BinaryIO = raw
    if first == _GZIP:
        stream = gzip.GzipFile(fileobj=_Prefixed(first, raw))  # type: ignore[assignment] # it reads as one
        first = b""
    start = first
    while len(start) < _SAMPLE and (part := stream.read(_SAMPLE)):
        start += part
    return stream, start.removeprefix(_BOM)


class _Prefixed(io.RawIOBase):
    """A stream with some bytes put back before it."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._first = first
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.read(size) or b""


def _lines(stream: BinaryIO, start: bytes) -> Iterator[bytes]:
    parts = start.split(b"\n")
    rest = parts.pop()
    yield from parts
    while chunk := stream.read(CHUNK):
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop()
        if len(rest) > LONGEST_LINE:
            raise _TooLongError
        yield from parts
    if rest:
        yield rest


def _items(stream: BinaryIO, start: bytes) -> Iterator[bytes]:
    """An array's items. It is read whole: its end decides whether it is one."""
    parts = [start]
    while chunk := stream.read(CHUNK):
        parts.append(chunk)
    yield from (bytes(item) for item in _decode_array(b"".join(parts)))


def envelope(line: bytes, received_at: int) -> Envelope:
    """An archive's event; refused, with the reason, when it is none."""
    line = line.strip()

    def named() -> str:
        return f"plaudit-import-{blake2b(line, digest_size=16).hexdigest()}"

    try:
        head, wrong = wire.decode_single(line)
    except RefusedError as error:
        return Envelope(named(), "", received_at, line[: wire.KEPT_BYTES], error.code, error.message)
    # `timestamp` was corrected for the client's clock by whoever archived it: to do it again would be wrong.
    if head.timestamp is not None:
        head.original_timestamp = None
    elif head.original_timestamp is None:
        head.timestamp = _received(line)
    head.sent_at = None
    kind = head.type or ("track" if head.event else "")
    return wire.single(kind, (head, wrong), line, received_at, named, room=ROOM)


def _received(line: bytes) -> str | None:
    """When the archive's writer had received it, if it says so: better than now."""
    try:
        found = _decode_received(line).received_at
    except msgspec.DecodeError:
        return None
    return str(found) if timestamps.parse(found) is not None else None
