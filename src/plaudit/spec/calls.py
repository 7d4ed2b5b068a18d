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


class Head(msgspec.Struct, gc=False):
    """An event as far as collect and routing look at it; everything may be missing."""

    type: str | None = None
    event: str | None = None
    messageId: str | int | None = None  # noqa: N815 - the wire's name
    userId: str | int | None = None  # noqa: N815
    anonymousId: str | int | None = None  # noqa: N815
    groupId: str | int | None = None  # noqa: N815
    previousId: str | int | None = None  # noqa: N815
    timestamp: str | float | None = None
    originalTimestamp: str | float | None = None  # noqa: N815
    sentAt: str | float | None = None  # noqa: N815
    writeKey: str | None = None  # noqa: N815
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
