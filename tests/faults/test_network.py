"""Whatever a vendor's network does, the verdict is 'again' only if surely nothing was done, and no other lane waits.

All the broken vendors are destinations of one Plaudit at the same time, beside a good one.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conformance.rows import event, order
from deliver.test_lane import FastClock
from plaudit import installation
from plaudit.deliver.deliverer import Deliverer
from plaudit.deliver.failures import NotSentError
from plaudit.deliver.http import HttpTransport
from plaudit.destinations.base import Request
from plaudit.destinations.catalog import destinations
from plaudit.sandbox.afs.certificate import self_signed
from plaudit.store.base import Configuration, Store, Wanted
from support import free_port, until

from . import told, vendors
from .vendors import CREATED, Behaviour, Vendor, at_once, drips, endless, good, says

TIMEOUT = 2.0
ORDERS = 3
GOOD = "a_good_vendor"
HEAD = b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n"
AGAIN, UNCLEAR, TAKEN, EITHER = {"retry"}, {"uncertain"}, {"accepted"}, {"accepted", "uncertain"}


class Case(NamedTuple):
    behaviour: Behaviour
    outcomes: set[str]
    scheme: str = "http"
    tls: bool = False
    does: bool = True  # a whole request that was read could have been carried out


CASES = {
    "a good vendor": Case(good, TAKEN),
    "reset at once": Case(vendors.resets_at_once, UNCLEAR),
    "closed at once": Case(vendors.hangs_up_at_once, UNCLEAR),
    "reset inside the request": Case(vendors.resets_in_the_request, UNCLEAR),
    "closed before the answer": Case(says(), UNCLEAR),
    "reset before the answer": Case(says(reset=True), UNCLEAR),
    "reset inside the status line": Case(says(b"HTTP/1.1 20", reset=True), UNCLEAR),
    "reset inside a header": Case(says(b"HTTP/1.1 201 Created\r\nContent-Le", reset=True), UNCLEAR),
    "reset after a header": Case(says(b"HTTP/1.1 201 Created\r\nA: b\r\n", reset=True), UNCLEAR),
    "reset inside the body": Case(says(HEAD, b"short", reset=True), EITHER),
    "reset after the answer": Case(says(CREATED, reset=True), EITHER),
    "an answer in drops": Case(drips(CREATED, 0.2), UNCLEAR),
    "a body in drops": Case(says(HEAD, *[b"x"] * 50, pause=0.2), TAKEN),
    "endless headers": Case(endless(b"HTTP/1.1 201 Created\r\n", b"X-More: and more\r\n" * 200), UNCLEAR),
    "an endless header": Case(endless(b"HTTP/1.1 201 Created\r\nX-More: ", b"x" * 4096), UNCLEAR),
    "an endless status": Case(endless(b"HTTP/1.1 201 ", b"x" * 4096), UNCLEAR),
    "endless '100 Continue'": Case(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 20), UNCLEAR),
    "an endless body": Case(endless(b"HTTP/1.1 201 Created\r\n\r\n", b"x" * 65536), TAKEN),
    "an endless body of chunks": Case(
        endless(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n" * 100), TAKEN
    ),
    "an endless error": Case(endless(b"HTTP/1.1 500 Oh\r\n\r\n", b"x" * 65536), AGAIN, does=False),
    "garbage": Case(says(bytes(range(256)) * 4), UNCLEAR),
    "HTTP/0.9": Case(says(b"<html>welcome</html>"), UNCLEAR),
    "a status that is none": Case(says(b"HTTP/1.1 what? No\r\n\r\n"), UNCLEAR),
    "a body cut short": Case(says(HEAD, b"short"), TAKEN),
    "a body too long": Case(says(CREATED + b"x" * 500), TAKEN),
    "a length below nothing": Case(says(b"HTTP/1.1 201 Created\r\nContent-Length: -5\r\n\r\n"), UNCLEAR),
    "two lengths": Case(
        says(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"), UNCLEAR
    ),
    "a chunk that is none": Case(
        says(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), EITHER
    ),
    "another protocol": Case(
        says(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), UNCLEAR
    ),
    "a tar pit": Case(vendors.never_reads, UNCLEAR),
    "silence": Case(vendors.never_answers, UNCLEAR),
    "half closed": Case(vendors.half_closes, UNCLEAR),
    "half closed after the answer": Case(vendors.half_closes_after_the_answer, TAKEN),
    "an answer before the request": Case(
        vendors.answers_before_the_request, {"retry", "uncertain"}, does=False
    ),
    "TLS where none is expected": Case(good, UNCLEAR, tls=True),
    "no TLS where it is expected": Case(at_once(b"HTTP/1.1 400 Bad Request\r\n\r\n"), AGAIN, "https"),
    "a certificate that nobody knows": Case(good, AGAIN, "https", tls=True),
    "reset instead of a handshake": Case(vendors.resets_at_once, AGAIN, "https"),
    "garbage instead of a handshake": Case(at_once(bytes(range(256))), AGAIN, "https"),
    # Which of two equal time-outs comes first is chance: one proves that nothing left, the other does not.
    "a handshake in a tar pit": Case(vendors.never_reads, {"retry", "uncertain"}, "https"),
}


def wanted(urls: dict[str, str]) -> Wanted:
    """A destination for each URL."""
    own = {name: {"api_key": "key", "base_url": url, "allow_private": True} for name, url in urls.items()}
    return Wanted(
        {"shop": "k" * 32}, {name: ("trustpilot", settings, ["shop"]) for name, settings in own.items()}
    )


async def test_every_broken_vendor_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context, _ = self_signed("127.0.0.1")
    async with AsyncExitStack() as stack:
        servers = {
            key(name): await stack.enter_async_context(
                Vendor(case.behaviour, tls=context if case.tls else None)
            )
            for name, case in CASES.items()
        }
        urls = {key(name): f"{case.scheme}{servers[key(name)].url[4:]}" for name, case in CASES.items()}
        urls |= {"nobody_there": f"http://127.0.0.1:{free_port()}", "no_such_name": "http://vendor.invalid"}
        store = installation.open_store(tmp_path, create=True)
        stack.push_async_callback(store.close)
        found = await store.apply(wanted(urls), 500)
        lanes = Deliverer(store, FastClock(10), "me", destinations(), alone=True, transport=impatient)
        stack.push_async_callback(lanes.stop)

        await to_all(store, found, *range(ORDERS))
        started = time.monotonic()
        await lanes.configure(found)
        await until(lambda: done(store, GOOD))
        neighbour = time.monotonic() - started
        for name in urls:
            await until(lambda name=name: done(store, name))  # type: ignore[misc]
        took = time.monotonic() - started
        tried = await as_expected(store, servers)
        assert neighbour < 1 + took / 2, "a good vendor had to wait for the others"

        # All of them are mended: each lane goes on, with what it may still send and with what is new.
        for server in servers.values():
            server.behaviour = good
        await to_all(store, found, 99)
        await lanes.configure(await store.configuration())
        reached = {key(name) for name, case in CASES.items() if case.scheme == "http" and not case.tls}

        async def all_go_on() -> bool:
            rows = await store.invitations(order_id="99", state="accepted")
            return {row.destination for row in rows} >= reached

        await until(all_go_on, 40)
        tried["requests that a vendor read as a whole"] = sum(server.requests for server in servers.values())
    told(capsys, f"{len(urls) - 1} broken vendors ({took:.1f} s, the good one {neighbour:.1f} s)", tried)


def key(name: str) -> str:
    """A case as a destination's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def impatient(*_: object) -> Any:
    return HttpTransport(allow_private=True, timeout=TIMEOUT)


