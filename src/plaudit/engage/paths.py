r"""Where in an object a value is: `products.$.price`.

A dot leads inside, `$` means each element of an array, and a backslash takes the meaning from either:
`a\.b` is the one key `a.b`.
"""

from __future__ import annotations

from functools import lru_cache

EACH = None  # the step `$`


@lru_cache(4096)
def steps(path: str) -> tuple[str | None, ...]:
    """The keys of a path, `EACH` for `$`. A step may be empty: `check` refuses such a path."""
    found: list[str | None] = []
    step, plain = "", True
    characters = iter(path)
    for character in characters:
        if character == ".":
            found.append(EACH if step == "$" and plain else step)
            step, plain = "", True
        elif character == "\\":
            following = next(characters, "")
            step += following if following and following in ".\\$" else character + following
            plain = False
        else:
            step += character
    found.append(EACH if step == "$" and plain else step)
    return tuple(found)


def path(*keys: str) -> str:
    """The path of these keys, each taken literally."""
    return ".".join("\\$" if key == "$" else key.replace("\\", "\\\\").replace(".", "\\.") for key in keys)
