"""The store in one SQLite file."""

from plaudit.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
