"""Bytes of a tracking call into envelopes: shapes, ids, sizes and clocks, with Segment's own reason codes.

A body that cannot be read at all raises `RefusedError`; an event that is wrong becomes an envelope that
says why, whether it came alone or in a batch. Limits and codes: segment.md 1.3, 1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from plaudit.errors import RefusedError
from plaudit.spec import timestamps
from plaudit.spec.calls import TYPES, Head, decode_head, is_object
from plaudit.spec.envelope import Envelope

EVENT_BYTES = 32 * 1024
BATCH_BYTES = 500 * 1024
BATCH_EVENTS = 2500
KEPT_BYTES = 4096  # of an event that was refused: enough to recognise it by

_NOBODY = (None, "")
NewId = Callable[[], str]


class Batch(msgspec.Struct, gc=False):
    """The body of `/v1/batch` and `/v1/import`; its events are decoded one by one."""

    batch: list[msgspec.Raw]
    writeKey: str | None = None  # noqa: N815 - the wire's name
    sentAt: str | float | None = None  # noqa: N815
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()


_decode_batch = msgspec.json.Decoder(Batch).decode
_decode_any = msgspec.json.Decoder().decode


def decode_single(body: bytes) -> Head:
    """The head of a single event. Raises `RefusedError`: the body is no JSON object."""
    try:
        return decode_head(body)
    except (msgspec.ValidationError, RecursionError):
        return _lenient(_object(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None


def decode_batch(body: bytes) -> Batch:
    """A batch request. Raises `RefusedError`: no JSON object, no `batch` array, empty or too long."""
    try:
        batch = _decode_batch(body)
    except (msgspec.ValidationError, RecursionError):
        obj = _object(body)
        if not isinstance(obj.get("batch"), list):
            raise RefusedError("bad_request", 'batch must be an array of events: {"batch": [...]}') from None
        raise RefusedError("bad_request", "writeKey must be a string and sentAt an ISO 8601 time") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(error) from None
    if not batch.batch:
        raise RefusedError("empty_batch", "batch is empty: send at least one event")
    if len(batch.batch) > BATCH_EVENTS:
        raise RefusedError(
            "batch_too_long",
            f"batch has {len(batch.batch)} events; send at most {BATCH_EVENTS} in a request",
            413,
        )
    if not is_object(batch.context) or not is_object(batch.integrations):
        raise RefusedError("bad_request", "context and integrations of a batch must be objects")
    return batch


def single(kind: str, head: Head, body: bytes, received_at: int, new_id: NewId) -> Envelope:
    """The envelope of one event whose type the path names. Too large, or wrong: an envelope that is refused."""
    if len(body) > EVENT_BYTES:
        return _too_large(kind, head, body, received_at, new_id)
    return _envelope(kind, head, body, None, received_at, new_id)


def items(batch: Batch, received_at: int, new_id: NewId) -> list[Envelope]:
    """An envelope for each event of a batch, good or refused, in order."""
    sent = timestamps.parse(batch.sentAt)
    return [_item(bytes(raw), sent, received_at, new_id) for raw in batch.batch]


def _item(body: bytes, sent: int | None, received_at: int, new_id: NewId) -> Envelope:
    try:
        head = decode_head(body)
    except (msgspec.ValidationError, RecursionError):
        try:
            head = _lenient(_object(body))
        except RefusedError as error:
            return _refused(new_id(), "", received_at, body, error.code, error.message)
    kind = head.type or ""
    if len(body) > EVENT_BYTES:
        return _too_large(kind, head, body, received_at, new_id)
    return _envelope(kind, head, body, sent, received_at, new_id)


def _envelope(
    kind: str, head: Head, body: bytes, sent: int | None, received_at: int, new_id: NewId
) -> Envelope:
    message_id = head.messageId
    if message_id is None or message_id == "":
        message_id = new_id()
    elif not isinstance(message_id, str):
        message_id = str(message_id)
    original = timestamps.parse(head.originalTimestamp)
    if original is None:
        original = timestamps.parse(head.timestamp)
    own = timestamps.parse(head.sentAt)
    when = timestamps.correct(original, sent if own is None else own, received_at)
    wrong = _wrong(kind, head)
    if wrong:
        return _refused(message_id, kind, when, body, *wrong)
    return Envelope(message_id, kind, when, body)


def _wrong(kind: str, head: Head) -> tuple[str, str] | None:
    """Segment's reason code and a sentence, or None for an event as it should be."""
    if kind not in TYPES:
        known = ", ".join(sorted(TYPES))
        return "bad_request", f"type is {'missing' if not kind else 'unknown'}: it must be one of {known}"
    if kind == "track" and not head.event:
        return "event_not_defined", "event is missing or empty: a track call needs the event's name"
    if head.userId in _NOBODY and head.anonymousId in _NOBODY and kind not in ("group", "alias"):
        return "no_user_anon_id", "userId and anonymousId are both missing: send one of them"
    if kind == "group" and head.groupId in _NOBODY:
        return "id_required", "groupId is missing: a group call needs it"
    if kind == "alias" and (head.previousId in _NOBODY or head.userId in _NOBODY):
        return "id_required", "an alias call needs both previousId and userId"
    if not is_object(head.properties):
        return "properties_not_object", "properties must be an object"
    if not is_object(head.traits):
        return "traits_not_object", "traits must be an object"
    if not is_object(head.context) or not is_object(head.integrations):
        return "bad_request", "context and integrations must be objects"
    return None


def _lenient(obj: dict[str, Any]) -> Head:
    """A head from an object in which something has the wrong type. Raises `RefusedError`: which, and what it must be."""
    for key in ("userId", "anonymousId", "groupId", "previousId", "messageId"):
        if not isinstance(obj.get(key), str | int | None) or isinstance(obj.get(key), bool):
            raise RefusedError("id_not_string", f"{key} must be a string")
    if not isinstance(obj.get("event"), str | None):
        raise RefusedError("event_not_string", "event must be a string: the event's name")
    if not isinstance(obj.get("type"), str | None):
        raise RefusedError("bad_request", f"type must be one of {', '.join(sorted(TYPES))}")
    if not isinstance(obj.get("writeKey"), str | None):
        raise RefusedError("bad_request", "writeKey must be a string")
    # What is left to be wrong are the three times: unreadable ones count as absent.
    obj = {k: None if k in ("timestamp", "originalTimestamp", "sentAt") else v for k, v in obj.items()}
    try:
        return decode_head(msgspec.json.encode({k: v for k, v in obj.items() if k in Head.__struct_fields__}))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise RefusedError("bad_request", "the event has a field that cannot be read") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        obj = _decode_any(body)
    except RecursionError:
        raise RefusedError("bad_request", "the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise _unreadable(error) from None
    if not isinstance(obj, dict):
        raise RefusedError("bad_request", "the body must be a JSON object")
    return obj


def _unreadable(error: Exception) -> RefusedError:
    return RefusedError("bad_request", f"the body is not JSON: {str(error).splitlines()[0][:200]}")


def _too_large(kind: str, head: Head, body: bytes, received_at: int, new_id: NewId) -> Envelope:
    reason = f"the event has {len(body):,} bytes; {EVENT_BYTES:,} are allowed"
    return _refused(str(head.messageId or new_id()), kind, received_at, body, "event_too_large", reason)


def _refused(message_id: str, kind: str, when: int, body: bytes, code: str, reason: str) -> Envelope:
    return Envelope(message_id, kind if kind in TYPES else "", when, body[:KEPT_BYTES], code, reason)
