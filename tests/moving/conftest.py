"""A real PostgreSQL and a real NATS server for moves, and an installation that is worth one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from moving import installations
from natsd import Servers
from postgres import PostgresServer

_numbers = count(1)


@pytest.fixture(scope="package")
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    """The address of an empty database."""
    name = f"moving{next(_numbers)}"
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="package")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("nats"), 1) as servers:
        yield servers


@pytest.fixture
def stream(nats: Servers) -> Callable[[], str]:
    """The address of a new stream each time."""
    return lambda: nats.url(f"stream=MOVING{next(_numbers)}&replicas=1")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return installations.seed(tmp_path / "data")
