"""kill -9 while there is an order in each state of the life cycle, under both policies of `uncertain`.

One server, a destination for each state, each with a vendor that keeps its order there; one kill; then all vendors
are good, the server starts again without a configuration file, and each order must go on from where it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from plaudit import installation
from plaudit.clock import SystemClock
from plaudit.config import parse
from plaudit.destinations.catalog import destinations
from plaudit.sqlite import connect
from plaudit.store.base import Store
from plaudit.store.decisions import Decided
from plaudit.store.views import InvitationView
from properties.forked import Forked
from support import free_port, http, track, until

from . import told
from .stuck import BAD_DATA, BAD_KEY, HOLDS, LATER, ODD, Crowded, Stuck
from .vendors import Vendor

# A destination for each state, by what its vendor says at first.
STATES: dict[str, bytes | str] = {
    "retrying": LATER,
    "out": HOLDS,
    "unrecorded": HOLDS,
    "held": LATER,
    "blocked": BAD_KEY,
    "refused": BAD_DATA,
    "uncertain": ODD,
    "cancelled": HOLDS,
    "done": HOLDS,
}
SOURCES = {"unrecorded": "app", "blocked": "more", "cancelled": "undo"}  # of single destinations
BEFORE = "before"  # the request: cannot connect yet


def text(urls: dict[str, str], policy: str) -> str:
    parts = [f'[sources.{name}]\nwrite_key = "{name}Key"\n' for name in ("shop", *SOURCES.values())]
    for name, url in urls.items():
        sources = [source for source in ("shop", SOURCES.get(name)) if source]
        sources = sources[-1:] if name == "unrecorded" else sources
        hold = 'hold = "1 hour"\n' if name == "held" else ""
        parts.append(
            f'[destinations.{name}]\ntype = "trustpilot"\nsources = {sources}\n[destinations.{name}.settings]\n'
            f'api_key = "key{name}"\nbase_url = "{url}"\nallow_private = true\nuncertain = "{policy}"\n{hold}'
        )
    return "".join(parts)


class Scene:
    """The server and its vendors."""

    def __init__(self, folder: Path, policy: str) -> None:
        self.folder, self.policy = folder, policy
        self.data = folder / "data"
        self.vendors = {name: Stuck(first) for name, first in STATES.items()}
        self.vendors[BEFORE] = Stuck(LATER)
        self.port = free_port()

    def serve(self, *arguments: str) -> Forked:
        words = ["serve", "--port", str(self.port), "--data", str(self.data), *arguments]
        return Forked(words, f"http://127.0.0.1:{self.port}/readyz", self.folder / "serve.log")

    async def post(self, key: str, event: dict[str, Any]) -> None:
        reply = await asyncio.to_thread(http, f"http://127.0.0.1:{self.port}/v1/track", event, key=key)
        assert reply.status == 200

    async def rows(self, store: Store) -> dict[str, InvitationView]:
        """By destination, and "behind" for what waits behind the pause."""
        found = await store.invitations()
        return {(row.destination if row.order_id == "1" else "behind"): row for row in found}

    def accepted(self) -> dict[str, int]:
        return {name: vendor.accepted["1"] for name, vendor in self.vendors.items()}

    async def reach_every_state(self, store: Store) -> None:
        """Order 1 in each state, and order 2 behind the pause."""
        order = {"order_id": "1", "email": "ann@example.com", "total": 5}
        await self.post("shopKey", track(order))
        self.vendors["done"].answer.set()
        expected = {
            "retrying": "queued",
            "out": "sending",
            "held": "held",
            "blocked": "blocked",
            "refused": "refused",
            "uncertain": "uncertain" if self.policy == "hold" else "queued",
            "cancelled": "sending",
            "done": "accepted",
            BEFORE: "sending",
        }

        async def reached() -> bool:
            rows = await self.rows(store)
            tried = all(row.attempts for name, row in rows.items() if name != "held")
            out = self.vendors["out"].has and self.vendors["cancelled"].has
            return bool(out) and tried and {name: row.state for name, row in rows.items()} == expected

        await until(reached)
        await self.post("appKey", track(order))
        await until(lambda: self.vendors["unrecorded"].has)
        await self.post("moreKey", track({**order, "order_id": "2"}))

        async def behind() -> bool:
            rows = await self.rows(store)
            return "behind" in rows and rows["behind"].state == "queued"

        await until(behind)

    async def take_back(self, store: Store) -> None:
        """Order 1 is cancelled at one destination, while its attempt is under way."""
        await self.post("undoKey", track({"order_id": "1"}, event="Order Cancelled"))

        async def noted() -> bool:
            return bool(await store.events(disposition="cancelled_too_late"))

        await until(noted)


@pytest.mark.parametrize("policy", ["hold", "resend"])
async def test_killed_in_every_state(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(tmp_path, policy)
    async with AsyncExitStack() as stack:
        crowded = Crowded()
        stack.callback(crowded.close)
        urls = {BEFORE: f"http://127.0.0.1:{crowded.port}"}
        for name in STATES:
            urls[name] = (await stack.enter_async_context(Vendor(scene.vendors[name]))).url
        file = tmp_path / "plaudit.toml"
        file.write_text(text(urls, policy))
        server = await asyncio.to_thread(scene.serve, "--config", str(file))
        store = installation.open_store(scene.data)
        stack.push_async_callback(store.close)
        await scene.reach_every_state(store)
        await scene.take_back(store)
        before = await killed_while_the_ledger_is_locked(scene, store, server)

        for vendor in scene.vendors.values():
            vendor.good = True
            vendor.answer.set()
        await crowded.let_in(scene.vendors[BEFORE], stack)
        server = await asyncio.to_thread(scene.serve)
        stack.callback(server.kill)
        rows = await settled_after(scene, store, before)
        expected = after(policy)
        assert {name: row.state for name, row in rows.items()} == expected
        for name in ("out", "unrecorded", "cancelled", BEFORE):
            first = (await store.attempts(rows[name].id))[0]
            assert (first.outcome, first.reason) == ("uncertain", "interrupted")
        (paused,) = [d for d in (await store.configuration()).destinations if d.name == "blocked"]
        assert paused.paused_reason == "key_refused"
        assert rows["held"].due_at == before["held"].due_at
        await people_mend_it(scene, store, file)
        await as_promised(scene, store, policy)
    counts = Counter({f"killed while {name}": 1 for name in before})
    told(capsys, f"kill -9 in each state ({policy})", counts)


async def killed_while_the_ledger_is_locked(
    scene: Scene, store: Store, server: Forked
) -> dict[str, InvitationView]:
    """One more answer comes, and cannot be recorded; then the kill. The ledger, before and after it the same."""
    before = await scene.rows(store)
    lock = connect(scene.data / "store.db")
    lock.execute("BEGIN IMMEDIATE")
    scene.vendors["unrecorded"].answer.set()
    await asyncio.sleep(0.3)
    server.kill()
    lock.execute("ROLLBACK")
    assert lock.execute("PRAGMA integrity_check").get == "ok"
    lock.close()
    found = await scene.rows(store)
    assert {name: row.state for name, row in found.items()} == {name: r.state for name, r in before.items()}
    assert found["unrecorded"].state == "sending" and scene.vendors["unrecorded"].accepted["1"] == 1
    return found


def after(policy: str) -> dict[str, str]:
    """The states that follow by themselves."""
    unclear = "uncertain" if policy == "hold" else "accepted"
    same = {
        "held": "held",
        "blocked": "blocked",
        "behind": "queued",
        "refused": "refused",
        "done": "accepted",
    }
    return same | {
        "retrying": "accepted",
        "out": unclear,
        "unrecorded": unclear,
        BEFORE: unclear,
        "uncertain": unclear,
        "cancelled": "uncertain" if policy == "hold" else "cancelled",
    }


async def settled_after(
    scene: Scene, store: Store, before: dict[str, InvitationView]
) -> dict[str, InvitationView]:
    async def settled() -> dict[str, InvitationView] | None:
        rows = await scene.rows(store)
        assert {name: row.id for name, row in rows.items()} == {name: row.id for name, row in before.items()}
        waiting = {name for name, row in rows.items() if row.state in ("queued", "sending")}
        return rows if waiting == {"behind"} else None

    found: dict[str, InvitationView] = await until(settled, 30)
    return found


async def people_mend_it(scene: Scene, store: Store, file: Path) -> None:
    """Somebody looked everything up, and the key is mended."""
    now = SystemClock().now()

    async def decide(decided: Decided, destination: str, **state: Any) -> None:
        given = {"order_id": "1", "destination": destination, **state}
        found = await store.decide(decided, decision=1, after=0, limit=9, now=now, **given)
        assert found or scene.policy == "resend"

    for name in ("out", "unrecorded"):
        await decide(Decided.SENT, name)
    for name in (BEFORE, "cancelled", "uncertain"):
        await decide(Decided.NOT_SENT, name)
    await decide(Decided.RETRY, "refused")
    await decide(Decided.RETRY, "held", state="held")
    await installation.apply(store, parse(file.read_text(), destinations()), now)


async def as_promised(scene: Scene, store: Store, policy: str) -> None:
    async def done() -> Any:
        rows = await scene.rows(store)
        return rows if not {row.state for row in rows.values()} & {"queued", "sending", "held"} else None

    rows = await until(done, 30)
    states = {name: row.state for name, row in rows.items()}
    assert states == dict.fromkeys(states, "accepted") | {"cancelled": "cancelled"}
    again = 1 if policy == "hold" else 2  # the vendor had it, and was sent it once more
    assert scene.accepted() == dict.fromkeys(scene.vendors, 1) | {"out": again, "unrecorded": again}
