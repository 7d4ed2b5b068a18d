"""An event as routing and destinations read it: its parts are decoded when they are asked for, once.

Raises `Unreadable` from any part: its bytes passed collect's shallow look and are no good further down.
"""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit.spec.calls import decode_head
from plaudit.spec.envelope import Entry, Envelope

_decode = msgspec.json.Decoder().decode


class Unreadable(Exception):  # noqa: N818 - becomes a disposition
    """A part of the event cannot be decoded."""


class Event:
    """One event with its batch's outer `context` and `integrations` behind its own."""

    def __init__(self, entry: Entry, envelope: Envelope) -> None:
        self.type = envelope.type
        self._entry = entry
        self._parts: dict[str, Any] = {}
        try:
            self._head = decode_head(envelope.body)
        except msgspec.ValidationError:
            self._head = self._loosely(envelope.body)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise Unreadable(str(error)) from None
        self.name = self._head.event
        self.user_id = self._head.userId
        self.email = self._head.email

    @property
    def properties(self) -> Any:
        return self._read("properties")

    @property
    def traits(self) -> Any:
        return self._read("traits")

    @property
    def context(self) -> Any:
        return self._read("context", self._entry.context)

    @property
    def integrations(self) -> Any:
        return self._read("integrations", self._entry.integrations)

    def _read(self, name: str, outer: bytes = b"") -> Any:
        own: msgspec.Raw = getattr(self._head, name)
        if name not in self._parts:
            self._parts[name] = _merged(outer, own) if outer else _part(own)
        return self._parts[name]

    @staticmethod
    def _loosely(body: bytes) -> Any:
        from plaudit.spec.wire import decode_single  # noqa: PLC0415 - the rare event with an odd timestamp

        return decode_single(body)[0]


def _part(raw: msgspec.Raw | bytes) -> Any:
    if not bytes(raw):
        return None
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Unreadable(str(error)) from None


def _merged(outer: bytes, own: msgspec.Raw) -> Any:
    inner = _part(own)
    around = _part(outer)
    if not isinstance(around, dict):
        return inner
    return {**around, **inner} if isinstance(inner, dict) else around
