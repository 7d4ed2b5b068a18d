"""Any path, headers, encoding and pace: an answer that an SDK can live with, and a server that stays well."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plaudit import serving
from plaudit.clock import SystemClock
from plaudit.collect.app import Collect
from plaudit.collect.inlets import Inlets
from plaudit.collect.sources import Sources
from plaudit.log.sqlite import SqliteLog
from plaudit.spec.calls import TYPES

from . import bounded
from .events import almost_right
from .junk import Token, render, texts, values
from .served import GOOD, Served, fresh_order, judge
from .wire import Connection, abandon, chunked, cut, exchange, whole

ROUTES = [
    "/v1/track",
    "/v1/t",
    "/v1/batch",
    "/v1/m",
    "/v1/projects/testWriteKey/settings",
    "/v1/projects/settings",
]
ELSEWHERE = ["/", "/healthz", "/readyz", "/metrics", "/v1", "/v1/", "/v1//track", "/v1/track/", "/x"]
LONGEST_QUERY = 20_000  # far beyond what any mail client sends, and below what a server takes
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

cuts = st.lists(st.integers(0, 10**6), max_size=6)
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(lambda name: f"x-{name}")
visible = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=40)
headers = st.lists(
    st.one_of(
        st.tuples(names, visible),
        st.tuples(st.just("authorization"), visible),
        st.tuples(
            st.just("authorization"), st.binary(max_size=30).map(lambda b: f"Basic {b64encode(b).decode()}")
        ),
        st.tuples(
            st.just("content-encoding"), st.sampled_from(["gzip", "GZIP", "x-gzip", "identity", "br", ""])
        ),
        st.tuples(
            st.just("content-type"), st.sampled_from(["text/plain", "application/json; charset=utf-16", ""])
        ),
        st.tuples(st.sampled_from(["x-forwarded-host", "x-forwarded-proto", "origin", "cookie"]), visible),
        st.sampled_from([("connection", "close"), ("expect", "100-continue"), ("upgrade", "h2c")]),
    ),
    max_size=4,
)


def an_order() -> tuple[str, bytes]:
    """A fresh order, and the event that completes it."""
    order = fresh_order()
    properties = {"order_id": order, "email": "ada@example.com", "name": "Zoë 😀"}
    event = {"type": "track", "event": "Order Completed", "userId": "u", "properties": properties}
    return order, json.dumps(event, ensure_ascii=False).encode()


def invited(served: Served, order: str) -> bool:
    served.processed()
    return served.state(order) == "accepted"


@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from([*ROUTES, *ELSEWHERE]),
    extra=texts,
    given_headers=headers,
)
@bounded(250)
def test_any_path_and_headers(
    served: Served, method: str, path: str, extra: str, given_headers: list[tuple[str, str]]
) -> None:
    target = path + quote(extra.encode(errors="surrogatepass"), safe="/?&=%")
    _, body = an_order()
    answer = exchange(served.port, whole(method, target, given_headers, body), method=method)
    judge(answer, method=method)
    served.processed()


@given(event=almost_right() | st.binary(max_size=60).map(Token), kind=st.sampled_from(sorted(TYPES)))
@bounded(120)
def test_any_pixel_is_a_picture(served: Served, event: object, kind: str) -> None:
    query = urlencode({"data": b64encode(render(event)[:LONGEST_QUERY])})
    answer = judge(exchange(served.port, whole("GET", f"/v1/pixel/{kind}?{query}", [], b""), method="GET"))
    assert (answer.status, answer.body[:4]) == (200, b"GIF8")
    served.processed()


@given(data=texts, kind=st.sampled_from(sorted(TYPES)))
@bounded(60)
def test_any_text_for_a_pixel_is_a_picture(served: Served, data: str, kind: str) -> None:
    query = urlencode({"data": data.encode(errors="surrogatepass")})
    answer = judge(exchange(served.port, whole("GET", f"/v1/pixel/{kind}?{query}", [], b""), method="GET"))
    assert (answer.status, answer.body[:4]) == (200, b"GIF8")
    served.processed()


@given(pairs=st.lists(st.tuples(texts.map(lambda t: t.replace(" ", ".")), texts), max_size=6))
@example(pairs=[("a", "1"), ("a.b", "2"), ("a.b.c", "3"), ("." * 60, "4"), ("", "5")])
@bounded(80)
def test_any_dotted_pixel_is_a_picture(served: Served, pairs: list[tuple[str, str]]) -> None:
    query = urlencode([("writeKey", "testWriteKey"), *pairs], errors="surrogatepass")
    answer = judge(exchange(served.port, whole("GET", f"/v1/pixel/track?{query}", [], b""), method="GET"))
    assert (answer.status, answer.body[:4]) == (200, b"GIF8")
    served.processed()


@given(places=cuts, pieces=cuts, in_chunks=st.booleans(), slow=st.booleans())
@bounded(100)
def test_an_order_arrives_in_any_pieces(
    served: Served, places: list[int], pieces: list[int], in_chunks: bool, slow: bool
) -> None:
    order, body = an_order()
    request = (
        chunked("POST", "/v1/track", GOOD, body, places)
        if in_chunks
        else whole("POST", "/v1/track", GOOD, body)
    )
    answer = exchange(served.port, cut(b"".join(request), pieces), pause=0.005 if slow else 0)
    assert judge(answer).status == 200
    assert invited(served, order)


@given(
    content=values | st.binary(max_size=200).map(Token),
    places=cuts,
    path=st.sampled_from(["/v1/track", "/v1/batch"]),
)
@bounded(100)
def test_any_body_in_chunks(served: Served, content: object, places: list[int], path: str) -> None:
    judge(exchange(served.port, chunked("POST", path, GOOD, render(content), places)))
    served.processed()


@given(
    packed=st.binary(max_size=200),
    level=st.integers(0, 9),
    tail=st.binary(max_size=4),
    short=st.integers(0, 30),
)
@bounded(100)
def test_any_gzip(served: Served, packed: bytes, level: int, tail: bytes, short: int) -> None:
    """Garbage, garbage behind gzip, gzip cut short: refused, never in doubt; whole gzip is read."""
    order, body = an_order()
    good = gzip.compress(body, level)
    for content in (packed, good[: len(good) - short] + tail):
        answer = judge(
            exchange(served.port, whole("POST", "/v1/track", [*GOOD, ("content-encoding", "gzip")], content))
        )
    assert answer.status == (200 if content == good else 400) or tail
    assert invited(served, order) == (answer.status == 200)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("zeros", [10_000_000, 300_000_000])
def test_a_gzip_bomb_is_refused_at_once(served: Served, layers: int, zeros: int) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(zeros // 1_000_000)), packer.flush()])
    for _ in range(layers - 1):
        bomb = gzip.compress(bomb)
    started = time.monotonic()
    answer = judge(
        exchange(served.port, whole("POST", "/v1/batch", [*GOOD, ("content-encoding", "gzip")], bomb))
    )
    assert answer.status in (400, 413)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("megabytes", [1, 7, 20])
def test_a_body_beyond_all_limits_does_no_harm(served: Served, megabytes: int) -> None:
    answer = exchange(served.port, whole("POST", "/v1/batch", GOOD, bytes(megabytes * 1_000_000)))
    assert answer is None or judge(answer).status == 413
    assert answer is not None or megabytes > 8, "a client that sends all of it must learn why it is refused"
    served.well()


@pytest.mark.parametrize(
    "more",
    [
        [("expect", "100-continue")],
        [("connection", "close")],
        [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAEAAEAA")],
        [("Connection", "upgrade"), ("Upgrade", "websocket")],
        [("connection", "Upgrade"), ("UPGRADE", "TLS/1.0, h2c")],
    ],
)
def test_headers_of_well_meaning_clients(served: Served, more: list[tuple[str, str]]) -> None:
    """Curl expects to be told to go on, Java's client offers HTTP/2 with every plain request."""
    order, body = an_order()
    answer = exchange(served.port, whole("POST", "/v1/track", [*GOOD, *more], body))
    assert judge(answer).status == 200
    assert invited(served, order)


