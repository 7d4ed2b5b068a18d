"""The house rules that a machine can check; docs/development.md lists them for people."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import apsw
import apsw.ext
import psycopg
import pytest

from plaudit.log.sqlite import SqliteLog
from plaudit.queries import load
from plaudit.sqlite import connect
from plaudit.store.postgres import schema as postgres_schema
from plaudit.store.postgres.sql import queries as postgres_queries
from plaudit.store.sqlite.schema import migrate, migrations
from postgres import PostgresServer

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "plaudit"
MODULES = sorted(SRC.rglob("*.py"))
QUERIES = [path for path in sorted(SRC.rglob("*.sql")) if not path.name[:4].isdigit()]
MIGRATIONS = [path for path in sorted(SRC.rglob("*.sql")) if path.name[:4].isdigit()]

MOST_LINES = 400
AIM = 300
LONGER: dict[str, str] = {}  # module past the aim: why it is better in one piece
SAY_IT_ALL = {
    "put_source",
    "put_attempt",
    "recover",
    "dispositions",
}  # queries whose names do, in a few lines

# Written in two halves, so that this file names none of them.
REGISTRIES = [
    ".".join(halves)
    for halves in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("proxy.golang", "org"),
        ("crates", "io"),
        ("rubygems", "org"),
    )
]
NOT_OURS = {"node_modules", "__pycache__", "build", "dist", "plaudit-data", "results"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def ours(folder: Path = ROOT) -> Iterator[Path]:
    """Every text file of the repository that people write or tools lock."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or (path.name.startswith(".") and path.name not in (".ci", ".gitignore")):
            continue
        if path.is_dir():
            yield from ours(path)
        elif b"\0" not in path.read_bytes()[:1024]:
            yield path


def queries(path: Path) -> dict[str, str]:
    found = dict(load("plaudit", *path.relative_to(SRC).parts))
    assert found, f"{name(path)} has no '-- name:' line"
    return found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_opens_with_a_docstring(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "say what it is for, and what it keeps true"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_small(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES
    assert lines <= AIM or name(path) in LONGER, f"{lines} lines: split it, or say in LONGER why not"


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [name(path) for path in MODULES + QUERIES + MIGRATIONS if later.search(path.read_text())] == []


@pytest.mark.parametrize("path", QUERIES, ids=name)
def test_queries_are_named_and_described(path: Path) -> None:
    names = re.findall(r"^-- name: (.*)$", path.read_text(), re.MULTILINE)
    assert sorted(names) == sorted(queries(path)), "two queries with one name"
    for query, sql in queries(path).items():
        assert re.fullmatch("[a-z_]+", query)
        assert len(sql.splitlines()) == 1 or "--" in sql or query in SAY_IT_ALL, f"{query}: what is it for?"


def test_migrations_say_when_they_are_safe() -> None:
    sqlite, postgres = ([p for p in MIGRATIONS if p.parent.name == kind] for kind in ("sqlite", "postgres"))
    assert [number for number, _ in migrations()] == list(range(1, len(sqlite) + 1))
    assert [m.number for m in postgres_schema.migrations()] == list(range(1, len(postgres) + 1))
    for path in MIGRATIONS:
        assert re.fullmatch(r"\d{4}_(pre|post)_[a-z_]+\.sql", path.name)
        assert path.read_text().startswith("-- "), "a migration begins with why"


@pytest.mark.parametrize("path", [p for p in QUERIES if p.parent.name != "postgres"], ids=name)
async def test_every_query_can_be_prepared(path: Path, tmp_path: Path) -> None:
    """On a real schema, with SQLite itself: a column that is not there fails here and not at night."""
    if path.parent.name == "log":
        await SqliteLog(tmp_path / "log.db").close()
        connection = connect(tmp_path / "log.db")
    else:
        connection = connect(tmp_path / "store.db")
        migrate(connection)
    for query, sql in queries(path).items():
        try:
            found = apsw.ext.query_info(connection, sql, explain=True)
        except apsw.Error as error:
            pytest.fail(f"{query}: {error}")
        assert not found.query_remaining, f"{query} is more than one statement"
    connection.close()


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def test_every_query_can_be_prepared_by_postgresql(postgres: PostgresServer) -> None:
    """The same on PostgreSQL: it also finds parameters whose type nobody says."""
    async with await psycopg.AsyncConnection.connect(postgres.url(), autocommit=True) as connection:
        await postgres_schema.migrate(connection)
        for path in (p for p in QUERIES if p.parent.name == "postgres"):
            for query, sql in postgres_queries(path.stem).items():
                try:
                    await connection.execute(
                        f"PREPARE {path.stem}_{query} AS {numbered(sql.decode())}".encode()
                    )
                except psycopg.Error as error:
                    pytest.fail(f"{name(path)}: {query}: {error}")


def numbered(sql: str) -> str:
    """The same with `$1` for the first of its parameters, and so on."""
    keys = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    for number, key in enumerate(keys, 1):
        sql = sql.replace(f"%({key})s", f"${number}")
    return sql.replace("%%", "%")


def test_locks_have_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text, path.name
        assert not re.search(
            r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b", text, re.MULTILINE
        )
        assert len(re.findall(r"^[a-z0-9].*==", text, re.MULTILINE)) <= text.count("--hash=sha256:")
    for path in ours():
        if path.name == "package-lock.json":
            assert '"resolved"' not in path.read_text(), name(path)


def test_nothing_names_a_registry() -> None:
    for path in ours():
        text = path.read_text("utf-8", errors="replace").lower()
        assert [host for host in REGISTRIES if host in text] == [], name(path)
