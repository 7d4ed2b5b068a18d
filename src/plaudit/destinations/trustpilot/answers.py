"""What Trustpilot's answers mean, one row a status: the whole retry contract in one pure function.

201 and 202 are the flow's business. Nothing else is success: a client that took any 2xx for one would
drop the invitation on 251 to 253 (trustpilot.md 1.4).
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import msgspec

from plaudit.destinations.base import Answer, Outcome, Verdict
from plaudit.spec.lookup import text

LATER = frozenset({408, 425, 429})
SETTINGS = {
    401: (
        "key_refused",
        "Trustpilot does not accept the API Key: compare it with the Integration Key in Trustpilot Business",
    ),
    402: ("plan", "Trustpilot wants another plan for this: see Trustpilot Business, Billing"),
    403: (
        "key_forbidden",
        "Trustpilot forbids this API Key to invite: check the integration in Trustpilot Business",
    ),
    404: (
        "key_unknown",
        "Trustpilot does not know this API Key (or base_url is wrong): compare it with the Integration Key",
    ),
}


def verdict(answer: Answer) -> Verdict:
    """The verdict on an answer that is neither 201 nor a 202 of the first post."""
    status = answer.status
    said = _said(answer.body)
    if 251 <= status <= 253:
        domains = _domains(answer.body)
        which = f" for {', '.join(domains)}" if domains else ""
        return Verdict(
            Outcome.BLOCKED,
            f"blocked_{status}",
            f"Trustpilot has switched invitations off{which} (answer {status}): "
            "ask Trustpilot's support, then apply the configuration again",
            status=status,
        )
    if 300 <= status < 400:
        return Verdict(
            Outcome.BLOCKED,
            "redirected",
            f"answered {status}, a redirect: base_url is not the API's address",
            status=status,
        )
    if status in SETTINGS:
        reason, message = SETTINGS[status]
        return Verdict(Outcome.BLOCKED, reason, f"{message}{said}", status=status)
    if status in LATER or status >= 500:
        reason = {408: "timeout", 425: "too_early", 429: "rate_limited"}.get(status, "server_error")
        return Verdict(Outcome.RETRY, reason, f"answered {status}{said}", retry_after(answer), status)
    if 400 <= status < 500:
        return Verdict(
            Outcome.REFUSED, "refused", f"Trustpilot refuses the data (answer {status}){said}", status=status
        )
    return Verdict(
        Outcome.UNCERTAIN,
        "unexpected_answer",
        f"answered {status}, which the contract does not know{said}",
        status=status,
    )


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


def _domains(body: bytes) -> list[str]:
    try:
        found = msgspec.json.decode(body, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [text(domain, 253) for domain in found[:10]]


def _said(body: bytes) -> str:
    """`: "what the vendor wrote"`, from a JSON answer's message; nothing from HTML pages of proxies."""
    try:
        obj = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if isinstance(obj, dict):
        for key in ("message", "Message", "error", "Error", "details"):
            said = text(obj.get(key), 200)
            if said:
                return f": {said!r}"
    return ""
