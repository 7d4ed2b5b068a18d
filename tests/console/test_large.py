"""A page costs the same when the ledger is large: less than 100 ms, and less than 100 KB."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conformance.rows import wanted
from manage.conftest import FixedClock, ask
from manage.test_large import MOST_SECONDS, fill
from plaudit.console import app as console
from plaudit.destinations.catalog import destinations
from plaudit.manage.app import create_app
from plaudit.manage.context import Context
from plaudit.secrets import vault
from plaudit.store.access import Role, hashed
from plaudit.store.sqlite import SqliteStore

PAGES = (
    *(
        "/",
        "/?span=year",
        "/events",
        "/events?disposition=MESSAGE_REJECTED",
        "/events?disposition=bad_request",
    ),
    *("/events?order_id=o7", "/events?order_id=none", "/connections", "/start", "/settings/audit"),
    *("/invitations", "/invitations?state=failed", "/invitations?order_id=o7", "/invitations?what=identify"),
    *("/invitations?what=identify&state=refused", "/invitations/7", "/invitations/299000/part", "/profiles"),
    *("/destinations/trustpilot", "/destinations/trustpilot/settings", "/destinations/trustpilot/tester"),
    *(
        "/audiences",
        "/audiences/new",
        "/traits",
        "/settings/people",
        "/settings/configuration",
        "/events/1835008",
    ),
)


@pytest.fixture
async def large(tmp_path: Path) -> AsyncIterator[Any]:
    store, clock = SqliteStore(tmp_path / "store.db", vault(tmp_path)), FixedClock()
    await store.apply(wanted(), 1)
    fill(tmp_path / "store.db", clock.now())
    person = await store.access.add_person("amy", Role.ADMIN, "", 1)
    assert person is not None
    await store.access.add_session(hashed("s"), person.id, 1, 10**15)
    yield create_app(Context(store, clock, destinations()), console.routes(), console.shown)
    await store.close()


async def test_each_page_is_quick(large: Any) -> None:
    for path in PAGES:
        took = []
        for _ in range(3):
            began = time.perf_counter()
            reply = await ask(large, "GET", path, cookie="plaudit_session=s")
            took.append(time.perf_counter() - began)
            assert reply.status == 200 and len(reply.body) < 100_000, (path, reply.status, len(reply.body))
        assert min(took) < MOST_SECONDS, (path, took)
