"""A program of its own: a first start that dies in turn at each line of the code that writes, and a second one.

Run it with an empty folder; it prints how many lines there were, and exits 1 if Plaudit cannot be started
again after one of these deaths. Each start is a fork, so that imports are paid for once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import plaudit
from plaudit.app import Options, Plaudit
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.installation import apply

_CODE = Path(plaudit.__file__).parent
WRITES = tuple(str(_CODE / name) for name in ("app.py", "secrets.py", "sqlite.py", "log", "store"))
CONFIG = """
[sources.shop]
[destinations.trustpilot]
type = "trustpilot"
sources = ["shop"]
settings = { api_key = "testIntegrationKey" }
"""
WANTED = parse(CONFIG, destinations())


def start(data: Path) -> None:
    """All that a start does before it listens."""

    async def main() -> None:
        started = Plaudit(Options(data=data, port=0))
        await apply(started.store, WANTED, 0)
        assert len((await started.store.configuration()).sources) == 1
        await started.store.close()

    asyncio.run(main())


def dying(line: int) -> Callable[[FrameType, str, Any], Any]:
    """A trace function that kills the process before it runs the given line, counted as they are run."""
    left = line

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(WRITES):
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def forked(work: Callable[[], None]) -> int:
    """The exit status of a child that did the work."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - told, and then only the status counts
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path) -> int:
    line, stuck = 1, []
    while forked(partial(killed_start, folder / str(line), line)) != 0:
        if forked(partial(start, folder / str(line))) != 0:
            stuck.append(line)
        line += 1
    print(f"{line - 1} lines; killed before these, it does not start again: {stuck}")
    return 1 if stuck else 0


def killed_start(data: Path, line: int) -> None:
    sys.settrace(dying(line))
    start(data)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
