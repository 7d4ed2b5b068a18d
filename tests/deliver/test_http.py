"""What a failed connection means, with real sockets: 'not sent' only where nothing can have left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from plaudit.deliver import address
from plaudit.deliver.address import ForbiddenAddressError, is_public
from plaudit.deliver.failures import NoAnswerError, NotSentError
from plaudit.deliver.http import ANSWER_BYTES, HttpTransport
from plaudit.destinations.base import Answer, Fault, Request
from support import free_port

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def vendor(handle: Handler, port: int = 0) -> AsyncIterator[str]:
    """A server that does as told with each connection."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def saying(answer: bytes) -> Handler:
    """Reads the request, answers it so, and hangs up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(answer)
        await writer.drain()

    return handle


async def send(url: str, **how: float) -> Answer:
    transport = HttpTransport(allow_private=True, **how)
    try:
        return await transport.send(
            Request(method="POST", url=url + "/x", shown="", headers={"a": "b"}, body=b"{}")
        )
    finally:
        await transport.close()


async def test_an_answer_comes_back_with_what_matters_of_it() -> None:
    async with vendor(saying(b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nhi")) as url:
        assert await send(url) == Answer(429, {"retry-after": "3"}, b"hi")


async def test_nobody_listening_means_not_sent() -> None:
    with pytest.raises(NotSentError, match="cannot connect") as caught:
        await send(f"http://127.0.0.1:{free_port()}")
    assert (caught.value.reason, caught.value.fault) == ("no_connection", Fault.VENDOR)


async def test_a_name_that_does_not_resolve_means_not_sent() -> None:
    with pytest.raises(NotSentError, match=r"cannot resolve nobody\.invalid") as caught:
        await send("http://nobody.invalid")
    assert (caught.value.reason, caught.value.fault) == ("dns", Fault.OURS)


async def test_a_failed_tls_handshake_means_not_sent() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    async with vendor(hang_up) as url:
        with pytest.raises(NotSentError):
            await send(url.replace("http:", "https:"))


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 20", b"HTTP/1.1 201 Created\r\nContent-Length: 5"])
async def test_a_connection_that_breaks_later_means_no_answer(said: bytes) -> None:
    async with vendor(saying(said)) as url:
        with pytest.raises(NoAnswerError) as caught:
            await send(url)
    assert caught.value.reason == "connection_lost"


async def test_silence_means_no_answer() -> None:
    async def be_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with vendor(be_silent) as url:
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.2 s") as caught:
            await send(url, timeout=0.2)
    assert caught.value.reason == "no_answer"


async def test_an_answer_whose_body_breaks_off_is_still_an_answer() -> None:
    async with vendor(saying(b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\nshort")) as url:
        assert (await send(url)).status == 201


async def test_an_answer_that_trickles_is_cut_off_in_time() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with vendor(trickle) as url:
        answer = await asyncio.wait_for(send(url, timeout=0.3), 5)
    assert answer == Answer(201)  # the status is known: the body can add nothing to it


async def test_an_endless_answer_is_read_so_far_and_no_further() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 500 Oh\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with vendor(flood) as url:
        answer = await asyncio.wait_for(send(url), 5)
    assert answer.status == 500 and len(answer.body) <= ANSWER_BYTES


async def test_redirects_are_not_followed() -> None:
    async with vendor(
        saying(b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    ) as url:
        assert (await send(url)).status == 302


async def test_connections_are_kept() -> None:
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await reader.readuntil(b"{}")
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()

    async with vendor(answer) as url:
        transport = HttpTransport(allow_private=True)
        request = Request(method="POST", url=url, shown="", headers={}, body=b"{}")
        for _ in range(20):
            assert (await transport.send(request)).status == 201
        await transport.close()
    assert connections == 1


async def test_each_host_has_its_own_connections_and_one_that_is_away_harms_no_other() -> None:
    kept = saying(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
    async with vendor(kept) as here, vendor(kept) as there:
        transport = HttpTransport(allow_private=True)
        away = f"http://127.0.0.1:{free_port()}"
        for url in (here, away, there, f"{here}/a/path?and=more"):
            request = Request(method="POST", url=url, shown="", headers={}, body=b"{}")
            if url == away:
                with pytest.raises(NotSentError):
                    await transport.send(request)
            else:
                assert (await transport.send(request)).status == 201
        await transport.close()


async def test_it_connects_again_to_a_host_that_came_back() -> None:
    port = free_port()
    transport = HttpTransport(allow_private=True)
    request = Request(method="POST", url=f"http://127.0.0.1:{port}/x", shown="", headers={}, body=b"{}")
    with pytest.raises(NotSentError):
        await transport.send(request)
    async with vendor(saying(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"), port):
        assert (await transport.send(request)).status == 201
        await transport.close()


@pytest.mark.parametrize("silent", [True, False])
async def test_a_name_server_that_is_away_or_wrong_means_not_sent(
    monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> list[object]:
        if silent:
            await asyncio.sleep(60)
        return []

    monkeypatch.setattr(address, "PATIENCE", 0.05)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(NotSentError, match="silent" if silent else "no address"):
        await send("http://shop.example.com")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9",
        "http://localhost:9",
        "http://169.254.169.254",
        "http://[::1]:9",
        "http://0.0.0.0:9",
    ],
)
async def test_private_addresses_are_refused_unless_allowed(url: str) -> None:
    transport = HttpTransport(allow_private=False)
    with pytest.raises(ForbiddenAddressError, match="allow_private"):
        await transport.send(Request(method="POST", url=url, shown="", headers={}, body=b"{}"))


@pytest.mark.parametrize(
    ("written", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True),
        ("127.0.0.1", False), ("127.8.8.8", False), ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fc00::1", False), ("ff02::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
    ],
)  # fmt: skip
def test_which_addresses_anybody_could_have(written: str, public: bool) -> None:
    assert is_public(written) is public
