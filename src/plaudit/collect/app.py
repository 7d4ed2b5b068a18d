"""The tracking API as a raw ASGI app: authenticate, parse, append to the log, answer.

Invariant: every 200 for an event is sent after `log.append` returned. Nothing is accepted in silence: a
refusal says why in the answer, and what belongs to a known source is kept with its reason.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from plaudit.clock import Clock, message_id
from plaudit.collect import answers, pixel, settings
from plaudit.collect import body as bodies
from plaudit.collect.answers import Headers, Send
from plaudit.collect.body import Disconnected, Receive
from plaudit.collect.inlets import Inlets
from plaudit.collect.partner import PLACE, PartnerEndpoint
from plaudit.collect.sources import Sources
from plaudit.errors import RefusedError, UnavailableError
from plaudit.log.base import Log
from plaudit.observe import happenings, metrics
from plaudit.spec import wire
from plaudit.spec.calls import PATHS, TYPES
from plaudit.spec.envelope import Entry
from plaudit.store.base import Source

Scope = MutableMapping[str, Any]

_SINGLE = {f"/v1/{path}": kind for path, kind in PATHS.items()}
_BATCH = frozenset({"/v1/batch", "/v1/import", "/v1/b"})
_PIXEL = {f"/v1/pixel/{kind}": kind for kind in TYPES}
_METRICS = "/v1/m"
_PROJECTS = "/v1/projects/"
# The status for a reason that nothing was accepted for; 400 for all others.
_STATUS = {"event_too_large": 413}


class Collect:
    """`/v1/*`, and `/destinations/*` for Segment itself. Its tables of keys follow the configuration."""

    def __init__(self, log: Log, sources: Sources, inlets: Inlets, clock: Clock) -> None:
        self._log = log
        self._sources = sources
        self._partner = PartnerEndpoint(log, inlets, clock)
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._route(scope, receive, send)
        except RefusedError as error:
            metrics.requests_refused.labels(error.code).inc()
            headers = [(b"connection", b"close")] if error.status == 413 else None
            await answers.refusal(send, error.status, error.code, error.message, headers)
        except UnavailableError as error:
            metrics.requests_refused.labels("unavailable").inc()
            retry = [(b"retry-after", str(error.retry_after).encode())]
            await answers.refusal(send, 503, "unavailable", f"not accepted, try again: {error}", retry)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - the last net: the SDK keeps its events and tries again
            happenings.StepFailed("collect", happenings.where(error), 5).emit()
            metrics.requests_refused.labels("internal").inc()
            await answers.refusal(send, 503, "internal", "not accepted, try again", [(b"retry-after", b"5")])

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        posted, got = method == "POST", method in ("GET", "HEAD")
        if posted and path in _SINGLE:
            await self._single(_SINGLE[path], scope, receive, send)
        elif posted and path in _BATCH:
            await self._batch(scope, receive, send)
        elif posted and path == _METRICS:
            await bodies.read(receive, None)  # the SDK's own metrics: taken, not kept
            await answers.success(send)
        elif method == "OPTIONS":
            await answers.preflight(send, _header(scope, b"access-control-request-headers"))
        elif method == "GET" and path in _PIXEL:
            await self._pixel(_PIXEL[path], scope, send)
        elif got and _is_settings(path):
            await self._settings(scope, send)
        elif posted and path.startswith(PLACE):
            await self._from_segment(scope, receive, send)
        else:
            raise _no_route(path)

    async def _single(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        authorization, encoding = _headers(scope)
        await self._take(kind, await bodies.read(receive, encoding), authorization)
        await answers.success(send)

    async def _take(self, kind: str, body: bytes, authorization: bytes | None) -> None:
        """One event, onto the disk. Raises `RefusedError`, also for one that is kept with its reason."""
        now = self._clock.now()
        try:
            read = wire.decode_single(body)
        except RefusedError as error:
            source = self._sources.of_request(authorization, None)
            envelope = wire.unreadable(body, now, message_id, error)
        else:
            source = self._sources.of_request(authorization, read[0].write_key)
            envelope = wire.single(kind, read, body, now, message_id)
        await self._append(source, Entry(source.id, now, [envelope]))
        if envelope.refused:
            raise RefusedError(envelope.refused, envelope.reason, _STATUS.get(envelope.refused, 400))

    async def _batch(self, scope: Scope, receive: Receive, send: Send) -> None:
        authorization, encoding = _headers(scope)
        batch = wire.decode_batch(await bodies.read(receive, encoding))
        source = self._sources.of_request(authorization, batch.write_key)
        now = self._clock.now()
        envelopes = wire.items(batch, now, message_id)
        entry = Entry(source.id, now, envelopes, bytes(batch.context), bytes(batch.integrations))
        await self._append(source, entry)
        rejected = [
            {"index": index, "messageId": e.message_id, "code": e.refused, "message": e.reason}
            for index, e in enumerate(envelopes)
            if e.refused
        ]
        for each in rejected:
            metrics.requests_refused.labels(each["code"]).inc()
        if not rejected:
            await answers.success(send)
        elif len(rejected) == len(envelopes):
            first = envelopes[0]
            message = f"no event of {len(envelopes)} was accepted; the first: {first.reason}"
            status = _STATUS.get(first.refused, 400)
            await answers.refusal(send, status, first.refused, message, rejected=rejected)
        else:
            accepted = len(envelopes) - len(rejected)
            await answers.json(send, 200, {"success": True, "accepted": accepted, "rejected": rejected})

    async def _pixel(self, kind: str, scope: Scope, send: Send) -> None:
        """Always the picture, as a mail expects; what was wrong is in a header, and in the event's disposition."""
        headers: Headers = [(b"cache-control", b"no-store")]
        status = 200
        try:
            await self._take(kind, pixel.body(scope["query_string"]), _header(scope, b"authorization"))
        except RefusedError as error:
            metrics.requests_refused.labels(error.code).inc()
            headers.append((b"plaudit-refused", f"{error.code}: {error.message}".encode("ascii", "replace")))
        except UnavailableError as error:
            status = 503
            headers.append((b"retry-after", str(error.retry_after).encode()))
        await answers.plain(send, status, answers.GIF, b"image/gif", headers)

    async def _settings(self, scope: Scope, send: Send) -> None:
        key = scope["path"][len(_PROJECTS) : -len("/settings")]
        if self._sources.by_key(key) is None:
            raise RefusedError("unknown_source", "unknown write key: no source has it", 404)
        host = (_header(scope, b"x-forwarded-host") or _header(scope, b"host") or b"").decode("latin-1")
        scheme = (_header(scope, b"x-forwarded-proto") or scope["scheme"].encode()).decode("latin-1")
        scheme = "https" if scheme == "https" else "http"
        await answers.json(send, 200, settings.document(key, host, scheme), [(b"cache-control", b"no-cache")])

    async def _from_segment(self, scope: Scope, receive: Receive, send: Send) -> None:
        inlet = await self._partner.take(
            scope["path"][len(PLACE) :],
            await bodies.read(receive, _header(scope, b"content-encoding")),
            _header(scope, b"authorization"),
            _header(scope, b"x-signature"),
            _header(scope, b"x-segment-settings"),
        )
        metrics.events_collected.labels(f"segment/{inlet.name}").inc()
        await answers.success(send)

    async def _append(self, source: Source, entry: Entry) -> None:
        await self._log.append(entry)
        self._sources.collected[source.id].inc(sum(not envelope.refused for envelope in entry.events))


def _headers(scope: Scope) -> tuple[bytes | None, bytes | None]:
    """(Authorization, Content-Encoding)."""
    authorization = encoding = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"content-encoding":
            encoding = value
    return authorization, encoding


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


def _is_settings(path: str) -> bool:
    return path.startswith(_PROJECTS) and path.endswith("/settings")


def _no_route(path: str) -> RefusedError:
    if path in _SINGLE or path in _BATCH or path == _METRICS:
        return RefusedError("method_not_allowed", f"{path} takes POST", 405)
    if path.startswith(PLACE):
        return RefusedError("method_not_allowed", f"{path[:100]} takes POST", 405)
    if path in _PIXEL or _is_settings(path):
        return RefusedError("method_not_allowed", f"{path[:100]} takes GET", 405)
    known = "/v1/track, /v1/batch and the others in docs/tracking-api.md"
    return RefusedError("not_found", f"no such route: the tracking API is {known}", 404)
