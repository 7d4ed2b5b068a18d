"""Every route that a server has, page or API: nobody, each role, a forged form. Whoever adds one is seen to here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from manage.conftest import PASSWORD, ask
from plaudit.app import Options, Plaudit
from plaudit.console.app import shown
from plaudit.manage import passwords, sessions
from plaudit.manage.app import create_app
from plaudit.manage.guard import SAFE, Guarded
from plaudit.store.access import Role, hashed

OPEN = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/sign-in",
    "/set-up",
}  # all that anybody may ask for, but for files


async def test_every_route_asks_who_it_is(tmp_path: Path) -> None:
    plaudit = Plaudit(Options(data=tmp_path / "data", port=0, roles=frozenset({"console"})))
    routes = [route for route in plaudit.routes() if isinstance(route, Guarded)]
    assert {route.path for route in routes if route.role is None} <= OPEN
    app, access = create_app(plaudit._context, plaudit.routes()), plaudit.store.access
    kept = await passwords.make(PASSWORD)
    secrets: dict[Role, str] = {}
    for role in Role:
        await access.add_token(role, role, hashed(f"token-{role}"), 1)
        person = await access.add_person(role, role, kept, 1)
        assert person is not None
        secrets[role] = f"session-{role}"
        await access.add_session(hashed(secrets[role]), person.id, 1, 10**15)
    for route in routes:
        path = re.sub(r"{[^}]*}", "999999", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if route.role is None:
                continue
            nobody = await ask(app, method, path)
            where = nobody.header("location") or ""
            assert nobody.status == 401 or (nobody.status == 303 and where.startswith("/sign-in")), path
            wrong = await ask(app, method, path, authorization="Bearer wrong")
            assert wrong.status == 401, path
            for role in (each for each in Role if not each.covers(route.role)):
                by_token = await ask(app, method, path, authorization=f"Bearer token-{role}")
                cookie, csrf = f"plaudit_session={secrets[role]}", sessions.csrf(secrets[role])
                by_cookie = await ask(app, method, path, cookie=cookie, x_csrf_token=csrf)
                assert (by_token.status, by_cookie.status) == (403, 403), (path, role)
            if method not in SAFE:
                for forged in ({}, {"x_csrf_token": sessions.csrf("session-of-another")}):
                    cookie = f"plaudit_session={secrets[Role.ADMIN]}"
                    reply = await ask(app, method, path, b"", cookie=cookie, **forged)
                    assert reply.status == 403, path
    await plaudit.store.close()


@pytest.mark.parametrize("odd", ["9" * 5000, "9" * 19, "0", "-1", "abc", "a b", "\u0663", "..", "\x01"])
async def test_an_odd_name_in_an_address_is_told(tmp_path: Path, odd: str) -> None:
    """Whatever stands where an id or a name does: there is no such thing, and nothing breaks."""
    plaudit = Plaudit(Options(data=tmp_path / "data", port=0, roles=frozenset({"console"})))
    app, access = create_app(plaudit._context, plaudit.routes(), shown), plaudit.store.access
    await access.add_token("admin", Role.ADMIN, hashed("token"), 1)
    for route in plaudit.routes():
        if not isinstance(route, Guarded) or "{" not in route.path:
            continue
        path = re.sub(r"{[^}]*}", odd, route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            for accept in ("text/html", "application/json"):
                reply = await ask(app, method, path, accept=accept, authorization="Bearer token")
                assert reply.status in (303, 400, 403, 404, 422), (method, path[:80], reply.status)
    await plaudit.store.close()
