"""Fixtures: a whole Plaudit with its sandbox, in this process and as processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.sandbox.server import Server
from support import Process, config, free_port, http


class Line(NamedTuple):
    """A Plaudit in this process, and the sandbox that it sends to."""

    plaudit: Plaudit
    sandbox: Server


@pytest.fixture
async def sandbox() -> AsyncIterator[Server]:
    async with Server(port=0) as server:
        yield server


@pytest.fixture
async def line(tmp_path: Path, sandbox: Server) -> AsyncIterator[Line]:
    """Talk to it from threads (`asyncio.to_thread`): its event loop is this one."""
    plaudit = Plaudit(Options(data=tmp_path / "data", port=0))
    await plaudit.start(parse(config(sandbox.url), destinations()))
    yield Line(plaudit, sandbox)
    await plaudit.stop()


class Processes(NamedTuple):
    """`plaudit serve` and `plaudit sandbox` as processes; `url` and `sandbox_url` are where they listen."""

    url: str
    sandbox_url: str
    data: Path

    def sandbox_invitations(self, order: str | None = None) -> list[dict[str, Any]]:
        query = "?limit=0" + (f"&order={order}" if order else "")
        found: list[dict[str, Any]] = http(f"{self.sandbox_url}/sandbox/invitations{query}").body
        return found


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """One of each for the whole run: tests use orders of their own."""
    folder = tmp_path_factory.mktemp("processes")
    port, sandbox_port = free_port(), free_port()
    url, sandbox_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    (folder / "plaudit.toml").write_text(config(sandbox_url))
    sandbox = Process("sandbox", "--port", str(sandbox_port), log=folder / "sandbox.log")
    data = folder / "data"
    serve = Process(
        "serve",
        "--port",
        str(port),
        "--data",
        str(data),
        "--config",
        str(folder / "plaudit.toml"),
        log=folder / "serve.log",
    )
    try:
        sandbox.wait_for(f"{sandbox_url}/sandbox/stats")
        serve.wait_for(f"{url}/readyz")
        yield Processes(url, sandbox_url, data)
    finally:
        codes = serve.stop(), sandbox.stop()
    assert codes == (0, 0), (folder / "serve.log").read_text()
