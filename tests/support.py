"""What tests share: a Plaudit process as users run it, and plain HTTP to talk to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from plaudit.cli import demo

WRITE_KEY = "testWriteKey"
API_KEY = "testIntegrationKey"
ORDER = demo.ORDER  # the call of the page that Plaudit implements


def config(base_url: str, settings: str = "") -> str:
    """A configuration with one source and one destination at `base_url`."""
    return f"""
[sources.shop]
write_key = "{WRITE_KEY}"
[destinations.trustpilot]
type = "trustpilot"
sources = ["shop"]
[destinations.trustpilot.settings]
api_key = "{API_KEY}"
base_url = "{base_url}"
allow_private = true
{settings}
"""


def track(order: dict[str, Any] | None = None, **event: Any) -> dict[str, Any]:
    """An Order Completed call."""
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": "u1",
        "properties": order or ORDER,
        **event,
    }


class Reply(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


def http(
    url: str,
    body: Any = None,
    *,
    key: str | None = None,
    headers: dict[str, str] | None = None,
    method: str | None = None,
    timeout: float = 30,
) -> Reply:
    """One request; JSON in, JSON out where it is JSON. `body` may be bytes, sent as they are."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    if key is not None:
        request.add_header("authorization", "Basic " + b64encode(f"{key}:".encode()).decode())
    if data is not None and not request.has_header("Content-type"):
        request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return _reply(response.status, response.read(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return _reply(error.code, error.read(), error.headers)


def _reply(status: int, body: bytes, headers: Any) -> Reply:
    kind = headers.get("content-type", "")
    return Reply(
        status,
        json.loads(body) if "json" in kind and body else body,
        {k.lower(): v for k, v in headers.items()},
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Process:
    """A `plaudit` command that runs until it is stopped or killed. Its standard error goes to `log`."""

    def __init__(self, *arguments: str, log: Path, env: dict[str, str] | None = None) -> None:
        self.arguments = arguments
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "plaudit", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, url: str, seconds: float = 20) -> None:
        """Until the URL answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError(f"plaudit {' '.join(self.arguments)} ended:\n{self._log.read_text()}")
            try:
                http(url)
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"{url} does not answer:\n{self._log.read_text()}")

    def kill(self) -> None:
        """As a power cut would: no chance to clean up."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """As an operator would; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)


async def until(check: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true result of `check` (may be a coroutine function)."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        result = check()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.01)
