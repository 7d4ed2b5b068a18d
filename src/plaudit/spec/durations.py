"""Lengths of time as people write them: `2 days`, `36 hours`, `90 minutes`. In ms."""

from __future__ import annotations

import re
from functools import lru_cache

_DURATION = re.compile(r"(\d{1,6}) ?(seconds?|minutes?|hours?|days?|weeks?|[smhdw])", re.IGNORECASE)
_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
LONGEST_MS = 3660 * _MS["d"]  # ten years: what is longer was meant otherwise
HINT = 'must be a length of time such as "2 days", "36 hours" or "90 minutes", at most ten years'


@lru_cache
def milliseconds(written: str) -> int | None:
    """The length in ms; None when it is no such length."""
    match = _DURATION.fullmatch(written.strip())
    if match is None:
        return None
    length = int(match[1]) * _MS[match[2][0].lower()]
    return length if length <= LONGEST_MS else None


def written(ms: int) -> str:
    """`2 days`, `36 hours`, `90 minutes`: in the largest unit that says it exactly."""
    for unit, name in (("d", "day"), ("h", "hour"), ("m", "minute"), ("s", "second")):
        if ms % _MS[unit] == 0:
            count = ms // _MS[unit]
            return f"{count} {name}" + ("" if count == 1 else "s")
    return f"{ms} ms"
