"""PostgreSQL's errors in our words: what can be waited for is `UnavailableError`, what somebody must mend is `DataError`.

Only the primary message of an error is passed on: its details quote rows. No password is in any of it: where a
database is, is said without one.
"""

from __future__ import annotations

import psycopg
from psycopg import errors

from plaudit.errors import DataError, PlauditError, UnavailableError

AWAY = 5  # seconds
FULL = 30

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING = {
    "25006": ("is read only now: a standby, or a server that somebody closed for writing", FULL),
    "25P03": ("ended a transaction that stood still too long", AWAY),
    "40001": ("had too many doing the same at once", AWAY),
    "40P01": ("had too many doing the same at once", AWAY),
    "53100": ("has a full disk: free some space", FULL),
    "53300": ("takes no more connections: raise max_connections, or run fewer processes", AWAY),
    "55P03": ("is busy: another transaction holds what this one needs", AWAY),
    "57014": ("took too long to answer", AWAY),
}
_PASSING_CLASSES = {
    "08": ("is away", AWAY),
    "53": ("has no room for more now", FULL),
    "57": ("is stopping or starting", AWAY),
    "58": ("cannot read or write its files", FULL),
}
_LASTING = {
    "3D000": "does not exist: make it with 'createdb', or correct --store",
    "3F000": "has no schema to make tables in: make the one that search_path names",
    "42501": "does not let this user do what is needed: make the user its owner, or grant CREATE and USAGE on its schema",
    "42P01": "lacks a table: restore it from a backup, or name an empty one",
}
_LASTING_CLASSES = {
    "28": "lets nobody in with this name and password: correct --store, or the server's pg_hba.conf"
}

# Before a session begins there is no code, only words; those of a server that speaks another language are taken for a
# server that is away, and shown.
_AT_THE_DOOR = (
    ("password authentication failed", "28000"),
    ("no password supplied", "28000"),
    ("authentication failed", "28000"),
    ("no pg_hba.conf entry", "28000"),
    ("is not permitted to log in", "28000"),
    ("permission denied for database", "42501"),
    ("too many clients", "53300"),
    ("too many connections", "53300"),
    ("connection slots are reserved", "53300"),
    ("the database system is", "57P03"),
    ("session is read-only", "25006"),
    ("server is in hot standby mode", "25006"),
)
_NOT_THERE = (("role", "28000"), ("database", "3D000"))


def place(given: dict[str, object]) -> str:
    """Where a database is, from a parsed address, without who is asking."""
    host = given.get("host") or given.get("hostaddr") or "this machine"
    port = f":{given['port']}" if given.get("port") else ""
    return f"the database {given.get('dbname') or given.get('user') or ''} at {host}{port}".replace("  ", " ")


def said(error: psycopg.Error, where: str) -> PlauditError:
    """Our words for PostgreSQL's."""
    code = error.sqlstate or _at_the_door(str(error))
    first = error.diag.message_primary or ""
    if code in _PASSING or code[:2] in _PASSING_CLASSES:
        words, seconds = _PASSING.get(code) or _PASSING_CLASSES[code[:2]]
        return UnavailableError(f"{where} {words}", retry_after=seconds)
    if code in _LASTING or code[:2] in _LASTING_CLASSES:
        return DataError(f"{where} {_LASTING.get(code) or _LASTING_CLASSES[code[:2]]}")
    if not code and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        line = str(error).partition("\n")[0].strip() or type(error).__name__
        return UnavailableError(f"{where} is away: {line}", retry_after=AWAY)
    return DataError(f"{where}: {first or type(error).__name__} ({code or 'no code'})")


def again(error: BaseException) -> bool:
    """Whether the same transaction may do better at once: two that were in each other's way."""
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)


def _at_the_door(words: str) -> str:
    for known, code in _AT_THE_DOOR:
        if known in words:
            return code
    if "does not exist" in words:
        return next((code for known, code in _NOT_THERE if f'{known} "' in words), "")
    return ""