async def to_all(store: Store, found: Configuration, *numbers: int) -> None:
    """These orders, each to every destination."""
    before = await store.cursor(0)
    ids = [row.id for row in found.destinations]
    rows = [
        event(before + 1, n, orders=dict.fromkeys(ids, order(number))) for n, number in enumerate(numbers)
    ]
    await store.commit(0, before, before + 1, rows, now=1000)


async def done(store: Store, name: str) -> bool:
    """Whether each order has been tried there."""
    rows = await store.invitations(destination=name)
    return all(row.attempts and row.state != "sending" for row in rows)


async def as_expected(store: Store, servers: dict[str, Vendor]) -> Counter[str]:
    """Every attempt's outcome is one that the vendor's behaviour allows; how many there were of each."""
    tried: Counter[str] = Counter()
    cases = {key(name): case for name, case in CASES.items()}
    for row in await store.invitations():
        case = cases.get(row.destination)
        history = await store.attempts(row.id)
        outcomes = Counter(each.outcome for each in history)
        expected = case.outcomes if case else AGAIN
        assert outcomes.keys() <= expected, (row.destination, [(a.outcome, a.message) for a in history])
        assert row.state in ("accepted", "uncertain", "queued") and row.message is not None
        if case and case.does and "retry" in outcomes:
            assert not servers[row.destination].requests, f"again, though {row.destination} has it"
        tried.update(outcomes)
    return tried


async def test_a_name_that_leads_elsewhere_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor moves: the old address is dead, then the name leads to the new one."""
    leads_to = ["127.0.0.1"]

    async def getaddrinfo(_: object, port: int, **__: object) -> list[object]:
        return [(2, 1, 6, "", (address, port)) for address in leads_to]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    transport = HttpTransport(allow_private=True, timeout=2)
    async with Vendor(good) as old:
        post = Request(
            method="POST",
            url=f"http://vendor.example.com:{old.port}/x",
            shown="",
            headers={"connection": "close"},
            body=b"{}",
        )
        assert (await transport.send(post)).status == 201
        port = old.port
    leads_to[:] = []
    with pytest.raises(NotSentError, match="cannot connect"):
        await transport.send(post)
    with pytest.raises(NotSentError, match="no address"):
        await transport.send(post)
    leads_to[:] = ["127.0.0.2"]
    async with Vendor(good, host="127.0.0.2", port=port) as new:
        assert (await transport.send(post)).status == 201 and new.requests == 1
    await transport.close()
