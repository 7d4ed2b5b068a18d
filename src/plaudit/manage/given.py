"""What operations are given, as values: read from a path, a query, a body or a form, and checked in one place."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from plaudit.manage.problems import ProblemError

LARGEST = 2**63 - 1
Id = Annotated[int, Meta(ge=1, le=LARGEST)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Time = Annotated[
    str, Meta(min_length=1, max_length=60, description='ISO 8601, or how long ago, such as "2 days"')
]
Limit = Annotated[int, Meta(ge=1, le=500)]
Cursor = Annotated[str, Meta(max_length=19, pattern="^[0-9]+$", description="`next` of the page before")]

T = TypeVar("T")


class Given(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an operation takes; a field without a default has to be there."""


class Nothing(Given, kw_only=True):
    """An operation that takes nothing."""


class OfId(Given, kw_only=True):
    id: Id


class OfName(Given, kw_only=True):
    name: Name


class Page(Given, kw_only=True):
    """Where a list goes on, and how far."""

    limit: Limit = 50
    cursor: Cursor | None = None

    @property
    def before(self) -> int | None:
        return None if self.cursor is None else min(int(self.cursor), LARGEST)


def read(values: dict[str, Any], kind: type[T], *, text: bool = False) -> T:
    """The values as what they shall be; with `text`, they all come as strings. Raises `ProblemError`: 400 `bad_request`."""
    try:
        return msgspec.convert(values, kind, strict=not text)
    except msgspec.ValidationError as error:
        said = str(error).replace("Object contains", "there is an").replace("Object missing", "missing is a")
        raise ProblemError(400, "bad_request", said.replace(" - at `$.", " - at `")) from None


def number(text: str) -> int | None:
    """A number as an address or a form has it; None: it is none, or larger than any id can be."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def id_of(what: str, text: str) -> int:
    """An id in an address. Raises `ProblemError`: 404, for nothing has such an id."""
    found = number(text)
    if found is None:
        raise not_found(what, text[:40])
    return found


def not_found(what: str, name: object) -> ProblemError:
    return ProblemError(404, "not_found", f"there is no {what} {name}")
