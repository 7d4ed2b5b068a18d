"""The kinds of call, and the parts of one that are read before anything else.

Heads are decoded with `properties`, `traits` and `context` left as raw bytes: only an order's are ever
decoded further. Wire names are Segment's (spec/common.md of segment-docs).
"""

from __future__ import annotations

from typing import Any

import msgspec

TYPES = frozenset({"track", "identify", "page", "screen", "group", "alias"})

PATHS = {  # analytics.js posts to the first letter of the type (segment.md 1.1)
    **{name: name for name in TYPES},
    **{name[0]: name for name in TYPES},
}


class Head(msgspec.Struct, rename="camel", gc=False):
    """An event as far as collect and routing look at it; everything may be missing."""

    type: str | None = None
    event: str | None = None
    message_id: str | int | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    group_id: str | int | None = None
    previous_id: str | int | None = None
    timestamp: str | float | None = None
    original_timestamp: str | float | None = None
    sent_at: str | float | None = None
    write_key: str | None = None
    properties: msgspec.Raw = msgspec.Raw()
    traits: msgspec.Raw = msgspec.Raw()
    context: msgspec.Raw = msgspec.Raw()
    integrations: msgspec.Raw = msgspec.Raw()
    email: Any = None  # Segment's own event tester puts it at the root (segment.md 0.1, 8)


decode_head = msgspec.json.Decoder(Head).decode


def is_object(raw: msgspec.Raw) -> bool:
    """Whether raw JSON is an object; absent and `null` count as an empty one."""
    text = bytes(raw)
    return not text or text[:1] == b"{" or text == b"null"
