"""Fixtures for the SDKs: the tools that they need, and an order of each test's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conftest import Processes
from support import ORDER, Process, config, free_port, http

from . import needs
from .senders import Sender


@pytest.fixture(scope="session")
def node() -> str:
    return needs.node()


@pytest.fixture(scope="session")
def chromium(node: str) -> str:
    """Chromium's path; analytics.js itself comes with npm."""
    return needs.chromium()


@pytest.fixture(scope="session")
def curl() -> str:
    return needs.curl()


@pytest.fixture
def order_id(request: pytest.FixtureRequest) -> str:
    """The test's own: the server is shared by all tests, and an order is invited for once."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")


@pytest.fixture
def order(order_id: str) -> dict[str, Any]:
    """The page's own example; only the order id is the test's."""
    return {**ORDER, "order_id": order_id}


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> Callable[[Sender], str]:
    """The program that a sender needs."""
    return lambda sender: request.getfixturevalue(sender.needs) if sender.needs else ""


@pytest.fixture
def asking_for_products(processes: Processes) -> Iterator[None]:
    """The sandbox answers 202 to an invitation without products: Trustpilot wants them too."""
    faults = f"{processes.sandbox_url}/sandbox/faults"
    assert http(faults, {"faults": ["202-first"]}, method="PUT").status == 200
    yield
    assert http(faults, method="DELETE").status == 204


class Late(NamedTuple):
    """A server of the test's own that is not there until it is started, and can be killed."""

    where: Processes
    folder: Path
    running: list[Process]

    def start(self) -> None:
        port = self.where.url.rpartition(":")[2]
        data, file = str(self.where.data), str(self.folder / "plaudit.toml")
        options = ("--port", port, "--data", data, "--config", file)
        server = Process("serve", *options, log=self.folder / "serve.log")
        self.running.append(server)
        server.wait_for(f"{self.where.url}/readyz")

    def kill(self) -> None:
        self.running.pop().kill()


@pytest.fixture
def late(processes: Processes, tmp_path: Path) -> Iterator[Late]:
    """A server that is down: start it when the SDK has met that. Its invitations go to the shared sandbox."""
    (tmp_path / "plaudit.toml").write_text(config(processes.sandbox_url))
    where = Processes(f"http://127.0.0.1:{free_port()}", processes.sandbox_url, tmp_path / "data")
    server = Late(where, tmp_path, [])
    yield server
    for each in server.running:
        assert each.stop() == 0
