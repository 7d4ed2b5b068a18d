"""Half characters, as JavaScript leaves them: strings cut in the middle of an emoji, written by `JSON.stringify`
as half a surrogate pair. No decoder takes that, and no order should be lost for it: each half becomes U+FFFD.
"""

from __future__ import annotations

import re

# Escapes are read one after the other, so that a backslash that is itself escaped starts none.
_ESCAPE = re.compile(
    rb"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def mended(text: bytes) -> bytes:
    """JSON in which each half of a surrogate pair is replaced; the same object if there is none."""
    if rb"\ud" not in text and rb"\uD" not in text:
        return text
    return _ESCAPE.sub(lambda match: rb"\ufffd" if match["half"] else match[0], text)
