"""SQL kept in files: each query has a name and says what it is for.

    -- name: next_due
    -- When a destination's next invitation is due.
    SELECT ...

Queries are separated by their `-- name:` lines. Loaded once; a test prepares each of them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_MARK = "-- name:"


@cache
def load(package: str, *path: str) -> dict[str, str]:
    """The queries of one file in a package, by name."""
    text = files(package).joinpath(*path).read_text("utf-8")
    queries = {}
    for part in text.split(_MARK)[1:]:
        name, _, sql = part.partition("\n")
        queries[name.strip()] = sql.strip().rstrip(";")
    return queries
