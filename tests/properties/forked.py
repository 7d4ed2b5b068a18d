"""`plaudit serve` in a process that is there at once: forked from one that has done the imports.

So a history can hold many starts and real kills, and still take no time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from support import http

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *("pytest", "pydantic._internal._schema_generation_shared", "pydantic", "uvloop"),
        *("uvicorn.protocols.http.httptools_impl", "uvicorn.lifespan.off"),
        *("plaudit.cli.main", "plaudit.app", "plaudit.sandbox.server"),
    ]
)


def _plaudit(arguments: list[str], log: str) -> None:
    """The command, in the child."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    from plaudit.cli.main import main

    sys.argv = ["plaudit", *arguments]
    main()


class Forked:
    """A `plaudit` command that runs until it is stopped or killed; it answers at `url` when this returns."""

    def __init__(self, arguments: list[str], url: str, log: Path) -> None:
        self._process: BaseProcess = _CONTEXT.Process(
            target=_plaudit, args=(arguments, str(log)), daemon=True
        )
        self._process.start()
        deadline = time.monotonic() + 20
        while True:
            assert self._process.is_alive() and time.monotonic() < deadline, log.read_text()
            try:
                http(url)
            except OSError:
                time.sleep(0.005)
            else:
                return

    def kill(self) -> None:
        """As `kill -9` does."""
        self._process.kill()
        self._end()

    def stop(self) -> None:
        """As an operator does; it must end well."""
        pid = self._process.pid
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        assert self._end() == 0

    def _end(self) -> int | None:
        self._process.join(30)
        code = self._process.exitcode
        self._process.close()
        return code
