"""The invitation templates of the account that the sandbox plays: few, fixed, of both types.

An unknown template id is what the vendor forgives worst: it takes the invitation and never sends the mail, in
silence. So the channels that carry one ask here, and the record has a note.
"""

# ruff: noqa: N815 - the fields have the wire's names
from __future__ import annotations

from collections.abc import Iterable

import msgspec

SERVICE = "service-review"
PRODUCT = "product-review"


class Template(msgspec.Struct, frozen=True):
    id: str
    name: str
    isDefaultTemplate: bool
    locale: str
    type: str


TEMPLATES = (
    Template("5a0000000000000000000001", "Service review, optimized", True, "en-US", SERVICE),
    Template("5a0000000000000000000002", "Service review, optimized", False, "en-GB", SERVICE),
    Template("5a0000000000000000000003", "Bewertung des Service", False, "de-DE", SERVICE),
    Template("5a0000000000000000000004", "Avis sur le service", False, "fr-FR", SERVICE),
    Template("5a0000000000000000000005", "Serviceanmeldelse", False, "da-DK", SERVICE),
    Template("5b0000000000000000000001", "Product review", True, "en-US", PRODUCT),
    Template("5b0000000000000000000002", "Produktbewertung", False, "de-DE", PRODUCT),
)
_BY_ID = {template.id: template for template in TEMPLATES}


def name_of(template_id: str) -> str:
    """The template's name with its locale; empty if there is no such template."""
    template = _BY_ID.get(template_id)
    return f"{template.name} ({template.locale})" if template else ""


def note_on(wanted: Iterable[tuple[str, str]]) -> str:
    """What to note of these (id, type) wishes: why no mail would come; empty if all are known."""
    for template_id, kind in wanted:
        template = _BY_ID.get(template_id)
        if template_id and (template is None or template.type != kind):
            return f"Never sent: the account has no {kind} template with the id {template_id[:60]}"
    return ""
