"""Bringing a file to the newest schema: the migrations that it has not had, in order, in one transaction.

`NNNN_pre_what.sql` is safe while older code runs, `NNNN_post_what.sql` needs the new code everywhere. In them
`recipient(address)` is spec/email.py's.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import apsw

from plaudit.errors import DataError
from plaudit.spec import email
from plaudit.sqlite import transaction


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) in order."""
    folder = files("plaudit.store").joinpath("sql", "sqlite")
    return sorted(
        (int(file.name[:4]), file.read_text("utf-8")) for file in folder.iterdir() if file.name[:4].isdigit()
    )


def migrate(connection: apsw.Connection) -> None:
    """Raises `DataError`: the file was made by a newer Plaudit."""
    known = migrations()
    if connection.pragma("user_version") == known[-1][0]:
        return
    connection.create_scalar_function("recipient", _recipient, 1, deterministic=True)
    with transaction(connection):
        version = connection.pragma("user_version")
        if version > known[-1][0]:
            raise DataError("this data was written by a newer Plaudit: run that one, or restore a backup")
        for number, sql in known:
            if number > version:
                connection.execute(sql)
                connection.pragma("user_version", number)


def _recipient(*addresses: Any) -> int | None:
    return email.recipient(addresses[0]) if isinstance(addresses[0], str) else None
