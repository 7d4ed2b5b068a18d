"""The cluster as processes: NATS servers, PostgreSQL, a sandbox, and `plaudit serve` in several roles."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from natsd import Servers
from plaudit.installation import Place, open_log
from plaudit.secrets import Vault
from plaudit.store.base import Store
from plaudit.store.postgres import PostgresStore
from postgres import PostgresServer
from support import Process, config, free_port, http, until

from .cut import Wire

SECRET = base64.b64encode(bytes(range(32))).decode()


class Member:
    """One `plaudit serve`. It can be killed, stopped, paused, and started again."""

    def __init__(self, name: str, roles: str, folder: Path, env: dict[str, str]) -> None:
        self.name = name
        self.roles = roles
        self._folder = folder
        self._env = env
        self._port = free_port()
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self, *more: str) -> None:
        words = ["--role", self.roles, "--port", str(self._port), "--data", str(self._folder / self.name)]
        self._process = Process("serve", *words, *more, log=self._folder / f"{self.name}.log", env=self._env)

    def ready(self) -> None:
        assert self._process is not None
        self._process.wait_for(f"{self.url}/readyz", 40)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()

    def stop(self) -> int:
        assert self._process is not None
        return self._process.stop()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    @property
    def said(self) -> str:
        return (self._folder / f"{self.name}.log").read_text()


class Cluster:
    """See `running`."""

    def __init__(
        self,
        folder: Path,
        nats: Servers,
        postgres: PostgresServer,
        roles: dict[str, str],
        wires: dict[int, Wire],
        wired: str,
    ) -> None:
        self.nats = nats
        self.postgres = postgres
        self.wires = list(wires.values())
        self._folder = folder
        self._sandbox_port = free_port()
        self._sandbox: Process | None = None
        self.env = {
            "PLAUDIT_STORE": postgres.url(),
            "PLAUDIT_LOG": nats.url(),
            "PLAUDIT_SECRET_KEY": SECRET,
        }
        by_wire = dict(self.env)
        for port, wire in wires.items():
            by_wire = {key: url.replace(f":{port}", f":{wire.port}") for key, url in by_wire.items()}
        self.members = {
            name: Member(name, its, folder, by_wire if name == wired else self.env)
            for name, its in roles.items()
        }

    @property
    def collectors(self) -> list[Member]:
        return [member for member in self.members.values() if "collect" in member.roles]

    def start(self, settings: str) -> None:
        sandbox = f"http://127.0.0.1:{self._sandbox_port}"
        words = ["--port", str(self._sandbox_port), "--fault", "slow=0.02"]
        self._sandbox = Process("sandbox", *words, log=self._folder / "sandbox.log")
        self._sandbox.wait_for(f"{sandbox}/sandbox/stats")
        file = self._folder / "plaudit.toml"
        file.write_text(config(sandbox, settings))
        for number, member in enumerate(self.members.values()):
            member.start(*([] if number else ["--config", str(file)]))
            if not number:
                member.ready()
        for member in self.members.values():
            member.ready()

    def end(self) -> None:
        for member in self.members.values():
            member.resume()
            member.kill()
        if self._sandbox is not None:
            self._sandbox.kill()

    def store(self) -> Store:
        """Opened in this process; close it."""
        return PostgresStore(self.env["PLAUDIT_STORE"], Vault(base64.b64decode(SECRET)))

    async def settled(self, seconds: float = 120) -> None:
        """Until the whole log is in the ledger, and nothing there waits to be sent."""
        store, log = (
            self.store(),
            open_log(Place(self._folder, self.env["PLAUDIT_STORE"], self.env["PLAUDIT_LOG"])),
        )

        async def check() -> bool:
            await asyncio.sleep(0.2)
            for partition in range(log.partitions):
                if await store.cursor(partition) < await log.head(partition):
                    return False
            states = {state for counts in (await store.states()).values() for state in counts}
            return not states & {"queued", "sending"}

        try:
            await until(check, seconds)
        finally:
            await store.close()
            await log.close()

    async def accepted(self) -> dict[str, int]:
        """How many times the sandbox accepted each order that it knows."""
        url = f"http://127.0.0.1:{self._sandbox_port}/sandbox/invitations?limit=0"
        records: list[dict[str, Any]] = (await asyncio.to_thread(http, url)).body
        return {record["reference_id"]: int(record["accepted"]) for record in records}


@contextmanager
def running(folder: Path, roles: dict[str, str], settings: str = "", wired: str = "") -> Iterator[Cluster]:
    """A whole cluster, and its end. `wired`: the member that can be cut off."""
    with ExitStack() as stack:
        nats = stack.enter_context(Servers(folder / "nats"))
        postgres = PostgresServer(fsync="on")
        stack.callback(postgres.remove)
        postgres.start()
        ports = [postgres.port, *(node.port for node in nats.nodes)] if wired else []
        # Before the members choose their ports: a port that is only chosen may be given to somebody else.
        wires = {port: stack.enter_context(Wire(port)) for port in ports}
        cluster = Cluster(folder, nats, postgres, roles, wires, wired)
        stack.callback(cluster.end)
        cluster.start(settings)
        yield cluster
