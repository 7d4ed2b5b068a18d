"""Secrets in what others say: a vendor's answer may quote the key that it does not accept, and verdicts quote answers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from plaudit.destinations.base import Destination, Verdict
from plaudit.destinations.settings import Settings

SHORTEST = 4  # characters: less than that is no secret, and stands in every other word


def secrets(destination: Destination, settings: Settings) -> list[str]:
    """The values that must be shown nowhere, the longest first: one may be a part of another."""
    given = (settings.get(setting.key) for setting in destination.settings if setting.secret)
    found = {value for value in given if isinstance(value, str) and len(value) >= SHORTEST}
    return sorted(found, key=len, reverse=True)


def hidden(verdict: Verdict, hide: Sequence[str]) -> Verdict:
    """The verdict, whose message has none of these."""
    message = verdict.message
    for secret in hide:
        message = message.replace(secret, "•••")
    return verdict if message == verdict.message else msgspec.structs.replace(verdict, message=message)
