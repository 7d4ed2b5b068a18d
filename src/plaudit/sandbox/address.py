"""Whether a string is an e-mail address, by syntax alone.

Its own reading of RFC 5321 and 6531 (dot-atom, a dotted domain, the lengths), kept apart from the checks
that Plaudit itself makes: the sandbox must be able to catch Plaudit out. Quoted local parts, address
literals and display names are refused, as mail forms do; whether the domain exists is not asked.
"""

from __future__ import annotations

import re

_ATOM = r"[^\s\x00-\x20\x7f\"(),.:;<>@\[\]\\]+"
_LABEL = r"(?!-)(?:[A-Za-z0-9-]|[^\x00-\x7f\s]){1,63}(?<!-)"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


def is_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return (
        len(local.encode(errors="replace")) <= 64
        and len(domain) <= 253
        and not domain.rpartition(".")[2].isdigit()
        and _ADDRESS.fullmatch(text) is not None
    )
