"""The tracking API: every route, every way to authenticate, every refusal, as SDKs meet them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from conftest import Line
from plaudit.spec.wire import BATCH_BYTES, EVENT_BYTES
from support import WRITE_KEY, Reply, http, track, until


async def post(line: Line, path: str, body: Any, **how: Any) -> Reply:
    how.setdefault("key", WRITE_KEY)
    return await asyncio.to_thread(http, line.plaudit.url + path, body, **how)


async def events(line: Line, count: int) -> list[Any]:
    """The newest events, once there are `count`."""

    async def found() -> list[Any]:
        rows = await line.plaudit.store.events()
        return rows if len(rows) >= count else []

    rows: list[Any] = await until(found)
    return rows


CALLS: dict[str, dict[str, Any]] = {
    "track": {"event": "Viewed", "userId": "u"},
    "identify": {"userId": "u", "traits": {"email": "a@example.com"}},
    "page": {"anonymousId": "a", "name": "Home"},
    "screen": {"anonymousId": "a", "name": "Home"},
    "group": {"groupId": "g", "userId": "u"},
    "alias": {"userId": "u", "previousId": "p"},
}


@pytest.mark.parametrize("path", [*CALLS, *(name[0] for name in CALLS)])
async def test_each_call_has_its_path_and_its_letter(line: Line, path: str) -> None:
    kind = next(name for name in CALLS if name.startswith(path))
    reply = await post(line, f"/v1/{path}", CALLS[kind])
    assert (reply.status, reply.body) == (200, {"success": True})
    assert [e.type for e in await events(line, 1)] == [kind]


@pytest.mark.parametrize("path", ["batch", "import", "b"])
async def test_a_batch_carries_all_kinds(line: Line, path: str) -> None:
    batch = [{"type": kind, **call} for kind, call in CALLS.items()]
    assert (await post(line, f"/v1/{path}", {"batch": batch})).body == {"success": True}
    assert sorted(e.type for e in await events(line, 6)) == sorted(CALLS)


async def test_the_sdks_own_metrics_are_taken_without_a_key(line: Line) -> None:
    assert (await post(line, "/v1/m", {"series": []}, key=None)).status == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"authorization": "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()}, {}),
        ({"authorization": "basic " + base64.b64encode(WRITE_KEY.encode()).decode()}, {}),
        ({}, {"writeKey": WRITE_KEY}),
        ({"authorization": "Bearer some-token"}, {"writeKey": WRITE_KEY}),
    ],
)
async def test_the_write_key_may_come_by_basic_by_body_or_beside_a_bearer(
    line: Line, headers: dict[str, str], body: dict[str, Any]
) -> None:
    assert (await post(line, "/v1/track", {**track(), **body}, key=None, headers=headers)).status == 200
    batch = {"batch": [track()], **body}
    assert (await post(line, "/v1/batch", batch, key=None, headers=headers)).status == 200


@pytest.mark.parametrize("key", [None, "wrong"])
async def test_a_key_that_is_missing_or_unknown_is_refused(line: Line, key: str | None) -> None:
    for path, body in (("/v1/track", track()), ("/v1/batch", {"batch": [track()]})):
        reply = await post(line, path, body, key=key)
        assert (reply.status, reply.body["code"]) == (401, "unknown_source")
        assert "write key" in reply.body["message"]


async def test_text_plain_and_gzip_are_read(line: Line) -> None:
    plain = {"content-type": "text/plain"}
    assert (await post(line, "/v1/t", track(), headers=plain)).status == 200
    packed = gzip.compress(json.dumps({"batch": [track()]}).encode())
    assert (await post(line, "/v1/batch", packed, headers={"content-encoding": "gzip"})).status == 200
    twice = gzip.compress(b'{"batch":[') + gzip.compress(json.dumps(track()).encode() + b"]}")
    assert (await post(line, "/v1/batch", twice, headers={"content-encoding": "gzip"})).status == 200


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (gzip.compress(b"0" * (BATCH_BYTES + 1)), "gzip", 413, "payload_too_large"),
        (gzip.compress(b"0" * 50_000_000), "gzip", 413, "payload_too_large"),
        (b"no gzip", "gzip", 400, "bad_request"),
        (gzip.compress(b"{}")[:-4], "gzip", 400, "bad_request"),
        (zlib.compress(b"{}"), "deflate", 415, "unsupported_encoding"),
        (b"0" * (BATCH_BYTES + 1), None, 413, "payload_too_large"),
    ],
)
async def test_bombs_and_other_packings_are_refused(
    line: Line, body: bytes, encoding: str | None, status: int, code: str
) -> None:
    headers = {"content-encoding": encoding} if encoding else {}
    reply = await post(line, "/v1/batch", body, headers=headers)
    assert (reply.status, reply.body["code"]) == (status, code)


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("track", {"userId": "u"}, "event_not_defined", "event"),
    ("track", {"userId": "u", "event": ""}, "event_not_defined", "event"),
    ("track", {"userId": "u", "event": 5}, "event_not_string", "event"),
    ("track", {"event": "x"}, "no_user_anon_id", "userId"),
    ("track", {"event": "x", "userId": "", "anonymousId": None}, "no_user_anon_id", "userId"),
    ("track", {"event": "x", "userId": {"a": 1}}, "id_not_string", "userId"),
    ("track", {"event": "x", "userId": "u", "messageId": ["m"]}, "id_not_string", "messageId"),
    ("track", {"event": "x", "userId": "u", "properties": []}, "properties_not_object", "properties"),
    ("identify", {"userId": "u", "traits": "x"}, "traits_not_object", "traits"),
    ("page", {"userId": "u", "context": 1}, "bad_request", "context"),
    ("group", {"userId": "u"}, "id_required", "groupId"),
    ("alias", {"userId": "u"}, "id_required", "previousId"),
    (
        "track",
        {"event": "x", "userId": "u", "properties": {"x": "y" * EVENT_BYTES}},
        "event_too_large",
        "bytes",
    ),
]


@pytest.mark.parametrize(("kind", "event", "code", "word"), WRONG)
async def test_a_wrong_event_is_refused_by_name_and_kept_with_its_reason(
    line: Line, kind: str, event: dict[str, Any], code: str, word: str
) -> None:
    reply = await post(line, f"/v1/{kind}", event)
    assert (reply.status, reply.body["code"]) == (413 if code == "event_too_large" else 400, code)
    assert word in reply.body["message"]
    (kept,) = await events(line, 1)
    assert (kept.disposition, kept.message) == (code, reply.body["message"])


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 30_000, b'{"a":NaN}']
)
async def test_what_is_no_json_object_is_refused(line: Line, body: bytes) -> None:
    for path in ("/v1/track", "/v1/batch"):
        reply = await post(line, path, body)
        assert (reply.status, reply.body["code"]) == (400, "bad_request")


async def test_in_a_batch_the_good_are_taken_and_the_others_named(line: Line) -> None:
    batch = [
        track({"order_id": "1", "email": "a@example.com"}),
        {"type": "track", "userId": "u"},
        7,
        {"type": "sing", "userId": "u"},
    ]
    reply = await post(line, "/v1/batch", {"batch": batch})
    assert (reply.status, reply.body["success"], reply.body["accepted"]) == (200, True, 1)
    assert [(r["index"], r["code"]) for r in reply.body["rejected"]] == [
        (1, "event_not_defined"),
        (2, "bad_request"),
        (3, "bad_request"),
    ]
    assert "one of alias, group" in reply.body["rejected"][2]["message"]
    kept = await events(line, 4)
    assert [e.disposition for e in kept] == ["bad_request", "bad_request", "event_not_defined", "invited"]


@pytest.mark.parametrize(
    ("batch", "status", "code"),
    [
        ({"batch": []}, 400, "empty_batch"),
        ({"batch": [{}] * 2501}, 413, "batch_too_long"),
        ({"batch": "x"}, 400, "bad_request"),
        ({}, 400, "bad_request"),
        ({"batch": [{"type": "track"}]}, 400, "event_not_defined"),
        ({"batch": [{}], "context": 5}, 400, "bad_request"),
    ],
)
async def test_a_batch_of_which_nothing_can_be_taken_is_refused(
    line: Line, batch: dict[str, Any], status: int, code: str
) -> None:
    reply = await post(line, "/v1/batch", batch)
    assert (reply.status, reply.body["code"]) == (status, code)


async def test_2500_events_are_not_too_many(line: Line) -> None:
    batch = [{"type": "page", "userId": "u", "messageId": f"m{n}"} for n in range(2500)]
    assert (await post(line, "/v1/batch", {"batch": batch})).body == {"success": True}
    assert len(await events(line, 2500)) == 2500


async def test_a_batchs_context_and_integrations_stand_behind_each_events_own(line: Line) -> None:
    batch = {
        "batch": [
            track({"order_id": "1", "email": "a@example.com"}),
            track({"order_id": "2", "email": "a@example.com"}, integrations={"Trustpilot": True}),
            track({"order_id": "3"}, integrations={"All": True, "Trustpilot": {}}),
        ],
        "integrations": {"Trustpilot": False},
        "context": {"traits": {"email": "outer@example.com"}},
    }
    assert (await post(line, "/v1/batch", batch)).status == 200
    found = {e.order_id or "1": e.disposition for e in await events(line, 3)}
    assert found == {"1": "FILTERED_BY_INTEGRATIONS_OBJECT", "2": "invited", "3": "invited"}
    (third,) = await line.plaudit.store.invitations(order_id="3")
    assert third.order is not None and third.order.email == "outer@example.com"


async def test_pages_of_other_origins_may_post(line: Line) -> None:
    asked = {
        "origin": "https://shop.example.com",
        "access-control-request-headers": "authorization,x-new-header",
    }
    reply = await asyncio.to_thread(http, line.plaudit.url + "/v1/t", headers=asked, method="OPTIONS")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "*")
    assert reply.headers["access-control-allow-headers"] == "authorization,x-new-header"
    assert (await post(line, "/v1/t", track())).headers["access-control-allow-origin"] == "*"
    assert (await post(line, "/v1/t", {}, key="wrong")).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/track", 405), ("POST", "/v1/pixel/track", 405), ("POST", "/v1/nothing", 404), ("GET", "/v1/", 404),
     ("DELETE", "/v1/batch", 405), ("GET", "/nothing", 404), ("POST", "/healthz", 405)],
)  # fmt: skip
async def test_other_routes_are_told(line: Line, method: str, path: str, status: int) -> None:
    reply = await asyncio.to_thread(http, line.plaudit.url + path, method=method)
    assert reply.status == status and reply.body["code"] and reply.body["message"]


async def test_the_pixel_answers_its_picture_and_takes_the_event(line: Line) -> None:
    event = {**track({"order_id": "p1", "email": "a@example.com"}), "writeKey": WRITE_KEY}
    data = base64.urlsafe_b64encode(json.dumps(event).encode()).decode().rstrip("=")
    dotted = f"writeKey={WRITE_KEY}&userId=u&event=Order%20Completed&properties.order_id=p2&properties.email=b@example.com"
    for query in (f"data={data}", dotted):
        reply = await asyncio.to_thread(http, f"{line.plaudit.url}/v1/pixel/track?{query}")
        assert (reply.status, reply.headers["content-type"]) == (200, "image/gif")
        assert reply.body.startswith(b"GIF89a") and "plaudit-refused" not in reply.headers
    await events(line, 2)
    assert {i.order_id for i in await line.plaudit.store.invitations()} == {"p1", "p2"}


@pytest.mark.parametrize(
    "query", ["", "data=%%%", "writeKey=wrong&userId=u&event=x", f"writeKey={WRITE_KEY}&userId=u"]
)
async def test_a_pixel_that_is_wrong_still_shows_and_says_why(line: Line, query: str) -> None:
    reply = await asyncio.to_thread(http, f"{line.plaudit.url}/v1/pixel/track?{query}")
    assert (reply.status, reply.headers["content-type"]) == (200, "image/gif")
    assert ": " in reply.headers["plaudit-refused"]


async def test_analytics_js_finds_its_settings(line: Line) -> None:
    reply = await asyncio.to_thread(http, f"{line.plaudit.url}/v1/projects/{WRITE_KEY}/settings")
    segment = reply.body["integrations"]["Segment.io"]
    assert (reply.status, segment["apiKey"]) == (200, WRITE_KEY)
    assert f"{segment['protocol']}://{segment['apiHost']}" == f"{line.plaudit.url}/v1"
    behind = {"x-forwarded-proto": "https", "x-forwarded-host": "events.example.com"}
    reply = await asyncio.to_thread(
        http, f"{line.plaudit.url}/v1/projects/{WRITE_KEY}/settings", headers=behind
    )
    segment = reply.body["integrations"]["Segment.io"]
    assert (segment["protocol"], segment["apiHost"]) == ("https", "events.example.com/v1")
    unknown = await asyncio.to_thread(http, f"{line.plaudit.url}/v1/projects/nobody/settings")
    assert (unknown.status, unknown.body["code"]) == (404, "unknown_source")


async def test_a_wrong_clock_is_corrected(line: Line) -> None:
    times = {"timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:01:00Z"}
    await post(line, "/v1/track", {**track(), **times})
    (event,) = await events(line, 1)
    assert event.received_at - event.timestamp == 60_000
    assert event.message_id.startswith("plaudit-")


async def test_health_and_metrics(line: Line) -> None:
    await post(line, "/v1/track", track())
    await events(line, 1)
    assert (await asyncio.to_thread(http, line.plaudit.url + "/healthz")).body["alive"] is True
    assert (await asyncio.to_thread(http, line.plaudit.url + "/readyz")).body == {"ready": True, "faults": []}
    metrics = (await asyncio.to_thread(http, line.plaudit.url + "/metrics")).body.decode()
    assert 'plaudit_dispositions_total{code="invited"}' in metrics
    assert (
        await asyncio.to_thread(http, line.plaudit.url + "/", headers={"accept": "text/html"})
    ).status == 200
