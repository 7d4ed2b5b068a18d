"""Are the templates of the settings there? Trustpilot takes an unknown one without a word, and sends no mail.

Reads the answer to GET templates (trustpilot.md 2.2). What a template's `type` can be is documented nowhere: only
one that says the other kind of review is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from plaudit.destinations.base import Answer, Outcome, Verdict
from plaudit.destinations.settings import Settings
from plaudit.destinations.trustpilot import terms
from plaudit.spec.lookup import text

MOST = 20  # templates that a message lists


class Template(msgspec.Struct, rename="camel"):
    """One of the account's."""

    id: str
    name: str = ""
    locale: str = ""
    type: str = ""

    def __str__(self) -> str:
        about = ", ".join(text(part, 40) for part in (self.type, self.locale) if part)
        return f"{self.id} {text(self.name, 80)!r}" + (f" ({about})" if about else "")


class _Templates(msgspec.Struct):
    templates: list[Template] = []


_decode = msgspec.json.Decoder(_Templates).decode


def verdict(answer: Answer, settings: Settings) -> Verdict:
    """The verdict on the settings, from an answer that was a success."""
    try:
        found = _decode(answer.body).templates
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = f"answered {answer.status} without a list of templates"
        return Verdict(Outcome.UNCERTAIN, "unexpected_answer", message, status=answer.status)
    faults = list(_faults(settings, {template.id: template for template in found}))
    there = "; ".join(map(str, found[:MOST])) or "none"
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    if faults:
        message = f"{'; '.join(faults)}. Your account has: {there}{more}"
        return Verdict(Outcome.BLOCKED, "template_unknown", message, status=answer.status)
    message = f"the account lets us in; its templates: {there}{more}"
    return Verdict(Outcome.ACCEPTED, "accepted", message, status=answer.status)


def _faults(settings: Settings, known: dict[str, Template]) -> Iterator[str]:
    places: list[tuple[str, Any]] = [("", settings)]
    places += [(f"rule {n}: ", rule) for n, rule in enumerate(settings.get("rules") or (), 1)]
    for where, place in places:
        for key, other in (("template_id", "product"), ("product_template_id", "service")):
            if not (wanted := place.get(key)):
                continue
            template = known.get(wanted)
            if template is None:
                yield f"{where}{key} {wanted} is no template of your account"
                continue
            if other in template.type.lower():
                yield f"{where}{key} {wanted} is of another kind: {template.type}"
            chosen, has = terms.hyphenated(place.get("locale") or ""), terms.hyphenated(template.locale)
            if chosen and has and chosen != has:
                yield f"{where}{key} {wanted} is in {has}, but locale is {chosen}"
