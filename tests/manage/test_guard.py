"""Who may do what: the guard, route by route of an app that has one of each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from manage.conftest import PASSWORD, FixedClock, ask
from plaudit.manage import passwords, sessions
from plaudit.manage.app import create_app
from plaudit.manage.context import Context
from plaudit.manage.guard import Role, guarded, keep, local, public
from plaudit.manage.headers import BODY, POLICY
from plaudit.manage.people import ChangePassword, change_password
from plaudit.manage.problems import ProblemError
from plaudit.manage.sessions import IDLE_MS, LONGEST_MS, STEP_MS
from plaudit.manage.throttle import OF_ADDRESS, OF_NAME, WINDOW_MS
from plaudit.store.access import Via, Who

PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"  # what a browser asks for


async def me(request: Request) -> Response:
    who = request.state.who
    return JSONResponse({"who": who and who.name, "via": who and who.via, "csrf": request.state.csrf})


async def sign_in(request: Request) -> Response:
    return keep(request, PlainTextResponse("in"), "secret")


async def broken(request: Request) -> Response:
    raise ZeroDivisionError


async def body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def app(context: Context) -> Any:
    routes = [guarded(f"/api/{role}", me, role=role, methods=["GET", "POST", "DELETE"]) for role in Role]
    routes += [guarded(f"/{role}", me, role=role, methods=["GET", "POST"]) for role in Role]
    routes += [
        public("/sign-in", sign_in, methods=["GET", "POST"]),
        public("/broken", broken),
        public("/me", me),
        public("/body", body, methods=["POST"]),
    ]
    return create_app(context, routes)


async def signed_in(context: Context, name: str) -> str:
    return (await context.sessions.sign_in(name, PASSWORD, "192.0.2.1")).secret


@pytest.mark.parametrize("least", Role)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_token_opens_what_its_role_covers(
    app: Any, tokens: dict[Role, str], least: Role, method: str
) -> None:
    for role, token in tokens.items():
        reply = await ask(app, method, f"/api/{least}", authorization=f"Bearer {token}")
        assert reply.status == (200 if role.covers(least) else 403), (role, least)
    assert (await ask(app, method, f"/api/{least}")).status == 401
    for bad in ("Bearer no-such-token", "Bearer", "Basic dDp0", f"Basic {tokens[Role.ADMIN]}"):
        reply = await ask(app, method, f"/api/{least}", authorization=bad)
        assert (reply.status, reply.header("www-authenticate")) == (401, 'Bearer realm="plaudit"')


@pytest.mark.parametrize("least", Role)
async def test_a_session_opens_what_its_role_covers_and_changes_with_its_csrf_token(
    app: Any, context: Context, people: dict[Role, str], least: Role
) -> None:
    for role, name in people.items():
        secret = await signed_in(context, name)
        cookie, good = f"plaudit_session={secret}", sessions.csrf(secret)
        allowed = 200 if role.covers(least) else 403
        for path in (f"/api/{least}", f"/{least}"):
            assert (await ask(app, "GET", path, cookie=cookie)).status == allowed
            assert (await ask(app, "POST", path, cookie=cookie)).status == 403
            assert (await ask(app, "POST", path, cookie=cookie, x_csrf_token="é" * 64)).status == 403
            assert (await ask(app, "POST", path, cookie=cookie, x_csrf_token=good)).status == allowed
            form = {"content_type": "application/x-www-form-urlencoded", "cookie": cookie}
            assert (await ask(app, "POST", path, f"csrf={good}".encode(), **form)).status == allowed
            assert (await ask(app, "POST", path, b"csrf=" + b"0" * 64, **form)).status == 403


async def test_another_ones_csrf_token_is_no_good(
    app: Any, context: Context, people: dict[Role, str]
) -> None:
    mine, theirs = await signed_in(context, "admin"), await signed_in(context, "viewer")
    cookie = f"plaudit_session={mine}"
    reply = await ask(app, "POST", "/viewer", cookie=cookie, x_csrf_token=sessions.csrf(theirs))
    assert reply.status == 403 and b"forged" in reply.body


async def test_nobody_is_sent_to_sign_in_and_back(app: Any) -> None:
    reply = await ask(app, "GET", "/viewer?state=failed", accept=PAGE)
    assert (reply.status, reply.header("location")) == (303, "/sign-in?next=/viewer%3Fstate%3Dfailed")
    assert (await ask(app, "POST", "/viewer", accept=PAGE)).header("location") == "/sign-in"
    part = await ask(app, "GET", "/viewer", hx_request="true")
    assert (part.status, part.header("hx-redirect")) == (401, "/sign-in")


@pytest.mark.parametrize(
    ("page", "back"),
    [
        ("http://shop.example/audiences/new?a=1", "?next=/audiences/new%3Fa%3D1"),
        ("https://shop.example/", ""),
        ("http://evil.example/audiences/new", ""),
        ("http://shop.example//evil.example", ""),
        ("http://[shop.example/a", ""),
        ("shop.example", ""),
    ],
)
async def test_who_signs_in_anew_comes_back_to_the_page_of_the_part(app: Any, page: str, back: str) -> None:
    asked = await ask(
        app, "POST", "/viewer", host="shop.example", hx_request="true", hx_current_url=page, accept=PAGE
    )
    assert (asked.status, asked.header("hx-redirect")) == (401, f"/sign-in{back}")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_sdk_at_a_page_is_told_no(app: Any, method: str) -> None:
    """SDKs take a redirect for success: an event that was sent to a page would be lost in silence."""
    reply = await ask(app, method, "/viewer", b"{}", accept="*/*")
    assert reply.status == 401
    said = json.loads(reply.body)
    assert said["code"] == "unknown" and said["message"]


def test_where_to_go_after_signing_in_is_here() -> None:
    assert local("/invitations?state=failed") == "/invitations?state=failed"
    for bad in (None, "", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nset-cookie: x"):
        assert local(bad) == "/"


def test_a_route_that_says_nothing_of_who_may_use_it_is_refused(context: Context) -> None:
    with pytest.raises(TypeError, match="neither guarded nor public"):
        create_app(context, [Route("/x", me)])


async def test_the_endpoint_learns_who_it_is(
    app: Any, context: Context, people: dict[Role, str], tokens: dict[Role, str]
) -> None:
    secret = await signed_in(context, "operator")
    by_cookie = await ask(app, "GET", "/viewer", cookie=f"plaudit_session={secret}")
    assert f'"who":"operator","via":"session","csrf":"{sessions.csrf(secret)}"'.encode() in by_cookie.body
    by_token = await ask(app, "GET", "/viewer", authorization=f"Bearer {tokens[Role.VIEWER]}")
    assert by_token.body == b'{"who":"viewer","via":"token","csrf":""}'
    assert (await ask(app, "GET", "/me", cookie=f"plaudit_session={secret}")).body == by_cookie.body
    assert (await ask(app, "GET", "/me")).body == b'{"who":null,"via":null,"csrf":""}'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://plaudit.test"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "same-origin", "origin": "https://outside.example"}, 200),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "http://["}, 403),
    ],
)
async def test_no_other_site_signs_anybody_in(app: Any, headers: dict[str, str], status: int) -> None:
    assert (await ask(app, "POST", "/sign-in", b"", **headers)).status == status


async def test_the_cookie_is_for_this_site_and_no_script(app: Any) -> None:
    cookie = (await ask(app, "GET", "/sign-in")).header("set-cookie")
    assert cookie == f"plaudit_session=secret; HttpOnly; Max-Age={LONGEST_MS // 1000}; Path=/; SameSite=lax"
    behind_tls = (await ask(app, "GET", "/sign-in", x_forwarded_proto="https")).header("set-cookie")
    assert behind_tls == f"{cookie}; Secure"
    behind_two = (await ask(app, "GET", "/sign-in", x_forwarded_proto="HTTPS, http")).header("set-cookie")
    assert behind_two == behind_tls


async def test_no_redirect_for_a_slash_too_many(app: Any) -> None:
    assert (await ask(app, "GET", "/api/viewer/")).status == 404


async def test_every_answer_is_hardened(app: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for path, status in (
        ("/sign-in", 200),
        ("/viewer", 303),
        ("/nothing", 404),
        ("/api/viewer", 401),
        ("/broken", 500),
    ):
        reply = await ask(app, "GET", path, accept=PAGE)
        assert (reply.status, reply.header("content-security-policy")) == (status, POLICY)
        assert (reply.header("x-content-type-options"), reply.header("cache-control")) == (
            "nosniff",
            "no-store",
        )
    assert "unsafe" not in POLICY and "*" not in POLICY


async def test_what_nobody_foresaw_is_an_answer_and_a_log_line(
    app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = await ask(app, "GET", "/broken")
    assert reply.status == 500 and b'"internal"' in reply.body and b"ZeroDivision" not in reply.body
    assert "ZeroDivisionError at test_guard.py" in "".join(capsys.readouterr())


async def test_a_body_has_a_bound(app: Any, tokens: dict[Role, str]) -> None:
    reply = await ask(app, "POST", "/sign-in", content_length=str(BODY + 1))
    assert reply.status == 413 and b"too_large" in reply.body
    unsaid = await ask(app, "POST", "/body", b"x" * (BODY + 1), content_type="application/json")
    assert unsaid.status == 413 and b"too_large" in unsaid.body
    assert (await ask(app, "POST", "/body", b"x" * BODY)).status == 200


# signing in


async def test_the_first_person_comes_by_a_link_that_works_once(context: Context) -> None:
    link = await context.sessions.link()
    assert link is not None
    for bad in ("short", "x" * 201):
        with pytest.raises(ProblemError, match="choose a password of 10 to 200"):
            await context.sessions.set_up(link, "amy", bad)
    with pytest.raises(ProblemError, match="a name has"):
        await context.sessions.set_up(link, "amy jones", PASSWORD)
    made = await context.sessions.set_up(link, " Amy@Shop.example ", PASSWORD)
    assert (made.person.name, made.person.role) == ("amy@shop.example", Role.ADMIN)
    assert await context.sessions.of_cookie(made.secret) == made
    with pytest.raises(ProblemError, match="used up"):
        await context.sessions.set_up(link, "eve", PASSWORD)
    assert await context.sessions.link() is None
    again = await context.sessions.sign_in("AMY@shop.example", PASSWORD, "192.0.2.1")
    assert again.person == made.person
    assert [(e.action, e.who) for e in await context.store.access.audit()] == [
        ("sign_in", "amy@shop.example"),
        ("set_up", "amy@shop.example"),
    ]


async def test_a_session_slides_and_ends(
    context: Context, clock: FixedClock, people: dict[Role, str]
) -> None:
    secret = await signed_in(context, "admin")
    begun = clock.time
    while clock.time - begun < LONGEST_MS:
        assert await context.sessions.of_cookie(secret)
        clock.time += IDLE_MS - STEP_MS
    assert await context.sessions.of_cookie(secret) is None
    other = await signed_in(context, "admin")
    clock.time += IDLE_MS // 2
    assert await context.sessions.of_cookie(other, used=False)  # a page that keeps itself up to date
    clock.time += IDLE_MS // 2
    assert await context.sessions.of_cookie(other) is None
    third = await signed_in(context, "admin")
    await context.sessions.sign_out(third)
    assert await context.sessions.of_cookie(third) is None


async def refusal(context: Context, name: str, password: str, address: str) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await context.sessions.sign_in(name, password, address)
    return caught.value


async def test_an_unknown_name_and_a_wrong_password_are_told_alike(
    context: Context, people: dict[Role, str]
) -> None:
    wrong = await refusal(context, "admin", "wrong password", "192.0.2.1")
    nobody = await refusal(context, "nobody", "wrong password", "192.0.2.1")
    strange = await refusal(context, "no body\0", "", "192.0.2.1")
    assert {(e.status, e.code, e.detail) for e in (wrong, nobody, strange)} == {
        (401, "wrong_sign_in", "no person has this name and this password")
    }


async def test_too_many_tries_of_a_name_have_to_wait(
    context: Context, clock: FixedClock, people: dict[Role, str]
) -> None:
    for number in range(OF_NAME):
        name = (
            "Admin",
            " admin",
            "\N{FULLWIDTH LATIN SMALL LETTER A}dmin",
            "\N{MATHEMATICAL BOLD SMALL A}dmin",
        )[number % 4]  # all of them are admin
        assert (await refusal(context, name, "wrong", f"192.0.2.{number}")).status == 401
    held = await refusal(context, "admin", PASSWORD, "198.51.100.1")
    assert (held.status, held.headers) == (429, {"retry-after": str(WINDOW_MS // 1000)})
    assert await context.sessions.sign_in("viewer", PASSWORD, "198.51.100.1"), "others are not held up"
    clock.time += WINDOW_MS
    assert await context.sessions.sign_in("admin", PASSWORD, "198.51.100.1")


async def test_too_many_tries_from_an_address_have_to_wait(
    context: Context, clock: FixedClock, people: dict[Role, str]
) -> None:
    for number in range(OF_ADDRESS):
        context.sessions._throttle.failed(f"name {number}", "192.0.2.1", clock.now())
    assert (await refusal(context, "admin", PASSWORD, "192.0.2.1")).status == 429
    assert await context.sessions.sign_in("admin", PASSWORD, "192.0.2.2")
    for number in range(OF_ADDRESS):
        context.sessions._throttle.failed(f"name {number}", f"2001:db8::{number:x}", clock.now())
    assert (await refusal(context, "admin", PASSWORD, "2001:db8::ffff:1")).status == 429
    assert await context.sessions.sign_in("admin", PASSWORD, "2001:db8:0:1::1")


async def test_a_password_is_changed_by_who_knows_it_with_few_tries(
    context: Context, people: dict[Role, str]
) -> None:
    (amy,) = [each for each in await context.store.access.people() if each.name == "admin"]
    who = Who(amy.id, amy.name, amy.role, Via.SESSION)
    new = "another password"
    for _ in range(OF_NAME):
        with pytest.raises(ProblemError, match="not your password"):
            await change_password(context, who, ChangePassword(password="wrong", new=new))
    with pytest.raises(ProblemError, match="too many tries"):
        await change_password(context, who, ChangePassword(password=PASSWORD, new=new))


async def test_a_new_password_also_ends_the_sign_in_that_is_under_way(
    context: Context, people: dict[Role, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (amy,) = [each for each in await context.store.access.people() if each.name == "admin"]
    matches = passwords.matches

    async def slowly(kept: str | None, password: str) -> bool:
        found = await matches(kept, password)
        await context.store.access.change_person(amy.id, password=await passwords.make("another password"))
        return found

    monkeypatch.setattr(passwords, "matches", slowly)
    assert (await refusal(context, "admin", PASSWORD, "192.0.2.1")).status == 401


async def test_a_link_that_is_none_costs_nothing(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(password: str) -> str:
        raise AssertionError(password)

    monkeypatch.setattr(passwords, "make", never)
    with pytest.raises(ProblemError, match="used up"):
        await context.sessions.set_up("junk", "eve", PASSWORD)


async def test_a_sign_in_that_works_forgets_the_failures_of_its_name(
    context: Context, people: dict[Role, str]
) -> None:
    for _ in range(3):
        for _ in range(OF_NAME - 1):
            await refusal(context, "admin", "wrong", f"192.0.2.{_}")
        await signed_in(context, "admin")
