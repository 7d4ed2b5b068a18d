"""`POST /destinations/trustpilot`: Plaudit as the partner that Segment's own destination talks to.

One raw event a request, the customer's key as the Basic user name, settings in X-Segment-Settings, and the
partner's status codes with `{"message"}`: segment.md 3. So a shop that stays with Segment points Segment here.
The event is durable before any answer; the answer then says what will become of it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from plaudit.clock import Clock, message_id
from plaudit.collect.inlets import Inlet, Inlets
from plaudit.errors import RefusedError
from plaudit.log.base import Log
from plaudit.spec import dispositions, wire
from plaudit.spec.calls import Head
from plaudit.spec.envelope import Entry, Envelope
from plaudit.spec.event import Event, Unreadable

PLACE = "/destinations/"
TAKEN = frozenset({"track", "identify"})
ROOM = 8 * 1024  # what Segment adds to an event on its way, beyond the limit of the event itself
_ROOT = {name.lower(): name for name in Head.__struct_encode_fields__}
_decode = msgspec.json.Decoder().decode


class PartnerEndpoint:
    """Takes one request's event. Raises `RefusedError` with the contract's status, `UnavailableError`."""

    def __init__(self, log: Log, inlets: Inlets, clock: Clock) -> None:
        self._log = log
        self._inlets = inlets
        self._clock = clock

    async def take(
        self,
        place: str,
        body: bytes,
        authorization: bytes | None,
        signature: bytes | None,
        settings: bytes | None,
    ) -> Inlet:
        inlet = self._inlets.of_request(place, authorization, signature, body)
        _check_settings(settings)
        now = self._clock.now()
        body = _cased(body)
        read = wire.decode_single(body)
        # Segment has corrected `timestamp` for the client's clock; to do it again would be wrong.
        read[0].original_timestamp = read[0].sent_at = None
        kind = read[0].type or ""
        envelope = wire.single(kind, read, body, now, message_id, room=ROOM)
        entry = Entry(inlet.source_id, now, [envelope])
        await self._log.append(entry)
        if envelope.refused:
            raise RefusedError(envelope.refused, envelope.reason)
        if kind not in TAKEN:
            raise RefusedError(
                "unsupported_event_type", f"{kind} calls are not supported: send track and identify", 501
            )
        _check_order(inlet, entry, envelope)
        return inlet


def _check_order(inlet: Inlet, entry: Entry, envelope: Envelope) -> None:
    """Raises `RefusedError` for an order that cannot be invited for: Segment shows the message to the shop."""
    try:
        decision = inlet.kind.decide(Event(entry, envelope), inlet.settings)
    except Unreadable as error:
        raise RefusedError("bad_request", f"the event cannot be read: {str(error)[:200]}") from None
    if decision.code == dispositions.REJECTED:
        raise RefusedError("message_rejected", decision.detail or dispositions.SENTENCES[decision.code])


def _check_settings(header: bytes | None) -> None:
    """X-Segment-Settings is base64 of a JSON object; Plaudit's own settings count, so it is only looked at."""
    if not header:
        return
    try:
        if isinstance(_decode(base64.b64decode(header, validate=True)), dict):
            return
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    raise RefusedError("invalid_settings", "X-Segment-Settings must be base64 of a JSON object")


def _cased(body: bytes) -> bytes:
    """The event with the names at its root spelled as the spec does: a partner must be ready for any casing."""
    try:
        event: Any = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return body  # what is wrong is said where it is read
    if not isinstance(event, dict):
        return body
    renamed = {key: _ROOT.get(key.replace("_", "").lower(), key) for key in event}
    if all(key == name for key, name in renamed.items()):
        return body
    return msgspec.json.encode(
        {**{renamed[k]: v for k, v in event.items()}, **{k: v for k, v in event.items() if renamed[k] == k}}
    )
