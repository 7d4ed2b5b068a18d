"""Bytes of a tracking call into envelopes: shapes, ids, sizes and clocks, with Segment's own reason codes.

A body that cannot be read at all raises `RefusedError`; an event that is wrong becomes an envelope that
says why, whether it came alone or in a batch. Limits and codes: segment.md 1.3, 1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from plaudit.errors import RefusedError
from plaudit.spec import timestamps
from plaudit.spec.calls import TYPES, Head, decode_head, is_object
from plaudit.spec.envelope import Envelope
from plaudit.spec.halves import mended

EVENT_BYTES = 32 * 1024
BATCH_BYTES = 500 * 1024
BATCH_EVENTS = 2500
LONGEST_ID = 255  # characters of a message id; Segment allows 100 (segment.md 1.3)
KEPT_BYTES = 4096  # of an event that was refused: enough to recognise it by

_NOBODY = (None, "")
_IDS = frozenset({"userId", "anonymousId", "groupId", "previousId", "messageId"})
_TEXTS = {"event": "event_not_string", "type": "bad_request", "writeKey": "bad_request"}
_TIMES = frozenset({"timestamp", "originalTimestamp", "sentAt"})
Wrong = tuple[str, str]  # Segment's reason code, and a sentence
NewId = Callable[[], str]


class Batch(msgspec.Struct, rename="camel", gc=False):
    """The body of `/v1/batch` and `/v1/import`; its events are decoded one by one."""

    batch: list[msgspec.Raw]
    write_key: str | None = None
    sent_at: str | float | None = None
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()


_decode_batch = msgspec.json.Decoder(Batch).decode
_decode_any = msgspec.json.Decoder().decode


def decode_single(body: bytes) -> tuple[Head, Wrong | None]:
    """The head of a single event, and what is of the wrong type in it, if anything.

    Raises `RefusedError`: the body is no JSON object.
    """
    try:
        return decode_head(body), None
    except (msgspec.ValidationError, RecursionError):
        return _lenient(_object(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        whole = mended(body)
        if whole != body:
            return decode_single(whole)
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
        whole = mended(body)
        if whole != body:
            return decode_batch(whole)
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


def single(
    kind: str, read: tuple[Head, Wrong | None], body: bytes, received_at: int, new_id: NewId, room: int = 0
) -> Envelope:
    """The envelope of one event whose type the path names. Too large, or wrong: an envelope that is refused.

    `room`: bytes beyond the limit, for what others added to the event on its way.
    """
    return _envelope(kind, read, body, None, received_at, new_id, EVENT_BYTES + room)


def items(batch: Batch, received_at: int, new_id: NewId) -> list[Envelope]:
    """An envelope for each event of a batch, good or refused, in order."""
    sent = timestamps.parse(batch.sent_at)
    return [_item(bytes(raw), sent, received_at, new_id) for raw in batch.batch]


def _item(body: bytes, sent: int | None, received_at: int, new_id: NewId) -> Envelope:
    try:
        read = decode_single(body)
    except RefusedError as error:
        return unreadable(body, received_at, new_id, error)
    return _envelope(read[0].type or "", read, body, sent, received_at, new_id)


def unreadable(body: bytes, received_at: int, new_id: NewId, error: RefusedError) -> Envelope:
    """What is kept of bytes that are no event."""
    return Envelope(new_id(), "", received_at, body[:KEPT_BYTES], error.code, error.message)


def _envelope(
    kind: str,
    read: tuple[Head, Wrong | None],
    body: bytes,
    sent: int | None,
    received_at: int,
    new_id: NewId,
    limit: int = EVENT_BYTES,
) -> Envelope:
    head, wrong = read
    message_id = head.message_id
    if message_id is None or message_id == "":
        message_id = new_id()
    elif not isinstance(message_id, str):
        message_id = str(message_id)
    if len(message_id) > LONGEST_ID:
        # No index holds an id of any length; the same one gives the same again.
        message_id = f"sha256:{sha256(message_id.encode('utf-8', 'replace')).hexdigest()}"
    original = timestamps.parse(head.original_timestamp)
    if original is None:
        original = timestamps.parse(head.timestamp)
    own = timestamps.parse(head.sent_at)
    when = timestamps.correct(original, sent if own is None else own, received_at)
    if len(body) > limit:
        wrong = ("event_too_large", f"the event has {len(body):,} bytes; {limit:,} are allowed")
    wrong = wrong or _wrong(kind, head)
    if wrong is None:
        return Envelope(message_id, kind, when, body)
    return Envelope(message_id, kind if kind in TYPES else "", when, body[:KEPT_BYTES], *wrong)


def _wrong(kind: str, head: Head) -> Wrong | None:
    """Segment's reason code and a sentence, or None for an event as it should be."""
    if kind not in TYPES:
        known = ", ".join(sorted(TYPES))
        return "bad_request", f"type is {'missing' if not kind else 'unknown'}: it must be one of {known}"
    if kind == "track" and not head.event:
        return "event_not_defined", "event is missing or empty: a track call needs the event's name"
    if head.user_id in _NOBODY and head.anonymous_id in _NOBODY and kind not in ("group", "alias"):
        return "no_user_anon_id", "userId and anonymousId are both missing: send one of them"
    if kind == "group" and head.group_id in _NOBODY:
        return "id_required", "groupId is missing: a group call needs it"
    if kind == "alias" and (head.previous_id in _NOBODY or head.user_id in _NOBODY):
        return "id_required", "an alias call needs both previousId and userId"
    if not is_object(head.properties):
        return "properties_not_object", "properties must be an object"
    if not is_object(head.traits):
        return "traits_not_object", "traits must be an object"
    if not is_object(head.context) or not is_object(head.integrations):
        return "bad_request", "context and integrations must be objects"
    return None


def _lenient(obj: dict[str, Any]) -> tuple[Head, Wrong | None]:
    """A head without what is of the wrong type, and the first of that. Unreadable times count as absent."""
    wrong: Wrong | None = None
    kept = {}
    for key in Head.__struct_encode_fields__:
        value = obj.get(key)
        if key in _IDS and (isinstance(value, bool) or not isinstance(value, str | int | None)):
            wrong = wrong or ("id_not_string", f"{key} must be a string")
        elif key in _TEXTS and not isinstance(value, str | None):
            wrong = wrong or (_TEXTS[key], f"{key} must be a string")
        elif key not in _TIMES:
            kept[key] = value
    try:
        return decode_head(msgspec.json.encode(kept)), wrong
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return Head(), ("bad_request", "the event has a field that cannot be read")


def _object(body: bytes) -> dict[str, Any]:
    try:
        obj = _decode_any(mended(body))
    except RecursionError:
        raise RefusedError("bad_request", "the JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise _unreadable(error) from None
    if not isinstance(obj, dict):
        raise RefusedError("bad_request", "the body must be a JSON object")
    return obj


def _unreadable(error: Exception) -> RefusedError:
    return RefusedError("bad_request", f"the body is not JSON: {str(error).splitlines()[0][:200]}")
