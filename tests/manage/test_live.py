"""The API of a whole running Plaudit: what it does reaches the line, and what it answers is as its document says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from conftest import Line
from plaudit.app import Options, Plaudit
from plaudit.manage.api import OPERATIONS
from plaudit.store.access import Role, hashed
from plaudit.store.base import BY_HAND
from support import ORDER, WRITE_KEY, Reply, http, track, until

TOKEN = "plaudit_test"
AS_ADMIN = {"authorization": f"Bearer {TOKEN}"}


async def asked(line: Line, path: str, body: Any = None, method: str | None = None) -> Reply:
    url = f"{line.plaudit.url}{path}"
    return await asyncio.to_thread(http, url, body, headers=AS_ADMIN, method=method)


@pytest.fixture
async def admin(line: Line) -> Line:
    await line.plaudit.store.access.add_token("test", Role.ADMIN, hashed(TOKEN), 1)
    return line


async def test_a_paused_destination_waits_and_a_resumed_one_goes_on(admin: Line) -> None:
    paused = await asked(admin, "/api/destinations/trustpilot/pause", {"message": "for the sale"})
    assert (paused.status, paused.body["paused"]["reason"]) == (200, BY_HAND)
    await asyncio.sleep(1.5)  # the lane learns of it
    sent = await asked(admin, "/api/sources/shop/events", {"event": track()})
    assert sent.status == 201
    store = admin.plaudit.store
    await until(lambda: store.invitations(state="queued"))
    await asyncio.sleep(1.5)
    assert [i.state for i in await store.invitations()] == ["queued"]
    assert (await asked(admin, "/api/destinations/trustpilot/resume", {})).status == 200
    await until(lambda: store.invitations(state="accepted"))
    story = (await asked(admin, "/api/events")).body["data"][0]
    assert (story["message_id"], story["disposition"]) == (sent.body["message_id"], "invited")


async def test_an_event_is_looked_at_masked_and_as_it_came(admin: Line) -> None:
    sent = await asked(admin, "/api/sources/shop/events", {"event": track()})
    events = await until(admin.plaudit.store.events)
    detail = (await asked(admin, f"/api/events/{events[0].id}")).body
    assert detail["event"]["message_id"] == sent.body["message_id"]
    assert ORDER["email"] not in str(detail["body"])
    assert detail["body"]["properties"]["order_id"] == ORDER["order_id"]
    shown = (await asked(admin, f"/api/events/{events[0].id}/reveal", {})).body
    assert shown["json"]["properties"] == ORDER and ORDER["email"] in shown["text"]


async def test_an_event_that_is_refused_is_not_sent(admin: Line) -> None:
    for event, code in (
        ({"type": "track", "userId": "u"}, "event_not_defined"),
        ({"type": "x"}, "bad_request"),
    ):
        reply = await asked(admin, "/api/sources/shop/events", {"event": event})
        assert (reply.status, reply.body["code"]) == (422, code)
    assert await admin.plaudit.store.events() == []


async def test_the_settings_are_tested_without_an_effect(admin: Line) -> None:
    tested = await asked(admin, "/api/destinations/trustpilot/test", {})
    assert tested.status == 200 and tested.body["message"]
    assert await admin.plaudit.store.invitations() == []


async def test_a_new_write_key_is_in_force_within_a_second_or_so(admin: Line) -> None:
    key = (await asked(admin, "/api/sources/shop/rotate", {})).body["write_key"]
    url = f"{admin.plaudit.url}/v1/track"

    async def taken() -> bool:
        return (await asyncio.to_thread(http, url, track(), key=key)).status == 200

    await until(taken, seconds=5)
    assert (await asyncio.to_thread(http, url, track(), key=WRITE_KEY)).status != 200


async def test_a_start_shows_the_way_in_while_there_is_nobody(tmp_path: Path) -> None:
    plaudit = Plaudit(Options(data=tmp_path / "data", port=0))
    await plaudit.start()
    first = await plaudit.set_up_link()
    assert first is not None and first.startswith(f"{plaudit.url}/set-up?link=")
    await plaudit.store.access.add_person("amy", Role.ADMIN, "hash", 1)
    assert await plaudit.set_up_link() is None
    await plaudit.stop()


async def test_without_the_role_there_is_no_api(tmp_path: Path) -> None:
    plaudit = Plaudit(Options(data=tmp_path / "data", port=0, roles=frozenset({"collect"})))
    await plaudit.start()
    assert (await asyncio.to_thread(http, f"{plaudit.url}/api/me")).status == 404
    assert await plaudit.set_up_link() is None
    await plaudit.stop()


async def test_what_it_answers_is_what_its_document_says(admin: Line) -> None:
    """Each operation is called with what it takes and with what it does not, at random and in bounds."""
    for number in range(2, 40):  # so that it is not easily the one in use that it removes
        await admin.plaudit.store.access.add_token("other", Role.VIEWER, hashed(f"{number}"), number)
    await asyncio.to_thread(call_everything, admin.plaudit.url)


def call_everything(url: str) -> None:
    config = SchemathesisConfig.from_dict({"generation": {"mode": "all"}})
    schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json", headers=AS_ADMIN, config=config)
    results = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    by_name = {(each.method.upper(), each.path): each for each in results}
    assert by_name.keys() == {(each.method, each.path) for each in OPERATIONS}
    last = [("DELETE", "/api/tokens/{id}"), ("PUT", "/api/configuration")]  # they take away what others need
    for name in sorted(by_name, key=lambda each: each in last):
        operation = by_name[name]
        if name == last[0]:
            assert http(f"{url}/api/me", headers=AS_ADMIN).status == 200

        @given(case=operation.as_strategy())
        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def call(case: Any) -> None:
            # A schema cannot say what is a time, a password or a configuration, so some of what it allows is refused.
            # That a token is needed is seen in test_api.py: here each request has one.
            beside = [ignored_auth, positive_data_acceptance]
            case.call_and_validate(headers=AS_ADMIN, excluded_checks=beside, timeout=30)

        call()
