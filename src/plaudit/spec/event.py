"""An event as routing and destinations read it: its parts are decoded when they are asked for, once.

Raises `Unreadable` from any part: its bytes passed collect's shallow look and are no good further down.
"""

from __future__ import annotations

from functools import cached_property
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
        try:
            self._head = decode_head(envelope.body)
        except msgspec.ValidationError:
            self._head = self._loosely(envelope.body)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise Unreadable(str(error)) from None
        self.name = self._head.event
        self.user_id = self._head.userId
        self.email = self._head.email

    @cached_property
    def properties(self) -> Any:
        return _part(self._head.properties)

    @cached_property
    def traits(self) -> Any:
        return _part(self._head.traits)

    @cached_property
    def context(self) -> Any:
        return _merged(self._entry.context, self._head.context)

    @cached_property
    def integrations(self) -> Any:
        return _merged(self._entry.integrations, self._head.integrations)

    @staticmethod
    def _loosely(body: bytes) -> Any:
        from plaudit.spec.wire import decode_single  # noqa: PLC0415 - the rare event with an odd timestamp

        return decode_single(body)


def _part(raw: msgspec.Raw | bytes) -> Any:
    if not bytes(raw):
        return None
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Unreadable(str(error)) from None


def _merged(outer: bytes, own: msgspec.Raw) -> Any:
    inner = _part(own)
    if not outer:
        return inner
    around = _part(outer)
    if not isinstance(around, dict):
        return inner
    return {**around, **inner} if isinstance(inner, dict) else around
