"""The sandbox's own JSON API, for tests and the command line: `/sandbox/{invitations,calls,stats,faults}`.

Wrong input is a 400 with `{"code", "message"}`. Keys are shown masked, except in faults, which must be
readable and writable alike. It has no login: the sandbox holds test data and listens on the loopback.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from plaudit.clock import iso
from plaudit.errors import RefusedError, UsageError
from plaudit.sandbox.faults import KINDS, SPELLING, Fault, Faults, checked, parse
from plaudit.sandbox.recorder import Call, Record, Recorder

DEFAULT_LIMIT = 100
_BODY_LIMIT = 64 * 1024


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    faults: list[str | Fault]


def masked(key: str) -> str:
    return f"{key[:3]}…"


def shown(record: Record) -> dict[str, Any]:
    """The record as the API and the page show it, with this project's names; products as they were sent."""
    received = record.received
    return {
        "channel": received.channel,
        "key": masked(received.key),
        "reference_id": received.reference_id,
        "recipient_email": received.recipient_email,
        "recipient_name": received.recipient_name,
        "source": received.source,
        "products": msgspec.Raw(received.products or b"[]"),
        "total_cost": received.total_cost,
        "currency": received.currency,
        "received_at": iso(record.received_at),
        "posts": record.posts,
        "accepted": record.accepted,
        "updates": record.updates,
        "answer": record.answer,
        **msgspec.structs.asdict(received.wishes),
    }


def shown_call(call: Call) -> dict[str, Any]:
    """The call as the API and the page show it."""
    return {
        **msgspec.structs.asdict(call),
        "key": masked(call.key),
        "traits": msgspec.Raw(call.traits),
        "context": msgspec.Raw(call.context),
        "properties": msgspec.Raw(call.properties),
        "received_at": iso(call.received_at),
    }


class Control:
    """The API's routes over what the sandbox holds. `certificate`: the mail server's, once it has one."""

    def __init__(self, recorder: Recorder, faults: Faults) -> None:
        self._recorder = recorder
        self._faults = faults
        self.certificate = b""
        self.routes = [
            Route("/sandbox/invitations", self._invitations, methods=["GET"]),
            Route("/sandbox/invitations", self._clear, methods=["DELETE"]),
            Route("/sandbox/calls", self._calls, methods=["GET"]),
            Route("/sandbox/certificate", self._certificate, methods=["GET"]),
            Route("/sandbox/stats", self._stats, methods=["GET"]),
            Route("/sandbox/faults", self._get_faults, methods=["GET"]),
            Route("/sandbox/faults", self._put_faults, methods=["PUT"]),
            Route("/sandbox/faults", self._delete_faults, methods=["DELETE"]),
        ]

    async def _invitations(self, request: Request) -> Response:
        limit, order = _listing(request, "order")
        return _json([shown(record) for record in self._recorder.newest(limit, order)])

    async def _calls(self, request: Request) -> Response:
        limit, user = _listing(request, "user")
        return _json([shown_call(call) for call in self._recorder.newest_calls(limit, user)])

    async def _certificate(self, _: Request) -> Response:
        """What a mail client must trust, since nobody has signed it."""
        if not self.certificate:
            raise RefusedError("no_mail", "the sandbox was started without its mail server", 404)
        return Response(self.certificate, media_type="application/x-pem-file")

    async def _clear(self, _: Request) -> Response:
        self._recorder.clear()
        return Response(status_code=204)

    async def _stats(self, _: Request) -> Response:
        return _json(self._recorder.stats())

    async def _get_faults(self, _: Request) -> Response:
        on = [{"fault": str(fault), **msgspec.structs.asdict(fault)} for fault in self._faults.on.values()]
        known = {
            name: {"meaning": kind.meaning, "value": kind.value, "channels": kind.channels}
            for name, kind in KINDS.items()
        }
        return _json({"faults": on, "known": known, "spelling": SPELLING})

    async def _put_faults(self, request: Request) -> Response:
        """All faults anew: `{"faults": ["429:0.1", {"name": "slow", "value": "2"}]}`."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RefusedError("bad_content_type", "Content-Type: send application/json")
        try:
            wanted = msgspec.json.decode(await limited_body(request), type=_Wanted)
            faults = [checked(f) if isinstance(f, Fault) else parse(f) for f in wanted.faults]
        except UsageError as error:
            raise RefusedError("bad_fault", str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = f'{error}: send {{"faults": ["slow=2", "429:0.1"]}}'
            raise RefusedError("bad_body", message) from None
        self._faults.replace(faults)
        return await self._get_faults(request)

    async def _delete_faults(self, _: Request) -> Response:
        self._faults.replace([])
        return Response(status_code=204)


def _listing(request: Request, filtered: str) -> tuple[int | None, str | None]:
    """The parameters of a listing: how many, and the one thing that it can be filtered by."""
    if set(request.query_params) - {"limit", filtered}:
        raise RefusedError("unknown_parameter", f"there are limit and {filtered}, no other parameter")
    limit = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 9):
        raise RefusedError("bad_limit", "limit: send a whole number; 0 means all")
    return int(limit) or None, request.query_params.get(filtered)


async def limited_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise RefusedError("too_long", f"the body: send at most {_BODY_LIMIT} bytes", 413)
    return body


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
