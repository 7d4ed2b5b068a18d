"""Times as people write them: `2026-11-20`, `2026-11-20 18:40`, or a length of time ago, such as `2 days`. UTC."""

from __future__ import annotations

from plaudit.clock import SystemClock
from plaudit.errors import UsageError
from plaudit.spec import durations, timestamps

HINT = (
    'such as 2026-11-27 or 2026-11-27 18:40 (UTC unless it says otherwise), or how long ago, such as "2 days"'
)


def moment(option: str, written: str | None, now: int) -> int | None:
    """The time in ms; None when the option is not given. Raises `UsageError`: it is no time."""
    if written is None:
        return None
    ago = durations.milliseconds(written)
    found = timestamps.parse(written) if ago is None else max(now - ago, 0)
    if found is None:
        raise UsageError(f"{option} must be a time {HINT}; not {written!r}")
    return found


def span(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """Both ends of a range: from `since` on, up to and without `until`. Raises `UsageError`: nothing is between them."""
    now = SystemClock().now()
    first, last = moment("--since", since, now), moment("--until", until, now)
    if first is not None and last is not None and first >= last:
        raise UsageError(f"--since {since} is not before --until {until}: nothing is between them")
    return first, last
