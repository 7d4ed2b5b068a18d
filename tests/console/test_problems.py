"""Trouble is a page that says so: no traceback, no blank page, also while the store is away."""

from __future__ import annotations

from typing import Any

from manage.conftest import ask
from plaudit.clock import SystemClock
from plaudit.console import app as console
from plaudit.destinations.catalog import destinations
from plaudit.errors import UnavailableError
from plaudit.manage.app import create_app
from plaudit.manage.context import Context


class Away:
    """A store that cannot be reached."""

    def __getattr__(self, name: str) -> Any:
        raise UnavailableError("the store cannot be reached", 7)


async def test_a_store_that_is_away() -> None:
    away: Any = Away()
    app = create_app(Context(away, SystemClock(), destinations()), console.routes(), console.shown)
    reply = await ask(app, "GET", "/events", cookie="plaudit_session=s", accept="text/html")
    assert (reply.status, reply.header("retry-after")) == (503, "7")
    assert b"Not now" in reply.body and b"The store cannot be reached" in reply.body
    assert reply.header("content-type") == "text/html; charset=utf-8"


async def test_who_wants_no_page_gets_json() -> None:
    away: Any = Away()
    app = create_app(Context(away, SystemClock(), destinations()), console.routes(), console.shown)
    for accept in ("", "*/*", "application/json"):  # as an SDK asks that has a wrong address
        reply = await ask(app, "POST", "/v2/track", accept=accept)
        assert (reply.status, reply.header("content-type")) == (404, "application/problem+json"), accept
        assert b"/v2/track" in reply.body and b"<" not in reply.body
    page = await ask(app, "GET", "/v2/track", accept="text/html,*/*;q=0.8")
    assert (page.status, page.header("content-type")) == (404, "text/html; charset=utf-8")
