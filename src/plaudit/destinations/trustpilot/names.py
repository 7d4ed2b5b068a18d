"""The channels' names, and what ids, addresses and languages look like in their settings."""

from __future__ import annotations

KEY, API, MAIL, PARTNER = "integration_key", "invitations_api", "afs", "partner"
WRITING = (KEY, API, MAIL)  # the channels whose invitations are written here, not by who gets the event
RICH = (API, MAIL)  # the channels that carry language, template, send time, sender and tags

LOCALE = r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}"
LOCALE_HINT = 'must be a language such as "de-DE"'
UNIT_ID = r"[0-9a-f]{24}"
TEMPLATE_HINT = (
    "is no template id: those have 24 characters, 0 to 9 and a to f ('plaudit doctor' lists yours)"
)
_PORT = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
URL = rf"https?://([^\s/?#@:\[\]]+|\[[0-9a-fA-F:.]+\])(:{_PORT})?(/[^\s?#]*)?"
ADDRESS = r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+"
ADDRESS_HINT = "must be an e-mail address"
