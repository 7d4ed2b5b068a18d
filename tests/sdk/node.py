"""`@segment/analytics-node` in a process of its own (`track.mjs`), and what it tells of itself."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from types import TracebackType
from typing import Any, Self

from support import WRITE_KEY

from .needs import HERE

SECONDS = 40
Call = tuple[str, dict[str, Any]]  # the SDK's method, and what it is given


def ordered(order: dict[str, Any]) -> Call:
    return "track", {"userId": "u1", "event": "Order Completed", "properties": order}


class Node:
    """Calls on their way. The context ends when the SDK has closed."""

    def __init__(self, node: str, url: str, *calls: Call, **settings: Any) -> None:
        settings = {"writeKey": WRITE_KEY, "host": url, **settings}
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the context
        self._process = subprocess.Popen(
            [node, HERE / "track.mjs"], stdin=subprocess.PIPE, stdout=self._told, stderr=subprocess.STDOUT
        )
        assert self._process.stdin
        with self._process.stdin as stdin:
            stdin.write(json.dumps({"settings": settings, "calls": calls}).encode())

    def happened(self, kind: str) -> list[dict[str, Any]]:
        """What of this kind the SDK has told so far: `request`, `response`, `delivered`, `error`."""
        lines = self._output().splitlines(keepends=True)
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [each for each in told if each.pop("happened") == kind]

    def wait(self) -> None:
        """Until the SDK has closed."""
        assert self._process.wait(SECONDS) == 0, self._output()

    def _output(self) -> str:
        # pread: the process writes where this file's position is, so that must stay where it is.
        return os.pread(self._told.fileno(), 1 << 20, 0).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._process.kill()
            self._process.wait()
            self._told.close()
