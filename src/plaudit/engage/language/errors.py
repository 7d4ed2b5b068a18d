"""An error in a query, shown at the character where it is.

The message is one line for logs and answers; `shown` adds the line of the query with a caret below.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from plaudit.errors import ConfigError

WIDEST = 72


class QueryError(ConfigError):
    """A query that cannot be read, or means nothing, or asks for what is not supported.

    `line` and `column` count from 1; both are 0 when the tree did not come from text.
    """

    def __init__(self, problem: str, text: str = "", position: int | None = None) -> None:
        self.problem = problem
        self.line = self.column = 0
        self.excerpt = ""
        if position is None:
            super().__init__(problem)
            return
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        line = text[start : end if end >= 0 else len(text)]
        self.line = text.count("\n", 0, position) + 1
        self.column = position - start + 1
        self.excerpt = _excerpt(line, position - start)
        super().__init__(f"line {self.line}, column {self.column}: {problem}")

    def shown(self) -> str:
        """The problem, the line of the query, and a caret below the character."""
        return f"{self}\n{self.excerpt}" if self.excerpt else str(self)


def _excerpt(line: str, column: int) -> str:
    first = max(0, min(column - WIDEST // 2, len(line) - WIDEST))
    # one character a column, or the caret would stand under another one
    shown = "".join(c if c.isprintable() else " " for c in line[first : first + WIDEST])
    return f"  {shown}\n  {' ' * (column - first)}^"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`: did you mean "within"?`, or nothing when no word is near."""
    near = get_close_matches(word.lower(), sorted(known), 1, 0.6)
    return f": did you mean `{near[0]}`?" if near else ""
