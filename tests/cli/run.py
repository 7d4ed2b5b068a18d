"""Running `plaudit` as a user does, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Ran(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def plaudit(*arguments: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
    """Run a command. No error may ever be a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "plaudit", *map(str, arguments)],
        input=stdin.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "200", **(env or {})},
    )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ran.err, ran.err
    assert "a fault in Plaudit itself" not in ran.err, ran.err
    return ran
