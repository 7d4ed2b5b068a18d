"""Strategies for JSON of all kinds, as bytes: good, odd, and what only looks like it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st


class Token(NamedTuple):
    """Bytes that stand for themselves where a JSON value would."""

    text: bytes

    def __repr__(self) -> str:
        """Short enough to be shown."""
        shown = repr(self.text)
        return f"Token({shown})" if len(shown) < 100 else f"Token({shown[:60]}... {len(self.text)} bytes)"


class Pairs(NamedTuple):
    """An object whose keys may come more than once."""

    items: list[tuple[str, Any]]


def nested(depth: int, kind: str = "[") -> Token:
    """So many arrays or objects in one another."""
    return Token(b"[" * depth + b"]" * depth if kind == "[" else b'{"a":' * depth + b"0" + b"}" * depth)


NUMBERS = [
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1e308", b"-1e308", b"-0", b"-0.0", b"1E5"),
    *(b"1e-400", b"1e17", b"1e300", b"2.5", b"01", b"+1", b".5", b"1.", b"0x10"),
    *(sign + b"7" * digits for sign in (b"", b"-") for digits in (19, 20, 309, 400, 4300, 4301, 5000)),
]
STRINGS = [
    *(b"\\ud800", b"\\udc00\\ud800", b"\\ud83d\\ude00", b"\\u0000", b"\\u00", b"\\x", b"\\", b"\x00", b"\n"),
    *(b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"a" * 40_000),
]
NO_JSON = [
    b"",
    b"True",
    b"undefined",
    b"'a'",
    b"[1,]",
    b'{"a":1,}',
    b"/**/1",
    b'"',
    b"{",
    b"]",
    b"\xef\xbb\xbf1",
]
DEEP = [nested(n, kind) for n in (50, 500, 900, 960, 990, 1000, 1100, 5000, 16_000) for kind in "[{"]
STRANGE = [
    *(Token(text) for text in (*NUMBERS, *NO_JSON)),
    *(Token(b'"' + text + b'"') for text in STRINGS),
    *DEEP,
]
TIMES = [
    *("2026-11-23T18:40:00.000Z", "2026-11-23T18:40:00+25:00", "2026-W48-1", "20261123", "now", "", " "),
    *("0000-00-00T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "1e3"),
    *(
        0,
        -1,
        1,
        1_800_000_000,
        1_800_000_000_000,
        10**15,
        -(10**15),
        2**63,
        -(2**63),
        2**64,
        1.5,
        -1e11,
        1e22,
    ),
]

texts = st.text(st.characters(exclude_categories=()), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | texts
    | st.sampled_from(TIMES)
)
plain_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | st.sampled_from(STRANGE),
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(texts, inner), max_size=4).map(Pairs),
    max_leaves=12,
)


def render(value: Any) -> bytes:
    """The JSON of a value, odd parts as they stand."""
    if isinstance(value, Token):
        return value.text
    if isinstance(value, Pairs):
        return _object(value.items)
    if isinstance(value, dict):
        return _object(list(value.items()))
    if isinstance(value, list):
        return b"[" + b",".join(render(item) for item in value) + b"]"
    text = json.dumps(value, ensure_ascii=isinstance(value, str) and not _encodable(value))
    return text.encode()


def _object(items: list[tuple[str, Any]]) -> bytes:
    return b"{" + b",".join(render(key) + b":" + render(value) for key, value in items) + b"}"


def _encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)
