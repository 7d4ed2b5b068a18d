"""A channel's data read strictly: bytes in, a struct out, or a reason in words.

A message names field and mend, and never repeats a value: values are people's names and addresses. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from plaudit.sandbox.address import is_address

T = TypeVar("T")

_PLACE = re.compile(r"(?s)(?P<what>.*?)(?: - at `\$\.?(?P<place>.*)`)?")
_FIELD = re.compile(r"Object (?P<how>contains unknown|missing required) field `(?P<name>\w{1,60})`")
_INDEX = re.compile(r"\[[0-9.]*\]")
_SEND_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_LOCALE = re.compile("[a-z]{2}-[A-Z]{2}")
_URI = re.compile(r"https?://[^\s/?#<>\"]+(?:[/?#][^\s<>\"]*)?")


class ContractError(Exception):
    """The data are not what the contract says; the message is for the one who sent them."""


class Reader(Generic[T]):
    """Reads a struct. `mends` says what to send in a field; `inner` are the structs inside it by their place."""

    def __init__(
        self, struct: type[T], mends: Mapping[str, str], inner: Mapping[str, type] | None = None
    ) -> None:
        self._decoder = msgspec.json.Decoder(struct)
        self._mends = mends
        self._structs: dict[str, Any] = {**(inner or {}), "": struct}

    def read(self, body: bytes | str | msgspec.Raw) -> T:
        """What `body` holds; ContractError says what is wrong with it."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as error:
            raise ContractError(self._in_words(str(error))) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise ContractError("the body is not JSON in UTF-8; send one JSON object") from None

    def require(self, good: object, problem: str) -> None:
        """ContractError unless `good`; `problem` begins with the field and a colon."""
        if not good:
            mend = self._mends.get(problem.partition(":")[0], "")
            raise ContractError(problem + (f"; send {mend}" if mend else ""))

    def check_address(self, field: str, value: str) -> None:
        self.require(is_address(value), f"{field}: not an e-mail address")

    def check_locale(self, field: str, value: str | None) -> None:
        self.require(value is None or _LOCALE.fullmatch(value), f"{field}: not a locale with a hyphen")

    def check_uri(self, field: str, value: str | None) -> None:
        self.require(value is None or _URI.fullmatch(value), f"{field}: not an address of the web")

    def check_words(self, field: str, values: list[str] | None) -> None:
        self.require(values is None or all(value.strip() for value in values), f"{field}: holds an empty one")

    def check_send_time(self, field: str, value: str | None) -> None:
        self.require(value is None or _is_time(value), f"{field}: not a time without an offset")

    def _in_words(self, error: str) -> str:
        """The message of msgspec with the field in front and the mend behind."""
        found = _PLACE.fullmatch(error)
        what, place = (found["what"], found["place"] or "") if found else (error, "")
        field = _FIELD.match(what)
        name = f"{place}.{field['name']}".lstrip(".") if field else place
        if what.startswith("Object contains unknown field"):
            known = ", ".join(self._structs[_INDEX.sub("[]", place)].__struct_fields__)
            return f"{name or 'a field'}: the contract has no such field; leave it out (there are {known})"
        mend = self._mends.get(name, "")
        problem = "missing" if field else "no known value" if what.startswith("Invalid enum") else what
        return f"{name or 'the body'}: {problem}" + (f"; send {mend}" if mend else "")


def _is_time(text: str) -> bool:
    if not _SEND_TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
