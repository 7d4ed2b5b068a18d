"""The whole line, from a request to an invitation at the sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

from conftest import Line
from support import ORDER, WRITE_KEY, http, track, until


async def post(line: Line, path: str, body: Any, key: str | None = WRITE_KEY) -> Any:
    return await asyncio.to_thread(http, line.plaudit.url + path, body, key=key)


async def test_the_pages_own_example_becomes_one_invitation(line: Line) -> None:
    reply = await post(line, "/v1/track", track())
    assert (reply.status, reply.body) == (200, {"success": True})
    (invitation,) = await until(lambda: line.plaudit.store.invitations(state="accepted"))
    assert invitation.order_id == ORDER["order_id"]
    assert line.sandbox.app.recorder.stats().accepted == 1
    (event,) = await line.plaudit.store.events()
    assert (event.disposition, event.destinations[0].invitation) == ("invited", invitation.id)
