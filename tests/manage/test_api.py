"""The API on a store: who may call what, what is wrong is told, and nothing is done twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.rows import ended, event, order, wanted
from manage.conftest import PASSWORD, FixedClock, Reply, ask
from plaudit.destinations.base import Outcome, State
from plaudit.errors import UnavailableError
from plaudit.manage import sessions
from plaudit.manage.api import OPERATIONS, Operation
from plaudit.manage.app import create_app
from plaudit.manage.calls import LONGEST_MS, routes
from plaudit.manage.context import Context
from plaudit.manage.guard import Guarded
from plaudit.manage.openapi import document
from plaudit.store.access import Role

ROOT = Path(__file__).parents[2]
LEASE = 10**15


class Api:
    """Asks as a role, JSON in and out."""

    def __init__(self, app: Any, tokens: dict[Role, str]) -> None:
        self.app = app
        self.tokens = tokens

    async def __call__(
        self, method: str, path: str, body: Any = None, *, role: Role = Role.ADMIN, **headers: str
    ) -> tuple[int, Any]:
        reply = await self.ask(method, path, body, role=role, **headers)
        return reply.status, json.loads(reply.body) if reply.body else None

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: Role = Role.ADMIN, **headers: str
    ) -> Reply:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.tokens[role]}", "content_type": "application/json"} | headers
        return await ask(self.app, method, path, raw, **given)


@pytest.fixture
async def api(context: Context, tokens: dict[Role, str]) -> Api:
    there = wanted()
    kind, settings, sources = there.destinations["second"]
    there.destinations["second"] = (kind, settings | {"api_key": "secretOtherKey"}, sources)
    await context.store.apply(there, now=500)
    return Api(create_app(context, routes()), tokens)


async def fill(context: Context) -> None:
    """Six orders at `trustpilot`: accepted, refused, failed, uncertain, and two that wait."""
    now = context.clock.now()
    await context.store.commit(0, 0, 1, [event(1, n, orders={1: order(n)}) for n in range(6)], now)
    claimed = await context.store.turn(1, [], 4, "me", now, LEASE)
    states = (State.ACCEPTED, State.REFUSED, State.FAILED, State.UNCERTAIN)
    ends = [ended(c, Outcome.RETRY, s) for c, s in zip(claimed, states, strict=True)]
    await context.store.turn(1, ends, 0, "me", now, LEASE)


def somewhere(path: str) -> str:
    return path.replace("{id}", "999999").replace("{name}", "nothere")


# who may call what


def test_every_route_is_one_that_says_who_may_use_it() -> None:
    found = {
        (m, r.path): r.role
        for r in routes()
        if isinstance(r, Guarded)
        for m in (r.methods or ())
        if m != "HEAD"
    }
    assert found == {(o.method, o.path): o.role for o in OPERATIONS} | {
        ("GET", "/api/openapi.json"): Role.VIEWER
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
async def test_each_operation_takes_its_role_and_no_less(
    api: Api, context: Context, people: dict[Role, str], operation: Operation
) -> None:
    method, path = operation.method, somewhere(operation.path)
    assert (await ask(api.app, method, path)).status == 401
    for role in Role:
        status, answer = await api(method, path, role=role)
        assert (status in (401, 403)) == (
            not role.covers(operation.role) or (path, status) == ("/api/me/password", 403)
        )
        assert status < 500, answer
        session = await context.sessions.sign_in(role.value, PASSWORD, "192.0.2.1")
        cookie = f"plaudit_session={session.secret}"
        plain = await ask(api.app, method, path, cookie=cookie)
        forged = method != "GET"
        assert (plain.status == 403) == (forged or not role.covers(operation.role))
        if forged:
            assert json.loads(plain.body)["code"] == "forged"
            csrf = sessions.csrf(session.secret)
            reply = await ask(api.app, method, path, cookie=cookie, x_csrf_token=csrf)
            assert (reply.status == 403) == (not role.covers(operation.role))


def test_the_document_is_what_is_checked_in() -> None:
    """`make openapi` writes it."""
    assert json.loads((ROOT / "docs/openapi.json").read_text()) == document(OPERATIONS)


async def test_the_document_is_served(api: Api) -> None:
    status, found = await api("GET", "/api/openapi.json", role=Role.VIEWER)
    assert (status, found) == (200, document(OPERATIONS))


def test_every_route_and_code_is_in_the_docs() -> None:
    text = (ROOT / "docs/api.md").read_text()
    assert [o.path for o in OPERATIONS if f"`{o.method} {o.path}`" not in text] == []
    source = "\n".join(path.read_text() for path in (ROOT / "src/plaudit/manage").glob("*.py"))
    codes = set(re.findall(r"ProblemError\(\s*\d+,\s*\"(\w+)\"", source)) | {"method_not_allowed", "refused"}
    assert len(codes) > 15
    assert [code for code in sorted(codes) if f"| `{code}` |" not in text] == []


# what is wrong is told


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("DELETE", "/api/invitations", None, 405, "method_not_allowed"),
        ("GET", "/api/invitations/0", None, 400, "bad_request"),
        ("GET", "/api/invitations/x", None, 400, "bad_request"),
        ("GET", "/api/invitations/99999999999999999999", None, 400, "bad_request"),
        ("GET", "/api/invitations/999", None, 404, "not_found"),
        ("GET", "/api/invitations?limit=0", None, 400, "bad_request"),
        ("GET", "/api/invitations?limit=1&limit=2", None, 400, "bad_request"),
        ("GET", "/api/invitations?stat=failed", None, 400, "bad_request"),
        ("GET", "/api/invitations?state=gone", None, 400, "bad_request"),
        ("GET", "/api/invitations?cursor=x", None, 400, "bad_request"),
        ("GET", "/api/invitations?since=yesterday", None, 400, "bad_request"),
        ("GET", "/api/invitations?email=ada@example.com", None, 400, "bad_request"),
        ("POST", "/api/invitations/find", {"email": ""}, 400, "bad_request"),
        ("POST", "/api/invitations/decide", {"action": "sent", "state": "failed"}, 400, "bad_request"),
        ("GET", "/api/events?disposition=gone", None, 400, "bad_request"),
        ("GET", "/api/overview?span=century", None, 400, "bad_request"),
        ("GET", "/api/overview?destination=gone", None, 404, "not_found"),
        ("POST", "/api/invitations/decide", b"{", 400, "bad_body"),
        ("POST", "/api/invitations/decide", b"\xff", 400, "bad_body"),
        ("POST", "/api/invitations/decide", b"[]", 400, "bad_body"),
        ("POST", "/api/invitations/decide", b"[" * 9000, 400, "bad_body"),
        ("POST", "/api/invitations/decide", {}, 400, "bad_request"),
        ("POST", "/api/invitations/decide", {"action": "retry"}, 400, "no_condition"),
        ("POST", "/api/invitations/decide?x=1", {"action": "retry"}, 400, "bad_request"),
        ("POST", "/api/invitations/decide", {"action": "retry", "destination": "gone"}, 400, "refused"),
        ("POST", "/api/invitations/decide", {"action": "retry", "id": 99}, 404, "not_found"),
        ("POST", "/api/sources", {"name": "a b"}, 400, "bad_request"),
        ("POST", "/api/sources", {"name": "shop"}, 409, "exists"),
        ("POST", "/api/sources/gone/rotate", {}, 404, "not_found"),
        ("POST", "/api/sources/shop/rotate", {"name": "other"}, 400, "bad_request"),
        ("POST", "/api/sources/shop/events", {"event": {"type": "track"}}, 503, "unavailable"),
        ("POST", "/api/destinations/gone/pause", {}, 404, "not_found"),
        ("POST", "/api/destinations/trustpilot/resume", {}, 409, "wrong_state"),
        ("PUT", "/api/configuration", {"toml": "["}, 400, "refused"),
        ("PUT", "/api/configuration", {"toml": "a=" + "[" * 3000}, 400, "refused"),
        ("PUT", "/api/configuration", {"toml": "a=" + "9" * 5000}, 400, "refused"),
        ("GET", "/api/events/" + "9" * 5000, None, 400, "bad_request"),
        ("PUT", "/api/configuration", {"toml": "[sorces.x]"}, 422, "bad_configuration"),
        ("POST", "/api/people", {"name": "amy", "role": "viewer", "password": "short"}, 422, "bad_password"),
        ("POST", "/api/people", {"name": "a b", "role": "viewer", "password": PASSWORD}, 422, "bad_name"),
        ("POST", "/api/people", {"name": "amy", "role": "king", "password": PASSWORD}, 400, "bad_request"),
        ("POST", "/api/tokens", {"name": "  ", "role": "viewer"}, 422, "bad_name"),
        ("DELETE", "/api/tokens/999", None, 404, "not_found"),
        ("POST", "/api/me/password", {"password": PASSWORD, "new": PASSWORD}, 403, "forbidden"),
        ("POST", "/api/forget", {"email": "nobody"}, 422, "bad_request"),
        ("POST", "/api/forget", {"email": "a@example.com", "destination": "gone"}, 404, "not_found"),
    ],
)
async def test_what_is_wrong_is_told(
    api: Api, method: str, path: str, body: Any, status: int, code: str
) -> None:
    reply = await api.ask(method, path, body)
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"], problem["status"]) == (status, code, status)
    assert reply.header("content-type") == "application/problem+json"
    assert problem["detail"] and "\n" not in problem["detail"] and "Traceback" not in problem["detail"]


async def test_only_json_is_taken(api: Api) -> None:
    status, problem = await api("POST", "/api/sources", {"name": "x"}, content_type="text/plain")
    assert (status, problem["code"]) == (415, "bad_media_type")


# looking


async def test_invitations_page_by_page_and_masked(api: Api, context: Context) -> None:
    await fill(context)
    found, path = [], "/api/invitations?limit=4"
    while path:
        status, page = await api("GET", path, role=Role.VIEWER)
        assert status == 200
        found += page["data"]
        path = f"/api/invitations?limit=4&cursor={page['next']}" if page["next"] else ""
    assert [i["order_id"] for i in found] == ["5", "4", "3", "2", "1", "0"]
    assert found[0]["email"] == "c…@example.com" and found[0]["name"] == "Z…"
    for query, orders in (
        ("state=refused", ["1"]),
        ("order_id=3", ["3"]),
        ("state=queued&destination=trustpilot", ["5", "4"]),
        ("since=2001-01-01&until=2001-01-02", []),
    ):
        _, page = await api("GET", f"/api/invitations?{query}", role=Role.VIEWER)
        assert [i["order_id"] for i in page["data"]] == orders, query


async def test_a_story_is_masked_and_the_asking_is_recorded(api: Api, context: Context) -> None:
    await fill(context)
    _, page = await api("GET", "/api/invitations?order_id=1")
    id_ = page["data"][0]["id"]
    _, story = await api("GET", f"/api/invitations/{id_}", role=Role.VIEWER)
    assert (story["invitation"]["state"], story["order"]["email"]) == ("refused", "c…@example.com")
    assert [a["attempt"] for a in story["history"]] == [1]
    assert [e["order_id"] for e in story["events"]] == ["1"]
    assert "customer1" not in json.dumps(story) and "Ünal" not in json.dumps(story)
    status, shown = await api("POST", f"/api/invitations/{id_}/reveal", role=Role.OPERATOR)
    assert (status, shown["order"]["email"]) == (200, "customer1@example.com")
    assert "customer1@example.com" in json.dumps(shown["requests"]) and "secretIntegration" not in json.dumps(
        shown
    )
    _, audit = await api("GET", "/api/audit")
    assert (audit["data"][0]["action"], audit["data"][0]["about"], audit["data"][0]["who"]) == (
        *("reveal", f"invitation {id_}", "operator"),
    )
    assert "customer" not in json.dumps(audit)


async def test_the_overview_counts_and_says_what_waits(api: Api, context: Context) -> None:
    await fill(context)
    await context.store.commit(0, 1, 2, [event(2, 0, orders={1: order(1)})], context.clock.now())
    for span in ("day", "week", "month", "year"):
        _, found = await api("GET", f"/api/overview?span={span}", role=Role.VIEWER)
        assert [found[k] for k in ("events", "orders", "invitations", "accepted")] == [7, 7, 6, 1]
        assert found["waiting"] == {"failed": 1, "refused": 1, "uncertain": 1}
        assert [(f["step"], f["disposition"], f["number"]) for f in found["fell_out"]] == [
            ("order", "duplicate_order", 1)
        ]
        assert sum(b["events"] for b in found["series"]) == 7
        assert found["p95_ms"] == 1
    assert [(a["state"], a["number"]) for a in found["attention"] if a["state"]] == [
        *(("failed", 1), ("refused", 1), ("uncertain", 1)),
    ]
    _, of_second = await api("GET", "/api/overview?destination=second")
    assert (of_second["invitations"], of_second["attention"], of_second["waiting"]) == (0, [], {})


async def test_the_overview_says_what_is_behind_and_what_does_not_work(api: Api, context: Context) -> None:
    clock = context.clock
    assert isinstance(clock, FixedClock)

    async def fault() -> list[str]:
        return ["the store is full"]

    await context.store.commit(0, 0, 1, [event(1, 0, orders={1: order(1)})], clock.now())
    _, found = await api("GET", "/api/overview")
    before = {each["code"] for each in found["attention"]}
    clock.time += 12 * 60_000
    context.faults = fault
    _, found = await api("GET", "/api/overview")
    said = [each for each in found["attention"] if each["code"] not in before]
    assert [(each["code"], each["destination"]) for each in said] == [
        ("fault", None),
        ("behind", "trustpilot"),
    ]
    assert said[1]["message"].endswith("has been due for 12 minutes")
    _, one = await api("GET", "/api/overview?destination=trustpilot")
    assert "fault" not in {each["code"] for each in one["attention"]}


async def test_a_customers_invitations_are_found_by_address(api: Api, context: Context) -> None:
    await fill(context)
    wanted = {"email": "customer1@example.com", "limit": 10}
    status, found = await api("POST", "/api/invitations/find", wanted, role=Role.VIEWER)
    assert (status, [each["order_id"] for each in found["data"]]) == (200, ["1"])
    assert "customer1@" not in json.dumps(found)


# deciding


async def test_decisions_are_counted_first_then_done_and_recorded(api: Api, context: Context) -> None:
    await fill(context)
    ask_ = {"action": "retry", "destination": "trustpilot"}
    _, counted = await api("POST", "/api/invitations/decide", ask_ | {"dry_run": True}, role=Role.OPERATOR)
    assert (counted["matched"], counted["done"], counted["left"]) == ({"failed": 1, "refused": 1}, 0, 2)
    _, done = await api("POST", "/api/invitations/decide", ask_ | {"limit": 1}, role=Role.OPERATOR)
    assert (done["done"], done["left"], done["state"]) == (1, 1, "queued")
    _, rest = await api("POST", "/api/invitations/decide", ask_, role=Role.OPERATOR)
    assert (rest["done"], rest["left"]) == (1, 0)
    uncertain = (await context.store.invitations(state="uncertain"))[0].id
    status, problem = await api("POST", "/api/invitations/decide", {"action": "retry", "id": uncertain})
    assert (status, problem["code"]) == (409, "wrong_state")
    _, sent = await api("POST", "/api/invitations/decide", {"action": "sent", "id": uncertain})
    assert (sent["done"], sent["ids"], sent["state"]) == (1, [uncertain], "accepted")
    _, everything = await api("POST", "/api/invitations/decide", {"action": "cancel", "all": True})
    assert everything["done"] == 4
    by_mail = {"action": "cancel", "email": "customer0@example.com"}
    await api("POST", "/api/invitations/decide", by_mail)
    _, audit = await api("GET", "/api/audit?limit=500")
    assert [e["about"] for e in audit["data"]][::-1] == [
        "invitations destination trustpilot",
        "invitations destination trustpilot",
        f"invitation {uncertain}",
        "invitations all",
    ]


# the configuration


async def test_sources(api: Api, context: Context) -> None:
    status, made = await api("POST", "/api/sources", {"name": "web"})
    assert (status, len(made["write_key"])) == (201, 32)
    _, listed = await api("GET", "/api/sources", role=Role.VIEWER)
    assert {s["name"]: s["write_key"] for s in listed["data"]}["web"] == f"{made['write_key'][:3]}…"
    assert {s["name"]: s["destinations"] for s in listed["data"]}["app"] == ["second", "trustpilot"]
    _, shown = await api("POST", "/api/sources/web/reveal")
    _, rotated = await api("POST", "/api/sources/web/rotate")
    assert shown == made and rotated["write_key"] != made["write_key"]
    assert {s.name: s.write_key for s in (await context.store.configuration()).sources} == {
        "app": "appWriteKey",
        "shop": "shopWriteKey",
        "web": rotated["write_key"],
    }
    assert (await api("DELETE", "/api/sources/app"))[0] == 204
    _, left = await api("GET", "/api/sources")
    assert [s["name"] for s in left["data"]] == ["shop", "web"]
    assert [e.about for e in await context.store.access.audit()] == [
        *("source app", "write key of source web", "write key of source web", "source web"),
    ]


async def test_a_destination_is_changed_and_its_secret_stays(api: Api, context: Context) -> None:
    _, there = await api("GET", "/api/destinations/trustpilot", role=Role.VIEWER)
    assert there["settings"]["api_key"] == "•••" and there["sources"] == ["app", "shop"]
    body = {
        "type": "trustpilot",
        "sources": ["shop"],
        "settings": there["settings"] | {"retry_for": "2 hours"},
    }
    status, after = await api("PUT", "/api/destinations/trustpilot", body)
    assert (status, after["settings"]["retry_for"], after["sources"]) == (200, "2 hours", ["shop"])
    kept = {d.name: d.settings for d in (await context.store.configuration()).destinations}
    assert kept["trustpilot"]["api_key"] == "secretIntegrationKey"
    body["settings"] = {"channel": "integration_key", "retry_for": "soon"}
    body["sources"] = ["gone"]
    status, problem = await api("PUT", "/api/destinations/trustpilot", body)
    assert (status, problem["code"]) == (422, "bad_configuration") and len(problem["errors"]) == 3
    for stolen in ("env:PATH", "file:/etc/passwd"):
        body = {"type": "trustpilot", "sources": [], "settings": {"api_key": "k", "base_url": stolen}}
        assert (await api("PUT", "/api/destinations/new", body))[0] == 422
    assert (await api("DELETE", "/api/destinations/second"))[0] == 204
    assert [d.name for d in (await context.store.configuration()).destinations] == ["trustpilot"]


async def test_the_catalog_has_every_setting(api: Api, context: Context) -> None:
    _, found = await api("GET", "/api/catalog", role=Role.VIEWER)
    (kind,) = [k for k in found["data"] if k["type"] == "trustpilot"]
    assert [f["key"] for f in kind["settings"]] == [s.key for s in context.kinds["trustpilot"].settings]
    assert {f["key"]: f["secret"] for f in kind["settings"]}["api_key"]


async def test_a_destination_is_paused_and_resumed(api: Api, context: Context) -> None:
    path = "/api/destinations/trustpilot"
    _, paused = await api("POST", f"{path}/pause", {"message": "for the sale"}, role=Role.OPERATOR)
    assert (paused["paused"]["reason"], paused["paused"]["message"]) == ("by_hand", "for the sale")
    _, resumed = await api("POST", f"{path}/resume", role=Role.OPERATOR)
    assert resumed["paused"] is None


async def test_a_kind_of_destination_that_is_gone_stands_in_nobodys_way(
    api: Api, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "kinds", {})
    status, plain = await api("GET", "/api/configuration")
    assert status == 200 and "Integration" not in plain["toml"]
    status, problem = await api("POST", "/api/sources", {"name": "other"})
    assert status == 422 and "unknown type" in problem["errors"][0]
    assert (await api("PUT", "/api/configuration", {"toml": "[sources.shop]"}))[0] == 200


async def test_the_configuration_goes_out_and_comes_back(
    api: Api, context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = await context.store.configuration()
    _, plain = await api("GET", "/api/configuration")
    assert "secretIntegrationKey" not in plain["toml"] and "env:TRUSTPILOT_API_KEY" in plain["toml"]
    _, checked = await api("POST", "/api/configuration/validate", {"toml": plain["toml"]})
    assert checked == {"sources": ["app", "shop"], "destinations": ["second", "trustpilot"], "notes": []}
    assert (await api("PUT", "/api/configuration", {"toml": plain["toml"]}))[0] == 200
    after = await context.store.configuration()
    assert (after.sources, after.connections) == (before.sources, before.connections)
    assert [d.settings["api_key"] for d in after.destinations] == ["secretOtherKey", "secretIntegrationKey"]
    _, open_ = await api("GET", "/api/configuration?secrets=true")
    assert "secretIntegrationKey" in open_["toml"]
    assert [e.action for e in await context.store.access.audit()] == ["export_secrets", "apply"]
    monkeypatch.setenv("STOLEN", "stolenFromTheEnvironment")
    (tmp_path / "stolen").write_text("stolenFromAFile")
    for stolen in ("env:STOLEN", f"file:{tmp_path}/stolen"):
        toml = f'[sources.shop]\nwrite_key = "{stolen}"\n'
        status, problem = await api("PUT", "/api/configuration", {"toml": toml})
        assert (status, problem["code"]) == (422, "bad_configuration") and "stolenFrom" not in str(problem)


async def test_a_dry_run_shows_the_request_and_keeps_nothing(api: Api, context: Context) -> None:
    call: dict[str, Any] = {"type": "track", "event": "Order Completed", "userId": "u"}
    call |= {"properties": {"order_id": "77", "email": "dry@example.com"}}
    _, found = await api("POST", "/api/sources/app/check", {"event": call}, role=Role.OPERATOR)
    assert [(f["destination"], f["disposition"]) for f in found["data"]] == [
        *(("second", "invited"), ("trustpilot", "invited")),
    ]
    assert "dry@example.com" in json.dumps(found["data"][0]["requests"])
    _, one = await api("POST", "/api/sources/app/check", {"event": call, "destination": "second"})
    assert len(one["data"]) == 1
    assert await context.store.invitations() == []


# people


async def test_people_and_their_passwords(api: Api, context: Context) -> None:
    boss: dict[str, Any] = {"name": "Boss", "role": "admin", "password": PASSWORD}
    status, made = await api("POST", "/api/people", boss)
    assert (status, made["name"], made["role"]) == (201, "boss", "admin")
    assert (await api("POST", "/api/people", boss))[1]["code"] == "exists"
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        status, problem = await api(method, f"/api/people/{made['id']}", body)
        assert (status, problem["code"]) == (409, "last_admin")
    said = [entry.action for entry in await context.store.access.audit()]
    assert said == ["add"], "what was refused was not done"
    _, amy = await api("POST", "/api/people", boss | {"name": "amy", "role": "viewer"})
    _, amy = await api(
        "PATCH", f"/api/people/{amy['id']}", {"role": "operator", "password": "another password"}
    )
    assert amy["role"] == "operator"
    session = await context.sessions.sign_in("amy", "another password", "192.0.2.1")
    csrf = {"cookie": f"plaudit_session={session.secret}", "x_csrf_token": sessions.csrf(session.secret)}
    change = {"password": "wrong password", "new": "a third password"}
    wrong = await ask(
        api.app,
        "POST",
        "/api/me/password",
        json.dumps(change).encode(),
        content_type="application/json",
        **csrf,
    )
    assert json.loads(wrong.body)["code"] == "wrong_password"
    change["password"] = "another password"
    right = await ask(
        api.app,
        "POST",
        "/api/me/password",
        json.dumps(change).encode(),
        content_type="application/json",
        **csrf,
    )
    assert right.status == 204
    assert await context.sessions.of_cookie(session.secret) is None
    assert await context.sessions.sign_in("amy", "a third password", "192.0.2.1")
    assert (await api("DELETE", f"/api/people/{amy['id']}"))[0] == 204
    assert [p["name"] for p in (await api("GET", "/api/people"))[1]["data"]] == ["boss"]
    assert PASSWORD not in json.dumps((await api("GET", "/api/audit"))[1])


async def test_tokens(api: Api, context: Context) -> None:
    status, made = await api("POST", "/api/tokens", {"name": "backup", "role": "operator"})
    assert status == 201 and made["token"].startswith("plaudit_")
    mine = f"Bearer {made['token']}"
    assert (await api("GET", "/api/me", authorization=mine))[1] == {
        "name": "backup",
        "role": "operator",
        "via": "token",
    }
    _, listed = await api("GET", "/api/tokens")
    assert made["token"] not in json.dumps(listed) and listed["data"][0]["used_at"]
    assert (await api("DELETE", f"/api/tokens/{made['id']}"))[0] == 204
    assert (await api("GET", "/api/me", authorization=mine))[0] == 401


# once


async def test_a_post_with_a_key_is_done_once(api: Api, context: Context) -> None:
    body = {"name": "backup", "role": "viewer"}
    first = await api.ask("POST", "/api/tokens", body, idempotency_key="k1")
    again = await api.ask("POST", "/api/tokens", body, idempotency_key="k1")
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    assert (again.header("idempotency-replayed"), first.header("idempotency-replayed")) == ("true", None)
    assert len([t for t in await context.store.access.tokens() if t.name == "backup"]) == 1
    status, problem = await api("POST", "/api/tokens", body | {"name": "other"}, idempotency_key="k1")
    assert (status, problem["code"]) == (422, "key_used")
    status, _ = await api("POST", "/api/sources", {"name": "shop"}, idempotency_key="k2")
    assert status == 409
    assert (await api("DELETE", "/api/sources/shop"))[0] == 204
    assert (await api("POST", "/api/sources", {"name": "shop"}, idempotency_key="k2"))[0] == 201, (
        "nothing was done"
    )
    other = await api.ask("POST", "/api/invitations/decide", {"action": "retry", "all": True}, idempotency_key="k1",
                          role=Role.OPERATOR)  # fmt: skip
    assert other.status == 200, "a key is its sender's own"
    for bad in ("", "x" * 201):
        assert (await api("POST", "/api/tokens", body, idempotency_key=bad))[0] == 400


async def test_a_request_that_was_broken_off_is_not_in_progress_for_ever(
    api: Api, context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = context.store.access
    answered = access.answered

    async def away(hash_: bytes, reply: bytes | None) -> None:
        raise UnavailableError("the store is away")

    monkeypatch.setattr(access, "answered", away)
    body = {"name": "backup", "role": "viewer"}
    assert (await api("POST", "/api/tokens", body, idempotency_key="k1"))[0] == 503
    monkeypatch.setattr(access, "answered", answered)
    status, problem = await api("POST", "/api/tokens", body, idempotency_key="k1")
    assert (status, problem["code"]) == (409, "in_progress")
    clock.time += LONGEST_MS + 1
    status, problem = await api("POST", "/api/tokens", body, idempotency_key="k1")
    assert (status, problem["code"]) == (409, "outcome_unknown")
    await access.prune(clock.now() + 1)
    assert (await api("POST", "/api/tokens", body, idempotency_key="k1"))[0] == 201


async def test_no_answer_with_a_customer_is_kept(api: Api, context: Context) -> None:
    await fill(context)
    (row,) = await context.store.invitations(order_id="1")
    path = f"/api/invitations/{row.id}/reveal"
    for _ in range(2):
        reply = await api.ask("POST", path, {}, idempotency_key="k1")
        assert (reply.status, reply.header("idempotency-replayed")) == (200, None)
    assert len(await context.store.access.audit(action="reveal")) == 2, "each asking is recorded"
    await api("POST", "/api/forget", {"email": "customer1@example.com"})
    reply = await api.ask("POST", path, {}, idempotency_key="k1")
    assert b"customer1@example.com" not in reply.body


async def test_what_is_kept_of_an_answer_is_sealed(api: Api, context: Context, tmp_path: Path) -> None:
    _, made = await api("POST", "/api/tokens", {"name": "b", "role": "viewer"}, idempotency_key="k1")
    for file in tmp_path.iterdir():
        assert made["token"].encode() not in file.read_bytes()


async def test_somebody_is_forgotten(api: Api, context: Context) -> None:
    await fill(context)
    body = {"email": "customer5@example.com"}
    _, counted = await api("POST", "/api/forget", body | {"dry_run": True})
    assert (counted["deliveries"], counted["cancelled"]) == (1, 0)
    _, done = await api("POST", "/api/forget", body)
    assert (done["deliveries"], done["cancelled"]) == (1, 1)
    assert [(a["destination"], a["result"]) for a in done["asked"]] == [("trustpilot", "by_hand")]
    assert await context.store.invitations(email="customer5@example.com") == []
    _, page = await api("GET", "/api/invitations?order_id=5")
    assert page["data"][0]["forgotten"] and page["data"][0]["email"] is None
    back = {"email": "Customer5@example.com"}
    assert (await api("POST", "/api/forget/allow", back))[1] == {"allowed": True}
    assert (await api("POST", "/api/forget/allow", back))[1] == {"allowed": False}
    assert "ustomer5" not in json.dumps((await api("GET", "/api/audit"))[1])
