"""From text to a tree: the parser, and its complaints in words.

The grammar (grammar.lark) knows how a query looks; `build` knows the functions. Raises `QueryError` for
everything that is no query, never another exception.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from plaudit.engage.language.build import Builder
from plaudit.engage.language.check import Kind, check
from plaudit.engage.language.errors import QueryError
from plaudit.engage.language.tree import Definition

if TYPE_CHECKING:
    from lark import Lark

LONGEST = 20_000  # characters
QUOTES = "\u2018\u2019\u201c\u201d\u00ab\u00bb`"

_WORDS = {
    "COMPARATOR": "a comparison such as >= 1",
    "_DOT": "a further function after a dot",
    "_AND": "AND",
    "_OR": "OR",
    "_RPAR": "a closing )",
    "_RSQB": "a closing ]",
    "_RBRACE": "a closing }",
    "_LPAR": "an opening (",
    "_COMMA": "a comma",
    "_COLON": "a colon",
    "$END": "the end",
}


def parse(text: str) -> Definition:
    """The tree of a query, which may mean nothing yet: see `check`."""
    return _parse(text)[0]


def read(text: str, kind: Kind) -> Definition:
    """The tree of an audience or trait that is right in every respect that can be known when it is saved."""
    tree, builder = _parse(text)
    check(tree, kind, builder.error)
    return tree


def _parse(text: str) -> tuple[Definition, Builder]:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken  # noqa: PLC0415 - heavy: see _parser

    if len(text) > LONGEST:
        raise QueryError(f"the query has {len(text)} characters; {LONGEST} are allowed")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError("this is half a character", text, error.start) from None
    try:
        syntax = _parser().parse(text)
    except UnexpectedCharacters as error:
        position = error.pos_in_stream or 0
        raise QueryError(_character(text, position), text, position) from None
    except UnexpectedToken as error:
        position = len(text.rstrip()) if error.token.type == "$END" else error.token.start_pos or 0
        raise QueryError(_token(error, text), text, position) from None
    builder = Builder(text)
    return builder.build(syntax), builder


@cache
def _parser() -> Lark:
    """Made at first use: a command that reads no query does not pay for it."""
    from lark import Lark  # noqa: PLC0415

    grammar = (files(__package__) / "grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _character(text: str, position: int) -> str:
    character = text[position]
    if character in "'\"":
        return f"this text has no closing {character}"
    if character in QUOTES:
        return f"{character} is a typographic quote: text is written in straight quotes, 'like this'"
    if character in "&|":
        return "conditions are joined with AND and OR"
    if character == "!":
        return "write NOT before a condition, or != between two values"
    return f"{character!r} has no meaning here"


def _token(error: Any, text: str) -> str:
    accepted = set(error.interactive_parser.accepts()) if error.interactive_parser else set(error.expected)
    found = (
        "the query ends here" if error.token.type == "$END" else f"{_shown(error.token)} is not expected here"
    )
    if not text.strip():
        found = "the query is empty"
    if {"_NOT", "NAME"} <= accepted:
        wanted = ["a condition such as event('Order Completed').count() >= 1"]
    elif {"STRING", "NUMBER", "NAME"} <= accepted:
        wanted = ["a value: 'text', a number, true, false, or another expression"]
    elif "STRING" in accepted:
        wanted = ["a text in quotes"]
    elif accepted == {"NAME"}:
        wanted = ["the name of a function"]
    else:
        wanted = [words for name, words in _WORDS.items() if name in accepted]
    return f"{found}; expected {_either(wanted)}" if wanted else found


def _shown(token: str) -> str:
    return f"`{token}`" if len(token) <= 40 else f"`{token[:40]}…`"


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
