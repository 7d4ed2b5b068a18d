"""How much of what was read of the log goes into one commit."""

from __future__ import annotations

from plaudit.spec.envelope import Entry


def batch_of(
    ahead: list[tuple[int, Entry]], events: int
) -> tuple[list[tuple[int, Entry]], list[tuple[int, Entry]]]:
    """The first entries with about so many events, and the rest: small commits let lanes and others have theirs."""
    count = size = 0
    while count < len(ahead) and size < events:
        size += len(ahead[count][1].events)
        count += 1
    return ahead[:count], ahead[count:]
