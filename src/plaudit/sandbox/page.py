"""The page at `/`: the invitations as a shop would recognise them, and switches for the faults.

Rendered here, escaped by jinja; works without JavaScript, whose only job is to fetch `/sandbox/page/rows`
again (a 304 while nothing has changed). Nothing is fetched from elsewhere: product images are not shown.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from plaudit.clock import Clock
from plaudit.errors import RefusedError, UsageError
from plaudit.sandbox.cards import call_card, card
from plaudit.sandbox.control import limited_body, masked
from plaudit.sandbox.faults import KINDS, Fault, Faults, parse
from plaudit.sandbox.recorder import Recorder

ROWS = 50

_HERE = Path(__file__).parent
CALLS = 8
_OFFERED = {
    "": ("slow", "429:0.5", "503", "500", "reset", "reset-after", "401", "400", "403"),
    "Integration Key": ("202-first", "251"),
    "Invitations API": ("token-expired", "1014", "rate-limit", "403-html"),
    "Mail": ("421", "451", "535", "554"),
    "Partner": ("501",),
}


class Page:
    """The page's routes over what the sandbox holds.

    `hint`: the command that the empty page offers; `smtp_port`: where mail is taken. Both may change.
    """

    def __init__(self, recorder: Recorder, faults: Faults, clock: Clock, hint: str = "") -> None:
        self._recorder = recorder
        self._faults = faults
        self._clock = clock
        self.hint = hint
        self.smtp_port: int | None = None
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.routes: list[BaseRoute] = [
            Route("/", self._page, methods=["GET"]),
            Route("/sandbox/page/rows", self._rows, methods=["GET"]),
            Route("/sandbox/page/faults", self._switch, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]

    async def _page(self, request: Request) -> Response:
        return self._render("page.html", request)

    async def _rows(self, request: Request) -> Response:
        tag = f'"{self._recorder.revision}-{self._faults.revision}"'
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return self._render("rows.html", request, headers=headers)

    async def _switch(self, request: Request) -> Response:
        """A form turns a fault on (`on`: its spelling), off (`off`: its number) or all off (`clear`)."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise RefusedError("cross_site", "faults are switched from this page only", 403)
        form = parse_qs((await limited_body(request)).decode("latin-1"))
        try:
            for fault in form.get("on", []):
                self._faults.add(parse(fault))
        except UsageError as error:
            return self._render("page.html", request, status=400, problem=str(error))
        for number in form.get("off", []):
            if number.isascii() and number.isdigit():
                self._faults.remove(int(number[:18]))
        if "clear" in form:
            self._faults.replace([])
        return RedirectResponse("/", status_code=303)

    def _render(
        self,
        template: str,
        request: Request,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        problem: str = "",
    ) -> Response:
        now = self._clock.now()
        rows = [card(record, now) for record in self._recorder.newest(ROWS)]
        on = [_switchable(number, fault) for number, fault in self._faults.on.items()]
        base = str(request.base_url).rstrip("/")
        html = self._templates.get_template(template).render(
            rows=rows,
            stats=self._recorder.stats(),
            on=on,
            calls=[call_card(call, now) for call in self._recorder.newest_calls(CALLS)],
            offered={
                group: [(name, KINDS[parse(name).name].meaning) for name in names]
                for group, names in _OFFERED.items()
            },
            names_on={fault["name"] for fault in on},
            base=base,
            host=request.url.hostname,
            smtp_port=self.smtp_port,
            hint=self.hint or _curl(base),
            problem=problem,
        )
        return HTMLResponse(html, status, headers)


def _switchable(number: int, fault: Fault) -> dict[str, Any]:
    spelled = str(msgspec.structs.replace(fault, key=fault.key and masked(fault.key)))
    return {"number": number, "fault": spelled, "name": fault.name}


def _curl(base: str) -> str:
    url = shlex.quote(f"{base}/api/demokey12/invitation")
    return f"""curl {url} \\
  -H 'Content-Type: application/json' -d '{{
    "recipientEmail": "ada@example.com",
    "recipientName": "Ada Lovelace",
    "referenceId": "1001",
    "totalCost": 149.5, "currency": "EUR"
  }}'"""
