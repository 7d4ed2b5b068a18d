"""A server that is fed anything at all, and the signs by which it is known to be well.

What a test may break it cannot mend: a server that an example has stuck is replaced by a fresh one, so that
hypothesis can go on to find the smallest such example.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

from plaudit.installation import open_store
from plaudit.log.sqlite import SqliteLog
from support import WRITE_KEY, Process, config, free_port, http, track

from .wire import Answer

PATIENCE = 5.0  # seconds for what takes milliseconds when all is well
AUTHORIZATION = ("authorization", "Basic " + b64encode(f"{WRITE_KEY}:".encode()).decode())
GOOD = [AUTHORIZATION, ("content-type", "application/json")]
_COUNTER = itertools.count(1)


class StuckError(AssertionError):
    """The server is not well any more."""


class Served:
    """`plaudit serve` and `plaudit sandbox`, from `start` to `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sandbox_port = free_port()
        self._sandbox = Process("sandbox", "--port", str(self.sandbox_port), log=folder / "sandbox.log")
        self._loop = asyncio.Runner()
        self._generation = 0
        self.start()

    def start(self) -> None:
        self._generation += 1
        self.port = free_port()
        self.data = self._folder / f"data-{self._generation}"
        (self._folder / "plaudit.toml").write_text(config(f"http://127.0.0.1:{self.sandbox_port}"))
        files = ["--data", str(self.data), "--config", str(self._folder / "plaudit.toml")]
        self._serve = Process("serve", "--port", str(self.port), *files, log=self._folder / "serve.log")
        self._serve.wait_for(f"http://127.0.0.1:{self.port}/readyz")
        self._store, self._log = open_store(self.data), SqliteLog(self.data / "log.db")

    def renew(self) -> None:
        """A fresh server in place of one that is stuck."""
        self._close()
        self._serve.kill()
        self.start()

    def stop(self) -> tuple[int, int]:
        """The exit codes."""
        self._close()
        self._loop.close()
        return self._serve.stop(), self._sandbox.stop()

    def states(self) -> set[str]:
        """The states that invitations are in."""
        counts = self._loop.run(self._store.states()).values()
        return {state for count in counts for state in count}

    def processed(self, seconds: float = PATIENCE) -> None:
        """Until nothing in the log waits. Raises `StuckError`, after putting a fresh server in place."""
        deadline = time.monotonic() + seconds
        head = self._loop.run(self._log.head(0))
        while self._loop.run(self._store.cursor(0)) < head:
            if time.monotonic() > deadline:
                said = http(f"http://127.0.0.1:{self.port}/readyz").body
                log = (self._folder / "serve.log").read_text().splitlines()[-1]
                self.renew()
                raise StuckError(f"the log is not processed; readyz: {said}; the server's log: {log}")
            time.sleep(0.001)

    def state(self, order: str) -> str | None:
        """The state of an order's invitation, once it has one that lasts."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [row.state for row in self._loop.run(self._store.invitations(order_id=order))]
            if found not in (["queued"], ["sending"]) or time.monotonic() > deadline:
                return found[0] if found else None
            time.sleep(0.002)

    def well(self) -> None:
        """Assert that it is ready, and that a good order is invited."""
        ready = http(f"http://127.0.0.1:{self.port}/readyz")
        assert ready.status == 200, ready.body
        order = fresh_order()
        url = f"http://127.0.0.1:{self.port}/v1/track"
        assert http(url, track({"order_id": order, "email": "ada@example.com"}), key=WRITE_KEY).status == 200
        self.processed()
        assert self.state(order) == "accepted"

    def events(self) -> list[dict[str, Any]]:
        """All events as the command shows them, whatever came in."""
        command = [
            sys.executable,
            "-m",
            "plaudit",
            "events",
            "--json",
            "--limit",
            "0",
            "--data",
            str(self.data),
        ]
        found = subprocess.run(command, capture_output=True, check=True)
        return [json.loads(line) for line in found.stdout.splitlines()]

    def _close(self) -> None:
        self._loop.run(self._store.close())
        self._loop.run(self._log.close())


def fresh_order() -> str:
    """An order id that nobody had."""
    return f"good-{next(_COUNTER)}"


def judge(answer: Answer | None, *, method: str = "POST") -> Answer:
    """Assert that it is an answer which an SDK can live with: taken, or refused with a code and a message."""
    assert answer is not None, "the connection was closed without an answer"
    assert 200 <= answer.status < 300 or 400 <= answer.status < 500, answer
    if answer.status >= 400 and method != "HEAD":
        said = answer.json()
        assert isinstance(said["code"], str) and said["code"], answer
        assert isinstance(said["message"], str) and said["message"], answer
    return answer
