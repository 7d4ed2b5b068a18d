"""A record in the words of the page: who, which order, how much, when, and what to notice. Pure.

Nothing is escaped here: the template does that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from plaudit.sandbox.control import shown, shown_call
from plaudit.sandbox.recorder import Call, Received, Record
from plaudit.sandbox.review_templates import name_of

# fmt: off
_NO_CENTS = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"}
# fmt: on
CHANNELS = {
    "integration_key": "Integration Key",
    "invitations_api": "Invitations API",
    "afs": "Mail (AFS)",
    "partner": "Partner",
}
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
        "channel_name": CHANNELS.get(received.channel, received.channel),
        "wishes": _wishes(received),
    }


def call_card(call: Call, now: int) -> dict[str, Any]:
    """One call about a person, with its traits as words."""
    traits = msgspec.json.decode(call.properties if call.event else call.traits)
    return {
        **shown_call(call),
        "who": call.user_id or call.anonymous_id,
        "traits": [(name, _word(value)) for name, value in traits.items()],
        "ago": ago(now - call.received_at),
    }


def _wishes(received: Received) -> list[tuple[str, str]]:
    """What the invitation asks of the mail, as labels and values, those that were given."""
    wishes = received.wishes
    sender = " ".join(part for part in (wishes.sender_name, _angled(wishes.sender_email)) if part)
    rows = [
        (
            "Asks for",
            "" if wishes.invites in ((), ("service",)) else " and ".join(wishes.invites) + " review",
        ),
        ("Language", wishes.locale),
        ("Template", _template(wishes.template_id)),
        ("Product template", _template(wishes.product_template_id)),
        ("Send at", _moment(wishes.preferred_send_time)),
        ("Product mail at", _moment(wishes.product_preferred_send_time)),
        ("From", sender),
        ("Reply to", wishes.reply_to),
        ("Leads on to", wishes.redirect_uri),
        ("Product leads to", wishes.product_redirect_uri),
        ("Location", wishes.location_id),
    ]
    return [(label, value) for label, value in rows if value]


def _angled(address: str) -> str:
    return f"<{address}>" if address else ""


def _template(template_id: str) -> str:
    return name_of(template_id) or template_id


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%-d %B %Y, %H:%M UTC") if text else ""


def _word(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _note(record: Record) -> str:
    """What a shop should notice about this invitation; empty if all is as it should be."""
    if record.accepted > 1:
        return f"Invited {record.accepted} times"
    if record.accepted:
        broken = _ANSWERS[record.answer] if record.answer == "reset-after" else ""
        return record.received.wishes.note or broken
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
