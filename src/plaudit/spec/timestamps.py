"""Segment's timestamps: ISO 8601 in, milliseconds out, and the correction for a client's wrong clock.

`timestamp = receivedAt - (sentAt - originalTimestamp)` (segment.md 1.7). What cannot be read counts as
absent: a bad clock never costs an order its invitation.
"""

from __future__ import annotations

from datetime import UTC, datetime

LATEST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
SECONDS_BELOW = (
    100_000_000_000  # a bare number under this is seconds (until the year 5138), else milliseconds
)


def parse(value: str | float | None) -> int | None:
    """Milliseconds since 1970 UTC, or None. Without an offset the time counts as UTC."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        try:
            ms = round(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            return None
    else:
        if not 0 <= value <= LATEST:  # which NaN is not, either
            return None
        ms = round(value * 1000 if value < SECONDS_BELOW else value)
    return ms if 0 <= ms <= LATEST else None


def correct(original: int | None, sent: int | None, received: int) -> int:
    """When the event happened by the server's clock.

    Without `sentAt` the original stands: there is nothing to correct it by. Without an original, the
    time of receipt.
    """
    if original is None:
        return received
    if sent is None:
        return original
    return min(max(received - (sent - original), 0), LATEST)
