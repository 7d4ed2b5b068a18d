"""An event as routing and destinations read it: its parts are decoded when they are asked for, once.

Raises `Unreadable` from any part: its bytes passed collect's shallow look and are no good further down.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from plaudit.clock import iso
from plaudit.errors import RefusedError
from plaudit.spec.calls import Head, decode_head
from plaudit.spec.envelope import Entry, Envelope
from plaudit.spec.halves import mended
from plaudit.spec.wire import decode_single

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Unreadable(Exception):  # noqa: N818 - becomes a disposition
    """A part of the event cannot be decoded."""


class Customer(NamedTuple):
    """What profiles know of an event's person when it is decided about: traits, and the audiences that they are in."""

    traits: Mapping[str, Any]
    audiences: Collection[str]


NOBODY = Customer({}, ())


class Event:
    """One event with its batch's outer `context` and `integrations` behind its own.

    `customer` is there where a destination's settings ask for something of it (`Destination.asks`), else nobody.
    """

    def __init__(self, entry: Entry, envelope: Envelope, customer: Customer = NOBODY) -> None:
        self.type = envelope.type
        self.message_id = envelope.message_id
        self.timestamp = envelope.timestamp
        self.received_at = entry.received_at
        self.customer = customer
        self._entry = entry
        self._envelope = envelope
        self._parts: dict[str, Any] = {}
        try:
            self._head = decode_head(envelope.body)
        except (msgspec.DecodeError, RecursionError, ValueError):
            self._head = _loosely(envelope.body)
        self.name = self._head.event
        self.user_id = self._head.user_id
        self.email = self._head.email

    @property
    def anonymous_id(self) -> str | int | None:
        return self._head.anonymous_id

    @property
    def previous_id(self) -> str | int | None:
        """Of an alias: who `user_id` was before."""
        return self._head.previous_id

    @property
    def page_name(self) -> Any:
        """The name of a page or screen call, which no other step asks for."""
        body = _part(self._envelope.body)
        return body.get("name") if isinstance(body, dict) else None

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

    def call(self) -> bytes:
        """The event as JSON, as Segment passes one on: with its batch's parts, its times and its ids filled in."""
        found = _part(self._envelope.body)
        call: dict[str, Any] = found if isinstance(found, dict) else {}
        call.pop("writeKey", None)
        for name in ("context", "integrations"):
            if (merged := getattr(self, name)) is not None:
                call[name] = merged
        said = call.get("originalTimestamp") or call.get("timestamp")
        call |= {
            "type": self.type,
            "messageId": self.message_id,
            "timestamp": iso(self.timestamp),
            "originalTimestamp": said or iso(self.timestamp),
            "receivedAt": iso(self._entry.received_at),
            "channel": call.get("channel") or "server",
            "version": 2,
        }
        return _encode(call)

    def _read(self, name: str, outer: bytes = b"") -> Any:
        own: msgspec.Raw = getattr(self._head, name)
        if name not in self._parts:
            self._parts[name] = _merged(outer, own) if outer else _part(own)
        return self._parts[name]


def _loosely(body: bytes) -> Head:
    """The head of an event that collect read with patience too: odd times, half characters."""
    try:
        return decode_single(body)[0]
    except RefusedError as error:
        raise Unreadable(error.message) from None


def _part(raw: msgspec.Raw | bytes) -> Any:
    if not bytes(raw):
        return None
    try:
        return _decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        whole = mended(bytes(raw))
        if whole != bytes(raw):
            return _part(whole)
        raise Unreadable(str(error)) from None


def _merged(outer: bytes, own: msgspec.Raw) -> Any:
    inner = _part(own)
    around = _part(outer)
    if not isinstance(around, dict):
        return inner
    return {**around, **inner} if isinstance(inner, dict) else around
