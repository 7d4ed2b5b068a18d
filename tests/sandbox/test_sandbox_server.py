"""The server: ports, stops, and connections that really break."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from plaudit.errors import PlauditError, UsageError
from plaudit.sandbox.server import Server, serve

from .client import raw


async def test_it_listens_on_a_free_port_and_stops() -> None:
    before = signal.getsignal(signal.SIGINT)
    server = Server(port=0)
    port = await server.start()
    assert signal.getsignal(signal.SIGINT) is before
    assert server.url == f"http://127.0.0.1:{port}"
    assert (await raw(port)).startswith(b"HTTP/1.1 201 ")
    await server.stop()
    await server.stop()
    with pytest.raises(ConnectionRefusedError):
        await raw(port)


async def test_a_taken_port_is_told_in_one_line() -> None:
    async with Server(port=0) as first:
        with pytest.raises(PlauditError, match=r"the port is in use; choose another with --port") as caught:
            await Server(port=first.port).start()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("127.0.0.1", -1)])
async def test_no_port(host: str, port: int) -> None:
    with pytest.raises(UsageError, match="is no port"):
        await Server(host, port).start()


async def test_no_host() -> None:
    with pytest.raises(PlauditError, match="cannot listen on"):
        await Server("no-such-host.invalid", 0).start()


def test_wrong_faults_are_told_at_once() -> None:
    with pytest.raises(UsageError, match="there is no fault"):
        Server(faults=["slowly"])


async def test_reset_breaks_the_connection_and_leaves_no_record() -> None:
    async with Server(port=0, faults=["resetx1"]) as server:
        with pytest.raises(ConnectionResetError):
            await raw(server.port)
        assert list(server.app.recorder.newest()) == []
        assert (await raw(server.port)).startswith(b"HTTP/1.1 201 ")
        assert server.app.recorder.stats().by_status == {"201": 1, "reset": 1}


async def test_reset_after_records_and_gives_no_answer() -> None:
    async with Server(port=0, faults=["reset-afterx1"]) as server:
        with pytest.raises(ConnectionResetError):
            await raw(server.port)
        [record] = server.app.recorder.newest()
        assert (record.posts, record.accepted, record.answer) == (1, 1, "reset-after")
        assert (await raw(server.port)).startswith(b"HTTP/1.1 201 ")
        assert server.app.recorder.stats().twice == 1


async def test_the_blocked_codes_go_over_the_wire() -> None:
    async with Server(port=0, faults=["252=a.example"]) as server:
        answer = await raw(server.port)
    assert answer.startswith(b"HTTP/1.1 252 ") and answer.endswith(b'\r\n\r\n["a.example"]')


async def test_a_slow_request_counts_at_once_and_does_not_hold_up_a_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(port=0, faults=["slow=60"])
    port = await server.start()
    waiting = asyncio.create_task(raw(port))
    while not server.app.recorder.stats().accepted:  # noqa: ASYNC110 - the recorder has no event to wait on
        await asyncio.sleep(0.01)
    before = time.monotonic()
    await server.stop()
    assert time.monotonic() - before < 10
    with pytest.raises(ConnectionResetError):
        await _or_reset(waiting)
    assert not caplog.records


async def _or_reset(waiting: asyncio.Task[bytes]) -> None:
    if await waiting == b"":  # an end with no byte is as good as a reset
        raise ConnectionResetError


async def test_a_slow_answer_is_forgotten_when_the_client_leaves() -> None:
    async with Server(port=0, faults=["slow=60"]) as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(raw(server.port), 0.2)
        assert server.app.recorder.stats().accepted == 1


async def test_serve_ends_when_cancelled() -> None:
    task = asyncio.create_task(serve(port=0, faults=["429:0.5"], keys=["demokey12"]))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
