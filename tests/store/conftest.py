"""A real PostgreSQL for the tests of the store: one server for all of them, a schema for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from urllib.parse import quote

import psycopg
import pytest

from postgres import PostgresServer

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def in_schema(postgres: PostgresServer) -> Iterator[Callable[..., str]]:
    """The address of a schema of this test's own, for whom it is asked."""
    name = f"schema_{next(_numbers)}"
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {name}")

    def url(**who: str) -> str:
        return f"{postgres.url(**who)}?options={quote(f'-c search_path={name}')}"

    yield url
    with psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("SET client_min_messages = error")
        admin.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
