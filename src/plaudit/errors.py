"""Every error that a person or a program outside can meet, in one tree.

    PlauditError                 exit 1
    ├── UsageError               exit 2: the command's words are off
    ├── ConfigError              the configuration cannot be used; names the place and what exists
    │   └── QueryError           a query that cannot be read, with its place (engage/language/errors.py)
    ├── DataError                the data directory or database cannot be used
    │   └── InUseError           another process holds it
    ├── LostRaceError            another process did the same work first; nothing was written
    ├── UnavailableError         log or store cannot take more now (full disk, closing): HTTP 503
    ├── ProblemError             what console and API cannot do, with its code and status (manage/problems.py)
    └── RefusedError             a request that collect refuses: HTTP 400, 401, 404, 405, 413, 415
        └── (codes below, each one a row of docs/tracking-api.md)

A message is one line, says what is wrong and what to do, and holds no e-mail address and no key.
Whether to retry a delivery is no property of an exception: a `Verdict` says it (destinations/base.py).
"""

from __future__ import annotations

from http import HTTPStatus


class PlauditError(Exception):
    """Something went wrong that the reader can mend; the message says how."""

    exit_code = 1


class UsageError(PlauditError):
    """The command was used wrongly."""

    exit_code = 2


class ConfigError(PlauditError):
    """The configuration cannot be used."""


class DataError(PlauditError):
    """The data directory or a database in it cannot be used."""


class InUseError(DataError):
    """Another process works on this data directory."""


class UnavailableError(PlauditError):
    """The log or the store cannot take anything now; trying again later is right.

    `retry_after` is in seconds.
    """

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RefusedError(PlauditError):
    """A request to the tracking API that is refused, as `{"code", "message"}` with a 4xx status.

    analytics-python needs both fields in each answer that is not a 200: without them it raises a KeyError
    and tries again eleven times (segment.md 1.6).
    """

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = int(status)


class LostRaceError(PlauditError):
    """Another process moved the cursor first; nothing was written. Read again from where it is."""
