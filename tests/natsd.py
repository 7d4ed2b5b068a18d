"""NATS servers for tests, one or a cluster, as processes of their own that can be killed, stopped and paused.

The module has this name because `nats` is the client's. Start them once for many tests: a cluster takes a few
seconds to find its leader, and each test can have a stream of its own (`stream=` in the URL).
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from support import free_port

BINARY = Path(sys.executable).with_name("nats-server")
START_SECONDS = 40.0


class Node:
    """One server. Its files stay when it goes, so that it can come back."""

    def __init__(self, name: str, folder: Path, *, sync: str = "always", more: str = "") -> None:
        self.name = name
        self.folder = folder / name
        self.sync = sync
        self.more = more
        self.port, self.route, self.monitor = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def configure(self, routes: list[int], *, seen: bool = True) -> None:
        """Write its configuration. `seen`: its account may ask the servers whether they sync."""
        self.folder.mkdir(parents=True, exist_ok=True)
        urls = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        cluster = f'cluster {{ name: test, listen: "127.0.0.1:{self.route}", routes: [{urls}] }}'
        ask = "$SYS.REQ.SERVER.PING.JSZ"
        imports = f'imports: [{{ service: {{ account: SYS, subject: "{ask}" }} }}]' if seen else ""
        (self.folder / "nats.conf").write_text(
            f"""
server_name: {self.name}
listen: "127.0.0.1:{self.port}"
http: "127.0.0.1:{self.monitor}"
{self.more}
jetstream {{ store_dir: "{self.folder}", sync_interval: {self.sync}, max_file_store: 4GB }}
{cluster if routes else ""}
accounts {{
  SYS {{
    users: [{{ user: sys, password: sys }}]
    exports: [{{ service: "{ask}", response_type: stream }}]
  }}
  PLAUDIT {{ jetstream: enabled, users: [{{ user: plaudit, password: "p@ss word" }}], {imports} }}
}}
system_account: SYS
"""
        )

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.running
        self._log = (self.folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            [str(BINARY), "-c", str(self.folder / "nats.conf")], stdout=self._log, stderr=self._log
        )

    def kill(self) -> None:
        """As a power failure would, but for the disk's own cache."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self.running:
            assert self._process is not None
            self._signal(signal.SIGCONT)
            self._signal(number)
            self._process.wait(20)
        if self._log is not None:
            self._log.close()

    def ask(self, path: str) -> Any:
        """What its monitoring says; None: it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.monitor}{path}", timeout=2) as response:
                return json.load(response)
        except (OSError, ValueError):
            return None

    @property
    def healthy(self) -> bool:
        return (self.ask("/healthz") or {}).get("status") == "ok"


class Servers:
    """One server or a cluster. Use as a context: they are started, healthy, and gone afterwards.

    `sync`: their sync_interval. `seen`: they can be asked for it. `more`: lines for their configuration.
    """

    def __init__(
        self,
        folder: Path,
        count: int = 3,
        *,
        sync: str = "always",
        seen: bool = True,
        more: str = "",
    ) -> None:
        self.nodes = [Node(f"n{number}", folder, sync=sync, more=more) for number in range(1, count + 1)]
        for node in self.nodes:
            node.configure([other.route for other in self.nodes] if count > 1 else [], seen=seen)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            node.kill()

    def start(self) -> None:
        """Start those that are not running, and wait until all are well."""
        for node in self.nodes:
            if not node.running:
                node.start()
        self.settle()

    def settle(self) -> None:
        """Wait until all are well and a leader is known."""
        until(lambda: all(node.healthy for node in self.nodes) and self._led(), "the NATS servers are well")

    def _led(self) -> bool:
        if len(self.nodes) == 1:
            return True
        said = self.nodes[0].ask("/jsz")
        return bool(said and said.get("meta_cluster", {}).get("leader"))

    def url(self, query: str = "", *, nodes: list[Node] | None = None) -> str:
        """For `JetStreamLog`, `--log` and PLAUDIT_LOG; query as `stream=T&replicas=1`."""
        servers = ",".join(node.address for node in nodes or self.nodes)
        return f"nats://plaudit:p%40ss%20word@{servers}" + (f"?{query}" if query else "")

    def leader(self, stream: str) -> Node:
        """The node that leads a stream."""
        found: list[Node] = []

        def look() -> bool:
            names = {name for node in self.nodes if (name := _leader(node, stream))}
            found[:] = [node for node in self.nodes if node.name in names and node.running]
            return len(names) == 1 and bool(found)

        until(look, f"{stream} has one leader")
        return found[0]


def _leader(node: Node, stream: str) -> str:
    said = node.ask("/jsz?accounts=true&streams=true") or {}
    for account in said.get("account_details") or []:
        for detail in account.get("stream_detail") or []:
            if detail["name"] == stream:
                leader: str = (detail.get("cluster") or {}).get("leader", "")
                return leader
    return ""


def until(holds: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds:g} s: {what}"
        time.sleep(0.05)


async def until_async(holds: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    await asyncio.to_thread(until, holds, what, seconds)
