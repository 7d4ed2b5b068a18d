"""Which destination an event from Segment is for: by its Integration Key, or by the signature that it carries.

A destination with a webhook secret takes signed events only: an Integration Key stands in the pages of shops and
proves nothing. Held in memory and replaced whole when the configuration changes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, NamedTuple

from plaudit.collect.sources import basic_key
from plaudit.destinations.base import Destination
from plaudit.errors import RefusedError
from plaudit.store.base import Configuration


class Inlet(NamedTuple):
    """A destination as Segment sees it, and the source that its events are kept under."""

    source_id: int
    name: str
    kind: Destination
    settings: dict[str, Any]

    @property
    def secret(self) -> str:
        return str(self.settings.get("webhook_secret") or "")


class Inlets:
    """The destinations that events can be sent to directly."""

    def __init__(self) -> None:
        self._inlets: list[Inlet] = []

    def configure(self, configuration: Configuration, kinds: dict[str, Destination]) -> None:
        rows = {row.id: row for row in configuration.destinations}
        self._inlets = [
            Inlet(inlet.id, row.name, kinds[row.type], row.settings)
            for inlet in configuration.inlets
            if (row := rows.get(inlet.destination_id)) is not None and row.type in kinds
        ]

    def of_request(
        self, place: str, authorization: bytes | None, signature: bytes | None, body: bytes
    ) -> Inlet:
        """The destination at `place`, a destination's type or name. Raises `RefusedError` 401, 404."""
        here = [inlet for inlet in self._inlets if place in (inlet.kind.type, inlet.name)]
        if not here:
            known = ", ".join(sorted({inlet.name for inlet in self._inlets})) or "none"
            raise RefusedError(
                "not_found", f"no destination is called {place[:100]!r}; there is {known}", 404
            )
        key = basic_key(authorization)
        if key is None and signature is None:
            raise RefusedError(
                "unauthorized",
                "no key: send the Integration Key as the Basic user name, or an X-Signature",
                401,
            )
        found = [inlet for inlet in here if _belongs(inlet, key, signature, body)]
        if len(found) > 1:
            names = ", ".join(sorted(inlet.name for inlet in found))
            raise RefusedError(
                "ambiguous",
                f"several destinations have this key: post to /destinations/NAME, one of {names}",
                401,
            )
        if not found:
            raise RefusedError("unauthorized", _why_not(here, key, signature), 401)
        return found[0]


def _belongs(inlet: Inlet, key: str | None, signature: bytes | None, body: bytes) -> bool:
    if key is not None and not _same(key, str(inlet.settings.get("api_key") or "")):
        return False
    if inlet.secret:
        return signature is not None and _signed(inlet.secret, signature, body)
    return key is not None


def _why_not(here: list[Inlet], key: str | None, signature: bytes | None) -> str:
    if key is not None and any(_same(key, str(i.settings.get("api_key") or "")) for i in here):
        how = "is not right: compare the shared secret" if signature else "is missing"
        return f"this destination has a webhook_secret, and the X-Signature {how}"
    if key is None:
        return "no destination has a webhook_secret that this X-Signature was made with"
    return "unknown API Key: compare it with the Integration Key in the destination's settings"


def _same(one: str, other: str) -> bool:
    return bool(other) and hmac.compare_digest(one.encode(), other.encode())


def _signed(secret: str, signature: bytes, body: bytes) -> bool:
    """Segment's Webhooks destination signs the body by HMAC-SHA1, in hex (segment.md 3.4)."""
    expected = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower())
