"""What answers mean, one row a status: the whole retry contract of every HTTP channel in one pure function.

A channel brings its `Words`: which statuses are success, and what its settings are called. Nothing else is
success: a client that took any 2xx for one would drop the invitation on 251 to 253 (trustpilot.md 1.4). Rows are from trustpilot.md 1.4
and 2.4 and segment.md 3.3. One question decides each: can sending this again, or another order, come out otherwise?
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from plaudit.destinations.base import Answer, Outcome, Verdict
from plaudit.spec.lookup import text

# Nothing was done, and the same request may work later.
LATER = {
    408: "timeout",
    423: "locked",  # somebody else holds the record just now: Segment's framework repeats it (segment.md 3.3)
    425: "too_early",
    429: "rate_limited",
}
# It cannot depend on the order, so every other one would fare the same: sending on would lose them one by one.
SETTINGS = {
    405: ("address_unknown", "there is no such API at that address: base_url is wrong, or the API is gone"),
    406: (
        "format_refused",
        "the other side wants another format than JSON: base_url is not the API's address",
    ),
    410: (
        "address_unknown",
        "there is no such API at that address any more: base_url is wrong, or the API is gone",
    ),
    415: (
        "format_refused",
        "the other side wants another format than JSON: base_url is not the API's address",
    ),
    496: (
        "tls_refused",
        "Trustpilot does not accept this machine's TLS: update its OpenSSL, or look for a proxy that breaks TLS",
    ),
}
_ADDRESS = re.compile(r"[^\s@\"'<>,;:]+@[^\s@\"'<>,;:]+")


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What is a channel's own: its success, and its settings' faults as (reason, sentence) by status."""

    success: frozenset[int]
    settings: dict[int, tuple[str, str]]
    unsupported: frozenset[int] = frozenset()  # statuses that say: not this kind of call, ever
    switched_off: frozenset[int] = frozenset()  # statuses that say: no invitations for these domains
    fault_in_body: bool = False  # a success may have an error for its body (trustpilot.md 2.2)
    who: str = "Trustpilot"


def verdict(answer: Answer, words: Words) -> Verdict:
    """The verdict on a whole answer; what only a flow knows (a 202 that asks for products) it has dealt with."""
    status = answer.status
    body = _json(answer.body)
    said = _said(body)
    if status in words.success:
        if words.fault_in_body and _tells_fault(body):
            return _unexpected(status, f"with an error in it{said}")
        return Verdict(
            Outcome.ACCEPTED, "accepted", "accepted for processing" if status == 202 else "", status=status
        )
    if status in words.switched_off:
        return _blocked(status, f"blocked_{status}", _switched_off(answer))
    if status in words.unsupported:
        return Verdict(
            Outcome.REFUSED,
            "unsupported",
            f"{words.who} does not take this kind of call{said}",
            status=status,
        )
    if 300 <= status < 400:
        return _blocked(
            status, "redirected", f"answered {status}, a redirect: base_url is not the API's address"
        )
    if status == 403 and _is_page(answer):
        # The network in front of the API answers so, before any key was looked at (trustpilot.md 2.4).
        message = (
            "a page, not the API, answered 403: the network in front of it turns this machine's address away"
        )
        return Verdict(Outcome.RETRY, "turned_away", message, retry_after(answer), status)
    if status in words.settings or status in SETTINGS:
        reason, message = words.settings.get(status) or SETTINGS[status]
        return _blocked(status, reason, f"{message}{said}")
    if status in LATER or status >= 500:
        # Also 501, where it is not said to mean "never": a front that is being replaced answers so for a while.
        return Verdict(
            Outcome.RETRY,
            LATER.get(status, "server_error"),
            f"answered {status}{said}",
            retry_after(answer),
            status,
        )
    if 400 <= status < 500:
        return Verdict(
            Outcome.REFUSED, "refused", f"{words.who} refuses the data (answer {status}){said}", status=status
        )
    return _unexpected(status, f"which the contract does not know{said}")


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait, from a `Retry-After` of either form; None without one that can be read."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        then, now = parsedate_to_datetime(value), parsedate_to_datetime(answer.headers.get("date", ""))
        return max((then - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def in_words(body: bytes | msgspec.Raw) -> str:
    """`: 'what the other side wrote'`, from JSON of any shape; '' when it says nothing."""
    said = without_addresses(_flat(_json(bytes(body))))
    return f": {text(said, 300)!r}" if said else ""


def _blocked(status: int, reason: str, message: str) -> Verdict:
    return Verdict(Outcome.BLOCKED, reason, message, status=status)


def _unexpected(status: int, how: str) -> Verdict:
    return Verdict(Outcome.UNCERTAIN, "unexpected_answer", f"answered {status}, {how}", status=status)


def _switched_off(answer: Answer) -> str:
    domains = _domains(answer.body)
    which = f" for {', '.join(domains)}" if domains else ""
    return (
        f"Trustpilot has switched invitations off{which} (answer {answer.status}): "
        "ask Trustpilot's support, then apply the configuration again"
    )


def _domains(body: bytes) -> list[str]:
    try:
        found = msgspec.json.decode(body, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [text(domain, 253) for domain in found[:10]]


def _is_page(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip()[:1] == b"<"


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _tells_fault(body: Any) -> bool:
    return isinstance(body, dict) and any(
        body.get(key) for key in ("Error", "ErrorCode", "error", "errorCode", "details", "fault")
    )


def _said(body: Any) -> str:
    """`: 'what the other side wrote'`, from JSON of any of the shapes seen (trustpilot.md 2.4); nothing from pages."""
    if isinstance(body, dict) and isinstance(body.get("fault"), dict):
        body = {"message": body["fault"].get("faultstring")}
    if not isinstance(body, dict):
        return ""
    words = [_flat(body.get(key)) for key in ("message", "Message", "error", "Error", "details")]
    code = text(body.get("errorCode") or body.get("ErrorCode"), 20)
    words.append(f"error {code}" if code else "")
    said = without_addresses("; ".join(dict.fromkeys(word for word in words if word)))
    return f": {text(said, 300)!r}" if said else ""


def without_addresses(said: str) -> str:
    """Others' words, which may repeat the customer's address: a verdict's message has none."""
    return _ADDRESS.sub("…@…", said)


def _flat(value: Any, depth: int = 3) -> str:
    """What a value says on one line: a text, or those in a list or an object."""
    if isinstance(value, list) and depth:
        return ", ".join(filter(None, (_flat(each, depth - 1) for each in value[:5])))
    if isinstance(value, dict) and depth:
        said = ((text(key, 50), _flat(each, depth - 1)) for key, each in list(value.items())[:5])
        return ", ".join(f"{key}: {each}" for key, each in said if each)
    return text(value, 200)
