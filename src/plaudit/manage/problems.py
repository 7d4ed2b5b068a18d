"""What the console and the API answer when they cannot do what was asked: RFC 9457, with codes of our own.

`code` is stable, and docs/api.md has a row for each. No answer is a traceback; what nobody foresaw is `internal`, and
a line in the log says where.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from plaudit.config import FaultsError
from plaudit.errors import DataError, PlauditError, UnavailableError

MEDIA_TYPE = "application/problem+json"


class ProblemError(PlauditError):
    """Why a request is not done, in one sentence that says what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        errors: list[str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = int(status)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.errors = errors or []  # each on its own, where there are several


def problem_of(error: Exception) -> ProblemError:
    """Any error as a problem."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, UnavailableError):
        return ProblemError(503, "unavailable", str(error), headers={"retry-after": str(error.retry_after)})
    if isinstance(error, FaultsError):
        return ProblemError(422, "bad_configuration", _one_line(error), errors=error.faults)
    if isinstance(error, DataError):
        return ProblemError(500, "unusable_data", _one_line(error))
    if isinstance(error, PlauditError):
        return ProblemError(400, "refused", _one_line(error))
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
        return ProblemError(error.status_code, code, error.detail, headers=dict(error.headers or {}))
    return ProblemError(500, "internal", "a fault in Plaudit itself: its log says where")


def respond(problem: ProblemError, *, to_sdk: bool = False) -> Response:
    """As `application/problem+json`. SDKs that were pointed at the wrong path need a `message` (see `RefusedError`)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if to_sdk:
        body["message"] = problem.detail
    if problem.errors:
        body["errors"] = problem.errors
    return Response(msgspec.json.encode(body), problem.status, problem.headers, MEDIA_TYPE)


def browses(request: Request) -> bool:
    """Whether a page is wanted, or a part of one. An SDK at a wrong path wants none, and takes a redirect for success."""
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers


async def handle(request: Request, error: Exception) -> Response:
    """Starlette's handler of exceptions."""
    problem = problem_of(error)
    if problem.code == "not_found" and isinstance(error, HTTPException):
        problem.detail = f"there is nothing at {request.url.path[:100]}"
    elif problem.code == "method_not_allowed":
        allowed = problem.headers.get("Allow", "GET")
        problem.detail = f"{request.url.path[:100]} takes {allowed}"
    return respond(problem, to_sdk=not request.url.path.startswith("/api/"))


def _one_line(error: Exception) -> str:
    return "; ".join(str(error).splitlines())
