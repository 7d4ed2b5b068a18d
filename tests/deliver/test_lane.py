"""Lanes with the real store, real HTTP and the sandbox's faults; the clock is the test's where time matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.rows import event, order
from conftest import Line
from plaudit import installation
from plaudit.clock import SystemClock
from plaudit.config import parse
from plaudit.deliver.deliverer import Deliverer
from plaudit.deliver.failures import NotSentError
from plaudit.deliver.sender import Sender
from plaudit.destinations.base import Answer, Destination, Flow, Mail, Outcome, Request, Verdict, What
from plaudit.destinations.catalog import destinations
from plaudit.destinations.settings import Settings
from plaudit.sandbox.faults import parse as fault
from plaudit.sandbox.server import Server
from plaudit.store.base import Claimed, Store
from support import WRITE_KEY, config, free_port, http, track, until


class FastClock(SystemClock):
    """Real time a thousand times as fast: a wait of 4 hours takes 15 seconds."""

    def __init__(self, speed: float = 1000.0) -> None:
        self._start = super().now()
        self._speed = speed

    def now(self) -> int:
        return round(self._start + (super().now() - self._start) * self._speed)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = installation.open_store(tmp_path, create=True)
    yield store
    await store.close()


async def apply(store: Store, base_url: str, settings: str = "") -> Any:
    return await installation.apply(store, parse(config(base_url, settings), destinations()), 500)


async def queue(store: Store, *numbers: int) -> None:
    before = await store.cursor(0)
    batch = [event(before + 1, n, orders={1: order(number)}) for n, number in enumerate(numbers)]
    await store.commit(0, before, before + 1, batch, now=1000)


async def settled(store: Store) -> dict[str, str]:
    """State by order, once nothing is queued or being sent."""

    async def states() -> dict[str, str] | None:
        found = {i.order_id: i.state for i in await store.invitations()}
        return None if {"queued", "sending"} & set(found.values()) else found

    found: dict[str, str] = await until(states)
    return found


def deliverer(store: Store, clock: SystemClock | None = None) -> Deliverer:
    return Deliverer(store, clock or SystemClock(), "me", destinations(), alone=True)


@pytest.mark.parametrize(
    ("spelled", "attempts"),
    [("429x2=0", 3), ("503x3", 4), ("500x1", 2), ("202-first", 1), ("slowx1=0.05", 1)],
)
async def test_what_passes_is_tried_again_until_accepted(
    store: Store, sandbox: Server, spelled: str, attempts: int
) -> None:
    sandbox.app.faults.replace([fault(spelled)])
    await queue(store, 1)
    lanes = deliverer(store, FastClock())
    await lanes.configure(await apply(store, sandbox.url))
    assert await settled(store) == {"1": "accepted"}
    await lanes.stop()
    (invitation,) = await store.invitations()
    assert [a.outcome for a in await store.attempts(invitation.id)] == ["retry"] * (attempts - 1) + [
        "accepted"
    ]
    assert sandbox.app.recorder.stats().twice == 0


def with_channel(**changed: Any) -> dict[str, Destination]:
    """The destination, changed where a test needs it."""
    kind = destinations()["trustpilot"]
    first = msgspec.structs.replace(kind.channels[0], **changed)
    return {"trustpilot": msgspec.structs.replace(kind, channels=(first,))}


async def test_when_it_fails_for_four_hours_it_has_failed(store: Store) -> None:
    await queue(store, 1)
    lanes = Deliverer(store, FastClock(20_000), "me", with_channel(check=None), alone=True)
    await lanes.configure(await apply(store, "http://127.0.0.1:9"))
    assert await settled(store) == {"1": "failed"}
    await lanes.stop()
    (invitation,) = await store.invitations()
    assert invitation.reason == "no_connection" and "gave up after" in (invitation.message or "")


async def test_a_destination_that_is_gone_for_days_costs_no_order(store: Store) -> None:
    await queue(store, *range(1, 41))
    lanes = deliverer(store, FastClock(20_000))
    port = free_port()
    await lanes.configure(await apply(store, f"http://127.0.0.1:{port}"))

    async def unreachable() -> bool:
        (row,) = (await store.configuration()).destinations
        return row.paused_reason == "unreachable"

    await until(unreachable)
    found = await store.invitations()
    assert {i.state for i in found} == {"queued"} and sum(i.attempts == 0 for i in found) > 20
    async with Server(port=port) as sandbox:
        assert set((await settled(store)).values()) == {"accepted"}
        assert sandbox.app.recorder.stats().twice == 0
    await lanes.stop()
    assert (await store.configuration()).destinations[0].paused_at is None


@pytest.mark.parametrize(
    ("spelled", "state", "reason"),
    [
        ("400", "refused", "refused"),
        ("reset-after", "uncertain", "connection_lost"),
        ("reset", "uncertain", "connection_lost"),
    ],
)
async def test_what_does_not_pass_ends_with_its_reason(
    store: Store, sandbox: Server, spelled: str, state: str, reason: str
) -> None:
    sandbox.app.faults.replace([fault(spelled)])
    await queue(store, 1)
    lanes = deliverer(store)
    await lanes.configure(await apply(store, sandbox.url))
    assert await settled(store) == {"1": state}
    await lanes.stop()
    (invitation,) = await store.invitations()
    assert (invitation.reason, invitation.attempts) == (reason, 1)


async def test_uncertain_is_sent_again_where_settings_say_so(store: Store, sandbox: Server) -> None:
    sandbox.app.faults.replace([fault("resetx1")])
    await queue(store, 1)
    lanes = deliverer(store, FastClock())
    await lanes.configure(await apply(store, sandbox.url, 'uncertain = "resend"'))
    assert await settled(store) == {"1": "accepted"}
    await lanes.stop()


@pytest.mark.parametrize("spelled", ["251=shop.example.com", "401"])
async def test_a_blocked_destination_pauses_and_the_rest_waits_until_it_is_applied_again(
    store: Store, sandbox: Server, spelled: str
) -> None:
    sandbox.app.faults.replace([fault(spelled)])
    await queue(store, *range(300))
    lanes = deliverer(store)
    await lanes.configure(await apply(store, sandbox.url))

    async def paused() -> Any:
        row = (await store.configuration()).destinations[0]
        return row.paused_message if "sending" not in (await store.states())["trustpilot"] else None

    message = await until(paused)
    assert "shop.example.com" in message or "API Key" in message
    states = (await store.states())["trustpilot"]
    assert set(states) == {"blocked", "queued"} and states["blocked"] <= 64
    sandbox.app.faults.replace([])
    await lanes.configure(await apply(store, sandbox.url))
    assert set((await settled(store)).values()) == {"accepted"}
    await lanes.stop()
    assert sandbox.app.recorder.stats().twice == 0


async def test_a_private_address_blocks_with_words_that_help(store: Store) -> None:
    await queue(store, 1)
    lanes = deliverer(store)
    text = config("http://127.0.0.1:9").replace("allow_private = true", "")
    await lanes.configure(await installation.apply(store, parse(text, destinations()), 500))
    assert await settled(store) == {"1": "blocked"}
    await lanes.stop()
    assert "allow_private = true" in str((await store.invitations())[0].message)


async def test_a_clean_stop_finishes_what_is_in_flight_and_leaves_the_rest_queued(
    store: Store, sandbox: Server
) -> None:
    sandbox.app.faults.replace([fault("slow=0.2")])
    await queue(store, *range(200))
    lanes = deliverer(store)
    await lanes.configure(await apply(store, sandbox.url))
    await until(lambda: sandbox.app.recorder.stats().requests)
    await lanes.stop()
    states = (await store.states())["trustpilot"]
    assert set(states) == {"accepted", "queued"}
    assert sandbox.app.recorder.stats().accepted == states["accepted"]


class Away:
    """A vendor that is away, and whose answer to a check takes for ever."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def send(self, wish: Request | Mail) -> Answer:
        if isinstance(wish, Request) and wish.method == "GET":
            self.asked.set()
            await asyncio.Event().wait()
        raise NotSentError("no_connection", "nobody is there")

    async def close(self) -> None: ...


