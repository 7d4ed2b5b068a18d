"""Segment's query language (segment.md 6.3): text to a checked tree and back.

A definition is data from here on: nothing in it is ever run as code. `read` is the way in for what people
write; `parse` alone does not ask whether the definition means anything, and `check` does that for a tree.
"""

from plaudit.engage.language.check import Kind, check
from plaudit.engage.language.errors import QueryError
from plaudit.engage.language.printer import write
from plaudit.engage.language.reader import parse, read
from plaudit.engage.language.tree import Definition, decode, encode

__all__ = ["Definition", "Kind", "QueryError", "check", "decode", "encode", "parse", "read", "write"]
