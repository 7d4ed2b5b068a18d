"""What says of whom something is, masked: in events, in computed values, in names. Pure.

Better too much than too little: whoever needs what is masked asks for it, and the asking is recorded.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from plaudit.engage.explain import Reason
from plaudit.engage.identifiers import Identifier
from plaudit.spec.email import IN_TEXT
from plaudit.spec.lookup import plain
from plaudit.spec.order import Order

# Names of fields that say of whom an event is, in their plain form (spec/lookup.py): Segment's reserved traits, what an
# order's name is read from, and the parts of an address.
PERSONAL = frozenset(
    [
        "name",
        "firstname",
        "middlename",
        "lastname",
        "surname",
        "fullname",
        "displayname",
        "nickname",
        "username",
        "birthday",
        "dateofbirth",
        "avatar",
        "email",
        "emailaddress",
        "mail",
        "phone",
        "phonenumber",
        "mobile",
        "telephone",
        "address",
        "street",
        "streetname",
        "line1",
        "line2",
        "address1",
        "address2",
        "postalcode",
        "postcode",
        "zip",
        "zipcode",
        "city",
        "ip",
    ]
)
_OF_PRODUCTS = PERSONAL - {"name"}  # a product's name is nobody's
_HARMLESS = frozenset({"country", "countrycode"})  # of an address: rules for languages go by it
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_DEEPEST = 100  # levels of an event that are looked into; Python could not follow much further
_AT = "\0"  # stands for the @ of an address that is masked already
UNKNOWN = "…"


def mask(text: str) -> str:
    """`Z…`."""
    return f"{text[:1]}{UNKNOWN}" if text else ""


def mask_email(address: str) -> str:
    """`z…@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}{UNKNOWN}{at}{domain}" if at else mask(address)


def masked_order(order: Order) -> Order:
    """What was read from the event, with nothing that says of whom."""
    return msgspec.structs.replace(order, email=mask_email(order.email), name=mask(order.name), traits={})


def masked_json(value: Any, personal: frozenset[str] = PERSONAL, depth: int = 0) -> Any:
    """An event's JSON with every address masked, and what stands under these names, but for those of products."""
    if depth > _DEEPEST:
        return UNKNOWN
    if isinstance(value, dict):
        found = {}
        for key, each in value.items():
            its = plain[key]
            if its in personal:
                found[masked_text(key)] = _hidden(each, depth + 1)
            else:
                of_it = _OF_PRODUCTS if its == "products" else personal
                found[masked_text(key)] = masked_json(each, of_it, depth + 1)
        return found
    if isinstance(value, list):
        return [masked_json(each, personal, depth + 1) for each in value]
    return masked_text(value) if isinstance(value, str) else value


def masked_text(text: str) -> str:
    """A text with the addresses in it masked, also as a URL has them."""
    if "@" not in text and "%40" not in text:
        return text
    clean = IN_TEXT.sub(lambda found: mask_email(found[0].replace("%40", "@")).replace("@", _AT), text)
    return mask(text) if "@" in clean or "%40" in clean else clean.replace(_AT, "@")


def masked_name(name: Identifier) -> Identifier:
    """One way to know a person, so that nobody is told who it is."""
    return Identifier(name.type, mask_email(name.value))


def masked_value(value: Any, query: str) -> Any:
    """What a query comes to for a person: hidden where the query reads what says of whom, else as an event's JSON."""
    return _hidden(value) if _reads_personal(query) else masked_json(value)


def masked_reason(reason: Reason) -> Reason:
    """The same with every value as `masked_value` has it."""
    parts = [masked_reason(part) for part in reason.parts]
    return msgspec.structs.replace(reason, value=masked_value(reason.value, reason.text), parts=parts)


@lru_cache
def _reads_personal(query: str) -> bool:
    """Whether any text in it, or a part of one that is a path, is such a name."""
    names = (part for found in _QUOTED.findall(query) for part in ".".join(found).split("."))
    return any(plain[name] in PERSONAL for name in names)


def _hidden(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return UNKNOWN
    if isinstance(value, dict):
        return {
            masked_text(key): masked_json(each, PERSONAL, depth + 1)
            if plain[key] in _HARMLESS
            else _hidden(each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_hidden(each, depth + 1) for each in value]
    if isinstance(value, str):
        return masked_text(value) if IN_TEXT.fullmatch(value) else mask(value)
    return value if value is None or isinstance(value, bool) else UNKNOWN
