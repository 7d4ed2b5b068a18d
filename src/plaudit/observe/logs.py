"""Log lines: one sentence for people and a stable word for machines; on a terminal in colour, else as JSON.

No e-mail address, key or body ever goes into one.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str = "info") -> None:
    """Send log lines of at least this level to standard error."""
    terminal = sys.stderr.isatty()
    log.verbose = level == "debug"
    server = logging.getLogger("uvicorn")
    server.handlers, server.propagate = [_Uvicorn(logging.ERROR)], False
    server.setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
            structlog.dev.ConsoleRenderer(pad_event_to=0)
            if terminal
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,  # else each call of the hot path binds a logger anew
    )


class _Uvicorn(logging.Handler):
    """The HTTP server's own complaints, as lines like all others; what it merely warns of is clients' business."""

    def emit(self, record: logging.LogRecord) -> None:
        log.error("http server", message=record.getMessage().splitlines()[0])


class _Log:
    """The logger, and whether debug lines are wanted: asking costs less than making one to be thrown away."""

    verbose = False
    _logger = structlog.get_logger("plaudit")

    def __getattr__(self, level: str) -> Any:
        return getattr(self._logger, level)


log = _Log()
