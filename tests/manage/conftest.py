"""A console's app on a real store, with a person and a token of each role; asked without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from plaudit.destinations.catalog import destinations
from plaudit.manage import passwords
from plaudit.manage.context import Context
from plaudit.secrets import vault
from plaudit.store.access import Role, hashed
from plaudit.store.sqlite import SqliteStore

PASSWORD = "correct horse battery"


class FixedClock:
    """Time stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = 1_800_000_000_000

    def now(self) -> int:
        return self.time

    def jitter(self) -> float:
        return 0.5


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def context(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Context]:
    store = SqliteStore(tmp_path / "store.db", vault(tmp_path))
    yield Context(store, clock, destinations())
    await store.close()


class Reply(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


Ask = Callable[..., Awaitable[Reply]]


async def ask(
    app: Any,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    client: str = "192.0.2.1",
    **headers: str,
) -> Reply:
    """One request to an ASGI app; `headers` with _ for -."""
    where, _, query = path.partition("?")
    given = {"host": "plaudit.test", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": where,
        "raw_path": where.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        "client": (client, 5000),
        "server": ("plaudit.test", 80),
    }
    sent: list[dict[str, Any]] = []
    incoming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    return Reply(
        start["status"],
        [(k.decode(), v.decode()) for k, v in start["headers"]],
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


@pytest.fixture
async def people(context: Context) -> dict[Role, str]:
    """A person of each role, all with `PASSWORD`; their names."""
    kept = await passwords.make(PASSWORD)
    for role in Role:
        await context.store.access.add_person(role.value, role, kept, 1)
    return {role: role.value for role in Role}


@pytest.fixture
async def tokens(context: Context) -> dict[Role, str]:
    """A token of each role."""
    for role in Role:
        await context.store.access.add_token(role.value, role, hashed(f"token-{role}"), 1)
    return {role: f"token-{role}" for role in Role}
