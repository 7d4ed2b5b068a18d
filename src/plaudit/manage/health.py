"""`/healthz`, `/readyz`, `/metrics`, and a word of welcome at `/` where no console is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from plaudit import __version__
from plaudit.manage.guard import public
from plaudit.observe.metrics import registry

Measure = Callable[[], Awaitable[None]]  # brings the gauges up to date
Ready = Callable[[], Awaitable[list[str]]]  # what is not well, one sentence each


def routes(ready: Ready, measure: Measure) -> list[Route]:
    """For anybody. `ready` says what is not well; an empty list means ready."""

    async def readyz(_: Request) -> Response:
        faults = await ready()
        return JSONResponse({"ready": not faults, "faults": faults}, status_code=503 if faults else 200)

    async def metrics(_: Request) -> Response:
        await measure()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        public("/healthz", _healthz, sees=False),
        public("/readyz", readyz, sees=False),
        public("/metrics", metrics, sees=False),
    ]


def welcome() -> Route:
    """What stands at `/` where no console is."""
    return public("/", _welcome, sees=False)


def create_app(ready: Ready, measure: Measure) -> Starlette:
    """The app of a process that serves no console. See `routes`."""
    app = Starlette(
        routes=[welcome(), *routes(ready, measure)],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False  # see manage/app.py
    return app


async def _welcome(_: Request) -> Response:
    return PlainTextResponse(
        f"Plaudit {__version__}\n\n"
        "Segment's tracking API is under /v1/: point an SDK at this address and send Order Completed.\n"
        "Look on with: plaudit events, plaudit invitations. Health: /healthz, /readyz, /metrics.\n"
    )


async def _healthz(_: Request) -> Response:
    return JSONResponse({"alive": True, "version": __version__})


async def _not_found(request: Request, _: Exception) -> Response:
    return JSONResponse(
        {"code": "not_found", "message": f"there is nothing at {request.url.path[:100]}"}, 404
    )


async def _not_allowed(request: Request, _: Exception) -> Response:
    return JSONResponse({"code": "method_not_allowed", "message": f"{request.url.path[:100]} takes GET"}, 405)
