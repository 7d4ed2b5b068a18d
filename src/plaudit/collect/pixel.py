"""The pixel routes: an event in a query string, for mails (segment.md 1.1).

`?data=<base64 JSON>`, or dotted keys: `?userId=u&event=Opened&properties.subject=Hi&writeKey=...`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from plaudit.errors import RefusedError

DEEPEST = 8


def body(query: bytes) -> bytes:
    """The event as JSON. Raises `RefusedError`: `data` is no base64."""
    given = dict(parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=None))
    if "data" in given:
        data = given["data"].replace(" ", "+").replace("-", "+").replace("_", "/")
        try:
            return base64.b64decode(data + "=" * (-len(data) % 4))
        except (binascii.Error, ValueError):
            raise RefusedError("bad_request", "data is not base64") from None
    event: dict[str, Any] = {}
    for key, value in given.items():
        *path, last = key.split(".", DEEPEST)
        place = event
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        place[last] = value
    return msgspec.json.encode(event)
