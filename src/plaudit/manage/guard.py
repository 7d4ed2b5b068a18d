"""The one place where it is decided who may do what.

Every route is declared, `guarded` with the least role that it takes or `public`; an app with any other does not start.
A person comes with a session's cookie, a program with a token (`Authorization: Bearer`). What changes anything needs,
from a session, the token against forged requests as well: header `x-csrf-token`, or `csrf` in the form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import wraps
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from plaudit.manage.context import context
from plaudit.manage.forms import form
from plaudit.manage.problems import ProblemError, browses
from plaudit.manage.sessions import LONGEST_MS, csrf, csrf_matches
from plaudit.store.access import Role, Via, Who

__all__ = ["COOKIE", "Role", "Who", "guarded", "keep", "local", "public", "public_files"]

COOKIE = "plaudit_session"
SIGN_IN = "/sign-in"
SAFE = frozenset({"GET", "HEAD"})
Endpoint = Callable[[Request], Awaitable[Response]]


class Guarded(Route):
    """A route with the least role that it takes; None: anybody."""

    role: Role | None = None


class PublicFiles(Mount):
    """Files that anybody may have."""


def guarded(
    path: str, endpoint: Endpoint, *, role: Role, methods: Sequence[str] = ("GET",), name: str | None = None
) -> Route:
    """A route for those with at least this role. Its endpoint finds `request.state.who` and `request.state.csrf`."""

    @wraps(endpoint)
    async def checked(request: Request) -> Response:
        who = await _who(request)
        if who is None:
            return _sign_in_first(request)
        request.state.who = who
        if not who.role.covers(role):
            raise ProblemError(
                403, "forbidden", f"this takes the role {role}; you are {who.role}: ask an admin"
            )
        return await endpoint(request)

    return _route(path, checked, methods, name, role)


def public(
    path: str,
    endpoint: Endpoint,
    *,
    methods: Sequence[str] = ("GET",),
    name: str | None = None,
    sees: bool = True,
) -> Route:
    """A route for anybody. `request.state.who` is who is signed in, or None; without `sees` nobody looks."""

    @wraps(endpoint)
    async def checked(request: Request) -> Response:
        if request.method not in SAFE:
            _same_site(request)
        request.state.who, request.state.csrf = None, ""
        secret = request.cookies.get(COOKIE) if sees and request.method in SAFE else None
        if secret:
            session = await context(request).sessions.of_cookie(secret)
            if session is not None:
                request.state.who, request.state.csrf = session.who, csrf(secret)
        return await endpoint(request)

    return _route(path, checked, methods, name, None)


def public_files(path: str, directory: str, *, name: str = "static") -> Mount:
    """A folder of files for anybody."""
    return PublicFiles(path, StaticFiles(directory=directory), name=name)


def declared(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """The routes. Raises `TypeError`: one that says nothing of who may use it."""
    found = list(routes)
    for route in found:
        if not isinstance(route, Guarded | PublicFiles):
            raise TypeError(f"{route} is neither guarded nor public (manage/guard.py)")
    return found


def keep(request: Request, response: Response, secret: str) -> Response:
    """The response, with the cookie of a session; `secret` "": without it from now on."""
    lasts = LONGEST_MS // 1000 if secret else 0
    response.set_cookie(
        COOKIE,
        secret,
        max_age=lasts,
        secure=here(request).startswith("https:"),
        httponly=True,
        samesite="lax",
    )
    return response


def here(request: Request) -> str:
    """The server's address as the reader sees it, also behind a proxy that says so."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", request.url.scheme).partition(",")[0].strip().lower()
    host = headers.get("x-forwarded-host", headers.get("host", request.url.netloc)).partition(",")[0].strip()
    return f"{'https' if scheme == 'https' else 'http'}://{host}"


def local(path: str | None) -> str:
    """Where to go after signing in: a path of this site, whatever was asked for."""
    good = (
        path is not None
        and path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and path.isprintable()
    )
    return path if good and path is not None else "/"


def address(request: Request) -> str:
    """Where a request comes from. Behind a proxy that is the proxy."""
    return request.client.host if request.client else ""


def _route(
    path: str, endpoint: Endpoint, methods: Sequence[str], name: str | None, role: Role | None
) -> Route:
    route = Guarded(path, endpoint, methods=list(methods), name=name)
    route.role = role
    return route


async def _who(request: Request) -> Who | None:
    sessions = context(request).sessions
    request.state.csrf = ""
    given = request.headers.get("authorization")
    if given is not None:
        scheme, _, token = given.partition(" ")
        found = await sessions.of_token(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise _unknown("this token is not known: make one with 'plaudit token add'")
        return Who(found.id, found.name, found.role, Via.TOKEN)
    secret = request.cookies.get(COOKIE)
    session = await sessions.of_cookie(secret, used=not _by_itself(request)) if secret else None
    if session is None:
        return None
    request.state.csrf = csrf(session.secret)
    if request.method not in SAFE:
        sent = request.headers.get("x-csrf-token") or (await form(request)).get("csrf") or ""
        if not csrf_matches(session.secret, sent):
            raise ProblemError(403, "forged", "this form is too old or not from here: load the page again")
    return session.who


def _by_itself(request: Request) -> bool:
    """Whether it is a part of a page that keeps itself up to date, with nobody there perhaps."""
    return request.method in SAFE and (
        "hx-request" in request.headers or "text/event-stream" in request.headers.get("accept", "")
    )


def _sign_in_first(request: Request) -> Response:
    if request.url.path.startswith("/api/") or not browses(request):
        raise _unknown("say who you are: Authorization: Bearer TOKEN")
    if "hx-request" in request.headers:
        # htmx would put the page of a redirect into the part that it asked for
        at = _sign_in_at(_page_of(request))
        return Response(status_code=401, headers={"hx-redirect": at})
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(_sign_in_at(back if request.method in SAFE else "/"), 303)


def _sign_in_at(back: str) -> str:
    return SIGN_IN if back == "/" else f"{SIGN_IN}?next={quote(back)}"


def _page_of(request: Request) -> str:
    """The page of this site on which htmx asks for a part."""
    page = _of_this_site(request, request.headers.get("hx-current-url", ""))
    return local(None if page is None else urlunsplit(page._replace(scheme="", netloc="")))


def _of_this_site(request: Request, address: str) -> SplitResult | None:
    """An address of this site in its parts; None: it is another's, or none at all."""
    try:
        found = urlsplit(address)
    except ValueError:
        return None
    ours = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    return found if found.netloc in ours else None


def _unknown(detail: str) -> ProblemError:
    return ProblemError(401, "unknown", detail, headers={"www-authenticate": 'Bearer realm="plaudit"'})


def _same_site(request: Request) -> None:
    """Nobody may sign others in, from a page of theirs, as somebody else."""
    headers: Any = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in (None, "same-origin", "none") or (
        site is None and origin is not None and _of_this_site(request, origin) is None
    ):
        raise ProblemError(403, "forged", "this form is not from here: load the page again")
