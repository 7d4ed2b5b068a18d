"""Which source a request belongs to: by write key, from the header or the body (segment.md 1.2).

Held in memory and replaced whole when the configuration changes, so that collect never asks the store.
"""

from __future__ import annotations

import base64
import binascii

from prometheus_client import Counter

from plaudit.errors import RefusedError
from plaudit.observe import metrics
from plaudit.store.base import Configuration, Source


class Sources:
    """The sources by write key."""

    def __init__(self) -> None:
        self.collected: dict[int, Counter] = {}  # counts the events of a source, by its id
        self._by_key: dict[str, Source] = {}
        self._by_header: dict[bytes, Source] = {}

    def configure(self, configuration: Configuration) -> None:
        self.collected = {s.id: metrics.events_collected.labels(s.name) for s in configuration.sources}
        self._by_key = {source.write_key: source for source in configuration.sources}
        self._by_header = {
            b"Basic " + base64.b64encode(f"{source.write_key}:".encode()): source
            for source in configuration.sources
        }

    def by_key(self, key: str) -> Source | None:
        return self._by_key.get(key)

    def of_request(self, authorization: bytes | None, body_key: str | None) -> Source:
        """The source. Raises `RefusedError` 401: no key, or none that is known."""
        if authorization is not None:
            source = self._by_header.get(authorization)  # as nearly every SDK sends it
            if source is not None:
                return source
        key = basic_key(authorization) or body_key
        if not key:
            raise RefusedError(
                "unknown_source",
                "no write key: send it as the Basic user name, or as writeKey in the body",
                401,
            )
        source = self._by_key.get(key)
        if source is None:
            raise RefusedError(
                "unknown_source",
                "unknown write key: compare it with the source's key in Plaudit's configuration",
                401,
            )
        return source


def basic_key(authorization: bytes | None) -> str | None:
    """The user name of Basic authentication; None for Bearer (then the body has the key) and for anything else."""
    if not authorization:
        return None
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        plain = base64.b64decode(value.strip() + b"==").decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return plain.partition(":")[0] or None
