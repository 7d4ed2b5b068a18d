"""Is this an e-mail address? A short pattern answers for nearly all; a library decides the rest."""

from __future__ import annotations

import re
from hashlib import blake2b

# Plain addresses as nearly everybody has them. Whatever does not match is asked of email-validator, which
# knows quoted parts, international names (also encoded ones, with two hyphens in a row) and takes twenty times as long.
_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)(?!.*--)[A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]{1,64}){0,3}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}"
)
# What looks like one in a text, also as a URL has it: to hide it, not to use it.
IN_TEXT = re.compile(r"[^\s\"'<>(){}\[\],;:=&?/\\]+(?:@|%40)[^\s\"'<>(){}\[\],;:=&?/\\]+\.\w+")
LONGEST_LOCAL = 64  # octets (RFC 5321)


def address(value: object) -> str | None:
    """The address, trimmed and normalised, or None when `value` is none."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _PLAIN.fullmatch(text):
        return text
    if "@" not in text or len(text) > 320:
        return None
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - rarely needed

    try:
        found = validate_email(text, check_deliverability=False, strict=True)
    except (EmailNotValidError, UnicodeError):
        return None
    return found.normalized if len(found.local_part.encode()) <= LONGEST_LOCAL else None


def recipient(address: str) -> int:
    """A number by which a customer's rows are found again without their address; 63 bits, so there may be namesakes."""
    return int.from_bytes(blake2b(address.casefold().encode(), digest_size=8).digest()) >> 1
