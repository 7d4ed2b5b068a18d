"""Which way SQLite goes: without statistics it takes the index with the most columns for the best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw.ext

from plaudit.queries import load
from plaudit.sqlite import connect
from plaudit.store.sqlite.schema import migrate

LISTS = {"next_way", "invitations_of_way", "are_there"}  # what the index is for
WHOLE = {"counted", "prune_calls"}  # these walk over all of a kind in any case
FILES = ("audiences", "deliver", "ledger", "operate", "process", "read", "tallies")


def test_what_is_looked_up_by_ids_is_not_looked_for_among_all(tmp_path: Path) -> None:
    connection = connect(tmp_path / "store.db")
    migrate(connection)
    found = set()
    for file in FILES:
        for name, sql in load("plaudit.store", "sql", "sqlite", f"{file}.sql").items():
            plan = apsw.ext.query_info(connection, sql, explain_query_plan=True).query_plan
            found |= {name for step in _steps(plan) if "deliveries_way" in step}
    connection.close()
    assert found == LISTS | WHOLE


def _steps(plan: Any) -> list[str]:
    if plan is None:
        return []
    return [plan.detail or "", *(step for each in plan.sub or () for step in _steps(each))]
