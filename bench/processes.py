"""Processes under measurement, on ports of their own, and what they cost."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

CONFIG = """
[sources.bench]
write_key = "benchKey"
[destinations.trustpilot]
type = "trustpilot"
sources = ["bench"]
[destinations.trustpilot.settings]
api_key = "benchIntegrationKey"
base_url = "http://127.0.0.1:{sink}"
allow_private = true
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
        return json.loads(response.read())


@contextlib.contextmanager
def running(*command: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on `port`, from when it does until the end of the block."""
    with subprocess.Popen([sys.executable, "-m", *command]) as process:
        try:
            _listens(process, port)
            yield process
        finally:
            process.terminate()
            process.wait(60)


def _listens(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(1000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    sys.exit(f"the process on port {port} did not start")


class Plaudit(NamedTuple):
    """A running installation: where it takes events, and its processes."""

    port: int
    processes: list[subprocess.Popen[bytes]]

    def metrics(self) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as response:
            found: bytes = response.read()
            return found

    def memory(self) -> str:
        return f"{sum(memory_mb(process) for process in self.processes):.0f} MB"


@contextlib.contextmanager
def plaudit(sink: int, *roles: str, more: str = "", folder: str = "") -> Iterator[Plaudit]:
    """`plaudit serve` on an empty installation that sends to the sink: one process, or one for each of `roles`.

    `more`: further settings of the destination, and further sections of the configuration. `folder`: an
    installation that is there already goes on, or one is made there to stay.
    """
    with contextlib.ExitStack() as stack:
        if not folder:
            fresh = tempfile.TemporaryDirectory(prefix="plaudit-bench-", dir=os.environ.get("BENCH_DIR"))
            folder = stack.enter_context(fresh)
        config = Path(folder) / "plaudit.toml"
        if not config.exists():
            config.write_text(CONFIG.format(sink=sink) + more)
        ports: list[int] = []
        processes: list[subprocess.Popen[bytes]] = []
        for role in roles or ("collect,process,deliver",):
            ports.append(free_port())
            arguments = [
                "--role",
                role,
                "--data",
                f"{folder}/data",
                "--port",
                str(ports[-1]),
                "--log-level",
                "warning",
            ]
            first = [] if processes else ["--config", str(config)]
            process = running("plaudit", "serve", *arguments, *first, port=ports[-1])
            processes.append(stack.enter_context(process))
        yield Plaudit(ports[0], processes)


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory now."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