def asking(_: Settings) -> Flow:
    yield Request(method="GET", url="https://vendor.example/", shown="", headers={}, body=b"")
    return Verdict(Outcome.ACCEPTED)


async def test_a_lane_that_stops_does_not_wait_for_a_probe(store: Store) -> None:
    await queue(store, *range(30))
    vendor = Away()
    lanes = Deliverer(
        store, FastClock(), "me", with_channel(check=asking), alone=True, transport=lambda *_: vendor
    )
    await lanes.configure(await apply(store, "http://127.0.0.1:9"))
    async with asyncio.timeout(20):
        await vendor.asked.wait()
    async with asyncio.timeout(2):
        await lanes.stop()
    states = (await store.states())["trustpilot"]
    assert states == {"queued": 30}


class Broken:
    """A store with a fault that nobody foresaw, for a while."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self.left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def turn(self, *given: Any) -> Any:
        if self.left:
            self.left -= 1
            raise ZeroDivisionError
        return await self._store.turn(*given)


async def test_a_fault_that_nobody_foresaw_is_told_and_ends_no_lane(store: Store, sandbox: Server) -> None:
    await queue(store, 1)
    lanes = deliverer(Broken(store, 2))
    await lanes.configure(await apply(store, sandbox.url))
    (fault,) = await until(lanes.faults)
    assert "the step 'deliver trustpilot' fails, and tries again: ZeroDivisionError" in fault
    assert await settled(store) == {"1": "accepted"}
    assert await until(lambda: not lanes.faults())
    await lanes.stop()


def endless(_: Any, __: Settings) -> Any:
    yield from ()


async def test_a_flow_that_comes_to_no_verdict_leaves_nothing_in_the_air(
    store: Store, sandbox: Server
) -> None:
    await queue(store, *range(3))
    lanes = Deliverer(store, SystemClock(), "me", with_channel(flow=endless), alone=True)
    await lanes.configure(await apply(store, sandbox.url))
    assert set((await settled(store)).values()) == {"uncertain"}
    await lanes.stop()
    assert "it returned NoneType in place of a verdict" in str((await store.invitations())[0].message)


@pytest.mark.parametrize("found", [None, [], [Verdict(Outcome.ACCEPTED)] * 3, [None, None]])
async def test_a_page_that_comes_to_no_verdicts_is_uncertain(found: Any) -> None:
    def page(_: Any, __: Settings) -> Any:
        yield from ()
        return found

    kind = with_channel(page=page)["trustpilot"]
    sender = Sender(kind, {"api_key": "k"}, Away(), SystemClock())
    claimed = [Claimed(n, What.INVITATION, order(n), 1, 0, 0) for n in (1, 2)]
    sent = await sender.send(claimed)
    assert [(v.outcome, v.reason) for v in sent.verdicts] == [(Outcome.UNCERTAIN, "internal")] * 2


async def test_a_key_that_the_vendor_quotes_is_told_to_nobody() -> None:
    def quoting(_: Any, its: Settings) -> Any:
        yield from ()
        return Verdict(Outcome.BLOCKED, "key_refused", f"no such key: {its['api_key']}")

    kind = with_channel(flow=quoting)["trustpilot"]
    sender = Sender(kind, {"api_key": "theSecretKey"}, Away(), SystemClock())
    (verdict,) = (await sender.send([Claimed(1, What.INVITATION, order(1), 1, 0, 0)])).verdicts
    assert verdict.message == "no such key: •••"


async def test_new_settings_reach_what_is_queued(store: Store, sandbox: Server) -> None:
    lanes = deliverer(store, FastClock())
    await queue(store, 1)
    await lanes.configure(await apply(store, "http://127.0.0.1:9"))
    await until(lambda: asyncio.sleep(0.2, True))
    await lanes.configure(await apply(store, sandbox.url))
    assert await settled(store) == {"1": "accepted"}
    await lanes.stop()


async def test_a_destination_that_is_taken_out_sends_no_more(line: Line) -> None:
    await installation.apply(
        line.plaudit.store, parse("[sources.shop]\nwrite_key='testWriteKey'", destinations()), 500
    )

    async def gone() -> bool:
        await asyncio.to_thread(http, line.plaudit.url + "/v1/track", track(), key=WRITE_KEY)
        return any(e.disposition == "no_destination" for e in await line.plaudit.store.events())

    await until(gone)
