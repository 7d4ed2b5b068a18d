"""`plaudit serve` and `plaudit sandbox` as processes on one data directory, to be killed and started again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from plaudit.installation import open_store
from plaudit.log.sqlite import SqliteLog
from plaudit.store.views import AttemptView
from support import Process, config, free_port, http, until


class Rig:
    """An async context manager; inside, both processes run and answer."""

    def __init__(
        self, folder: Path, *, settings: str = "", faults: tuple[str, ...] = (), path: str = ""
    ) -> None:
        """`path`: under which the sandbox has the destination's channel."""
        self._folder = folder
        self._faults = faults
        self._settings = settings
        self._path = path
        self._port, self._sandbox_port = free_port(), free_port()
        self._serve: Process | None = None
        self._sandbox: Process | None = None
        self.data = folder / "data"
        self.kills = 0

    @property
    def port(self) -> int:
        return self._port

    async def __aenter__(self) -> Self:
        url = f"http://127.0.0.1:{self._sandbox_port}"
        self.configure()
        faults = [word for fault in self._faults for word in ("--fault", fault)]
        port = str(self._sandbox_port)
        self._sandbox = Process("sandbox", "--port", port, *faults, log=self._folder / "sandbox.log")
        try:
            await asyncio.to_thread(self._sandbox.wait_for, f"{url}/sandbox/stats")
            await self.start()
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for process in (self._serve, self._sandbox):
            if process is not None:
                process.kill()

    def configure(self, more: str = "") -> None:
        """What the next start applies."""
        url = f"http://127.0.0.1:{self._sandbox_port}{self._path}"
        (self._folder / "plaudit.toml").write_text(config(url, self._settings) + more)

    def spawn(self) -> None:
        """Start the server, and do not wait for it."""
        files = ["--data", str(self.data), "--config", str(self._folder / "plaudit.toml")]
        self._serve = Process("serve", "--port", str(self._port), *files, log=self._folder / "serve.log")

    async def start(self) -> None:
        self.spawn()
        assert self._serve is not None
        await asyncio.to_thread(self._serve.wait_for, f"http://127.0.0.1:{self._port}/readyz")

    def kill(self) -> None:
        """As `kill -9` does."""
        assert self._serve is not None
        self._serve.kill()
        self.kills += 1

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._serve is not None
        return await asyncio.to_thread(self._serve.stop)

    async def settled(self, seconds: float = 60) -> None:
        """Until the whole log is in the ledger, and nothing there waits to be sent."""
        store, log = open_store(self.data), SqliteLog(self.data / "log.db")

        async def check() -> bool:
            await asyncio.sleep(0.05)
            if await store.cursor(0) < await log.head(0):
                return False
            states = {state for counts in (await store.states()).values() for state in counts}
            return not states & {"queued", "sending"}

        try:
            await until(check, seconds)
        finally:
            await store.close()
            await log.close()

    async def ledger(self, *more: str) -> list[dict[str, Any]]:
        """The ledger as `plaudit invitations --json` shows it, running server or not."""
        command = [sys.executable, "-m", "plaudit", "invitations", "--json", "--limit", "0"]
        command += ["--data", str(self.data), *more]
        found = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
        return [json.loads(line) for line in found.stdout.splitlines()]

    async def attempts(self, rows: list[dict[str, Any]]) -> dict[str, list[AttemptView]]:
        """The attempts of some rows of the ledger, by order."""
        store = open_store(self.data)
        try:
            return {row["order_id"]: await store.attempts(row["id"]) for row in rows}
        finally:
            await store.close()

    async def calls(self) -> list[dict[str, Any]]:
        """What the sandbox was told of people, the first first."""
        url = f"http://127.0.0.1:{self._sandbox_port}/sandbox/calls?limit=0"
        return list(reversed((await asyncio.to_thread(http, url, timeout=60)).body))

    async def repeated(self) -> int:
        """How many calls the sandbox was sent again after it had accepted them."""
        url = f"http://127.0.0.1:{self._sandbox_port}/sandbox/stats"
        return int((await asyncio.to_thread(http, url)).body["repeated"])

    async def accepted(self) -> dict[str, int]:
        """How many times the sandbox accepted each order that it knows."""
        url = f"http://127.0.0.1:{self._sandbox_port}/sandbox"
        stats = (await asyncio.to_thread(http, f"{url}/stats")).body
        records = (await asyncio.to_thread(http, f"{url}/invitations?limit=0")).body
        counts = {record["reference_id"]: int(record["accepted"]) for record in records}
        assert len(counts) == len(records) == stats["kept"]
        assert sum(count > 1 for count in counts.values()) == stats["twice"]
        assert sum(count > 0 for count in counts.values()) == stats["accepted"]
        return counts
