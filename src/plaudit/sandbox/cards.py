"""A record in the words of the page: who, which order, how much, when, and what to notice. Pure.

Nothing is escaped here: the template does that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from plaudit.sandbox.control import shown
from plaudit.sandbox.recorder import Record

# fmt: off
_NO_CENTS = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
# fmt: on
_ANSWERS = {
    "202": "asked for products",
    "reset-after": "recorded, then the connection was broken",
}


def card(record: Record, now: int) -> dict[str, Any]:
    """What the template needs; `id` and `version` tell the page's script whether a card has changed."""
    row = shown(record)
    received = record.received
    name = received.recipient_name.strip()
    return {
        **row,
        "id": f"i{record.received_at}-{hash((received.key, received.reference_id)) & 0xFFFFFFFF:x}",
        "version": f"{record.posts}-{record.accepted}-{record.updates}",
        "name": name,
        "first_name": name.partition(" ")[0],
        "products": msgspec.json.decode(received.products) if received.products else [],
        "total": money(received.total_cost, received.currency),
        "ago": ago(now - record.received_at),
        "exact": datetime.fromtimestamp(record.received_at / 1000, UTC).strftime("%-d %B %Y, %H:%M:%S UTC"),
        "note": _note(record),
    }


def _note(record: Record) -> str:
    """What a shop should notice about this invitation; empty if all is as it should be."""
    if record.accepted > 1:
        return f"Invited {record.accepted} times"
    if record.accepted:
        return _ANSWERS[record.answer] if record.answer == "reset-after" else ""
    if record.posts:
        return f"Not invited yet: {_ANSWERS.get(record.answer, 'answered ' + record.answer)}"
    return "Order status only, no invitation"


def money(amount: str | float | None, currency: str) -> str:
    """The amount as people write it where no language is known: `1,249.50 EUR`."""
    if amount is None:
        return ""
    try:
        text = f"{float(amount):,.{0 if currency in _NO_CENTS else 2}f}"
    except (ValueError, OverflowError):
        text = str(amount)
    return f"{text} {currency}".strip()


def ago(milliseconds: int) -> str:
    """How long ago, roughly; static/sandbox.js says it the same way."""
    seconds = milliseconds // 1000
    if seconds < 5:
        return "just now"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"
