"""The API's routes: a request becomes what an operation takes, what it gives becomes a response.

A POST with an `Idempotency-Key` is done once: for a day the same key has the same answer, and the answer is sealed at
rest, since it may hold a token. What only looks is done each time: no answer with a customer in it is kept.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from plaudit.manage.api import OPERATIONS, Operation
from plaudit.manage.context import Context, context
from plaudit.manage.given import number, read
from plaudit.manage.guard import guarded
from plaudit.manage.openapi import document
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Role, Who, hashed

KEPT_MS = 24 * 3_600_000
LONGEST_MS = 10 * 60_000  # that anything takes; what is not answered by then was broken off
KEY_LONGEST = 200
_encode = msgspec.json.Encoder().encode


class _Kept(msgspec.Struct, array_like=True):
    status: int
    body: bytes


def routes() -> list[BaseRoute]:
    """One for each operation, and the document of them all."""
    found: list[BaseRoute] = [guarded("/api/openapi.json", _document, role=Role.VIEWER)]
    found += [
        guarded(each.path, _endpoint(each), role=each.role, methods=[each.method], name=each.name)
        for each in OPERATIONS
    ]
    return found


def _endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = await _given(operation, request)
        key = request.headers.get("idempotency-key") if operation.method == "POST" else None
        if key is None or operation.looks:
            kept = await _answer(operation, context(request), request.state.who, given)
        else:
            kept, again = await _once(operation, request, given, key)
            if again:
                return _response(kept, {"idempotency-replayed": "true"})
        return _response(kept)

    return endpoint


async def _answer(operation: Operation, its: Context, who: Who, given: Any) -> _Kept:
    found = await operation.run(its, who, given)
    if operation.gives is None:
        return _Kept(204, b"")
    return _Kept(201 if operation.created else 200, _encode(found))


async def _once(operation: Operation, request: Request, given: Any, key: str) -> tuple[_Kept, bool]:
    """The answer, and whether it is that of an earlier request."""
    if not 1 <= len(key) <= KEY_LONGEST:
        raise ProblemError(400, "bad_request", f"an Idempotency-Key has 1 to {KEY_LONGEST} characters")
    its, who = context(request), request.state.who
    access, now = its.store.access, its.clock.now()
    hash_ = hashed(f"{who.via} {who.id} {key}")
    # Keyed, since the request may hold a password.
    asked = _encode([operation.method, request.url.path, given])
    fingerprint = hmac.new(key.encode(), asked, sha256).digest()
    kept = await access.begin(hash_, fingerprint, now, now - KEPT_MS)
    if kept is not None:
        if kept.fingerprint != fingerprint:
            raise ProblemError(
                422, "key_used", "this Idempotency-Key was used for another request: take a new one"
            )
        if kept.reply is None and now - kept.at > LONGEST_MS:
            raise ProblemError(
                409,
                "outcome_unknown",
                "the same request was broken off, and nobody knows whether it was done: look, then take a new key",
            )
        if kept.reply is None:
            raise ProblemError(
                409,
                "in_progress",
                "the same request is being answered: try again",
                headers={"retry-after": "1"},
            )
        return msgspec.msgpack.decode(kept.reply, type=_Kept), True
    try:
        answer = await _answer(operation, its, who, given)
    except BaseException:
        await asyncio.shield(access.answered(hash_, None))
        raise
    await access.answered(hash_, msgspec.msgpack.encode(answer))
    return answer, False


async def _given(operation: Operation, request: Request) -> Any:
    """From the path, and from the query or the body. Raises `ProblemError`: 400."""
    values: dict[str, Any] = dict(request.path_params)
    if (id_ := number(values.get("id", ""))) is not None:
        values["id"] = id_
    if operation.method in ("GET", "DELETE"):
        query = request.query_params
        if twice := [name for name in query if len(query.getlist(name)) > 1]:
            raise ProblemError(400, "bad_request", f"{twice[0][:60]} is given more than once")
        _apart(values, query)
        return read(values | dict(query), operation.takes, text=True)
    if request.query_params:
        raise ProblemError(400, "bad_request", "this takes no query: put it into the body")
    body = await _body(request)
    _apart(values, body)
    return read(values | body, operation.takes)


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw.strip():
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(415, "bad_media_type", "send JSON: content-type: application/json")
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise ProblemError(400, "bad_body", "the body is no JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise ProblemError(400, "bad_body", "the body must be a JSON object")
    return found


def _apart(values: dict[str, Any], others: Any) -> None:
    if both := values.keys() & set(others):
        raise ProblemError(400, "bad_request", f"{min(both)} stands in the path: leave it out elsewhere")


def _response(kept: _Kept, headers: dict[str, str] | None = None) -> Response:
    return Response(kept.body, kept.status, headers, "application/json" if kept.body else None)


async def _document(_: Request) -> Response:
    return Response(_encode(document(OPERATIONS)), media_type="application/json")
