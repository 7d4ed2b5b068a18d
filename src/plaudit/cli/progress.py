"""How far a long command has come, on standard error: a bar on a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

EVERY = 5.0  # seconds between two lines
LATE = 0.5  # seconds before a bar is worth its place


class Progress:
    """A context manager. `to` tells how much of `total` (0: not known) is done, and how many `things` that was."""

    def __init__(self, what: str, total: int, things: str, *, counts_bytes: bool = False) -> None:
        self._what = what
        self._total = total
        self._things = things
        self._bytes = counts_bytes
        self._first: int | None = None
        self._started = self._told = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._done = self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def to(self, done: int, count: int) -> None:
        """`done` of the total; `count` things since the beginning of this run."""
        if self._first is None:
            self._first = done  # what an earlier run did says nothing about this one's speed
        self._done, self._count = done, count
        now = time.monotonic()
        if sys.stderr.isatty():
            if self._bar is None and now - self._started >= LATE:
                self._begin()
            if self._bar is not None and now - self._told >= 0.1:
                self._told = now
                self._bar.update(self._task, completed=done, rate=self._rate(now))
        elif now - self._told >= EVERY:
            self._told = now
            print(f"{self._what}: {self._line(now)}", file=sys.stderr, flush=True)

    def _begin(self) -> None:
        from rich import progress
        from rich.console import Console

        amount = progress.DownloadColumn(binary_units=True) if self._bytes else progress.MofNCompleteColumn()
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            amount,
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("left" if self._total else ""),
            console=Console(stderr=True),
            transient=True,
        )
        rate = self._rate(time.monotonic())
        self._task = self._bar.add_task(
            self._what, total=self._total or None, completed=self._done, rate=rate
        )
        self._bar.start()

    def _rate(self, now: float) -> str:
        return f"{self._count / max(now - self._started, 0.001):,.0f} {self._things}/s"

    def _line(self, now: float) -> str:
        said = f"{self._count:,} {self._things}, {self._rate(now)}"
        if self._total:
            said += f", {100 * self._done // self._total} %"
            speed = (self._done - (self._first or 0)) / max(now - self._started, 0.001)
            if speed > 0:
                said += f", about {(self._total - self._done) / speed:,.0f} s left"
        return said
