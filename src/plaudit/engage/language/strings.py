r"""Text in quotes, as queries write it.

`\'`, `\"`, `\\`, `\n`, `\r`, `\t` are escapes. Before any other character a backslash stands for itself, so that
`'a\.b'` and the doubled form of Segment's documentation both give the path `a\.b`: the one key `a.b`.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(.)")
_MEANING = {"'": "'", '"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_WRITTEN = str.maketrans({"'": "\\'", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def unquote(written: str) -> str:
    """The text within the quotes."""
    return _ESCAPE.sub(lambda m: _MEANING.get(m[1], m[0]), written[1:-1])


def quote(text: str) -> str:
    """The text in single quotes."""
    return f"'{text.translate(_WRITTEN)}'"