@given(st.binary(max_size=200))
@example(b"GET \xff HTTP/1.1\r\n\r\n")
@example(b"CONNECT a:1 HTTP/1.1\r\n\r\n")
@example(b"POST /v1/track HTTP/1.1\r\ncontent-length: -1\r\n\r\n")
@example(
    b"POST /v1/track HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
)
@example(b"POST /v1/track HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffffff\r\n")
@bounded(60)
def test_what_is_no_http_does_no_harm(served: Served, sent: bytes) -> None:
    answer = None
    with Connection(served.port, seconds=0.2) as connection, suppress(TimeoutError):  # it may wait for more
        answer = connection.exchange([sent, b"\r\n\r\n"], method="GET")
    assert answer is None or 400 <= answer.status < 500, answer
    served.well()


def test_headers_without_end_are_cut_off(served: Served) -> None:
    flood = (b"x-%d: %s\r\n" % (number, b"a" * 50_000) for number in range(1000))
    answer = exchange(served.port, [b"GET /healthz HTTP/1.1\r\n", *flood, b"\r\n"], method="GET")
    assert answer is None or 400 <= answer.status < 500, answer
    served.well()


def test_clients_that_leave_in_the_middle_do_no_harm(served: Served) -> None:
    _, body = an_order()
    request = whole("POST", "/v1/track", GOOD, body)[0]
    for end in range(1, len(request), 7):
        abandon(served.port, request[:end])
    abandon(served.port, b"".join(chunked("POST", "/v1/track", GOOD, body, [5])[:-1]))
    served.well()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1/tra",
        b"POST /v1/track HTTP/1.1\r\ncontent-length: 9\r\n\r\n",
        b"POST /v1/track HTTP/1.1\r\ncontent-length: 9\r\n\r\n{",
    ],
)
async def test_a_request_that_stops_arriving_is_not_waited_for(
    sent: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither when nothing of it comes at all, nor when it stops in its head or its body."""
    monkeypatch.setattr(serving, "ARRIVAL_SECONDS", 0.05)
    log = SqliteLog(tmp_path / "log.db")
    server = serving.HttpServer(Collect(log, Sources(), Inlets(), SystemClock()), "127.0.0.1", 0)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 408 ") and b'"code":"timeout"' in answer
    writer.close()
    await server.stop()
    await log.close()


def test_a_wrong_key_is_told(served: Served) -> None:
    for authorization in ("Basic", "Basic !", "Basic dGVzdA==", "Bearer x", "\xff", "Basic eDo="):
        answer = judge(
            exchange(served.port, whole("POST", "/v1/track", [("authorization", authorization)], b"{}"))
        )
        assert (answer.status, answer.json()["code"]) == (401, "unknown_source"), authorization
