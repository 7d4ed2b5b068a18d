"""Time, jitter and ids: the one module that asks the operating system for them.

Times are whole milliseconds since 1970 UTC (`int`); spans are seconds (`float`) where a person sets them.
Tests pass a clock of their own and never sleep.
"""

from __future__ import annotations

import random
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of Plaudit knows of time and chance."""

    def now(self) -> int:
        """Milliseconds since 1970 UTC."""

    def jitter(self) -> float:
        """A number in [0, 1)."""


class SystemClock:
    """The real time and real chance."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def jitter(self) -> float:
        return random.random()  # noqa: S311 - spreads retries, guards nothing


def message_id() -> str:
    """An id for an event that came without one."""
    return f"plaudit-{uuid.uuid4()}"


def call_id() -> str:
    """An id for a call that Plaudit makes of its own: as Segment's, `personas_` and 27 letters and digits."""
    return "personas_" + uuid.uuid4().hex[:27]


def write_key() -> str:
    """A new write key: 32 letters and digits, as long as Segment's."""
    alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(32))


def iso(ms: int) -> str:
    """`2026-11-23T18:40:00.000Z`."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
