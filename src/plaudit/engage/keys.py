"""An audience's key from its display name: `order completed last 30days` is `order_completed_last_30days`.

Lower snake_case; digits stay with the letters after them, as in the page's example; other scripts are
transliterated. A key is made once and never again: it is the property's name downstream for ever.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

LONGEST = 100
EMPTY = "audience"
RESERVED = frozenset(
    (
        "address",
        "age",
        "anonymous_id",
        "avatar",
        "birthday",
        "company",
        "created_at",
        "description",
        "email",
        "external_id",
        "first_name",
        "gender",
        "group_id",
        "id",
        "last_name",
        "name",
        "phone",
        "previous_id",
        "surname",
        "title",
        "traits",
        "user_id",
        "username",
        "website",
    )
)
"""Traits that Segment's spec gives a meaning: true or false in their place would overwrite a customer's own."""

_APART = re.compile(r"[^a-z0-9]+")
_WITHIN = re.compile(r"['\u2018\u2019\u02bc`]")  # `women's` is one word


def audience_key(name: str, taken: Collection[str] = ()) -> str:
    """A key like the name that is not among `taken` nor `RESERVED`; with `_2`, `_3` … where it would be."""
    key = _snake(name)[:LONGEST].strip("_") or EMPTY
    if key not in taken and key not in RESERVED:
        return key
    number = 2
    while (other := f"{key[: LONGEST - len(str(number)) - 1]}_{number}") in taken:
        number += 1
    return other


def _snake(name: str) -> str:
    plain = _WITHIN.sub("", unicodedata.normalize("NFC", name))
    if not plain.isascii():
        from anyascii import anyascii  # noqa: PLC0415 - its tables are needed for few names

        plain = "".join(_spelled(character, anyascii(character)) for character in plain)
    return _APART.sub("_", _WITHIN.sub("", plain).lower()).strip("_")


def _spelled(character: str, ascii_: str) -> str:
    """The character in ASCII. Of scripts without spaces each sign is a word: `東京` is `dong_jing`."""
    if (
        len(ascii_) > 1
        and unicodedata.category(character) == "Lo"
        and unicodedata.east_asian_width(character) == "W"
    ):
        return f" {ascii_} "
    return ascii_
