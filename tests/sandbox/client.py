"""Ways to speak to a sandbox: straight to the app, or over a raw socket that shows every byte."""

from __future__ import annotations

import asyncio
import base64
import json
from email.message import EmailMessage
from typing import Any, NamedTuple

from starlette.types import Message

from plaudit.sandbox.app import Sandbox, create_app
from plaudit.sandbox.faults import parse

KEY = "demokey12"
INVITATION: dict[str, Any] = {
    "recipientEmail": "ada@example.com",
    "recipientName": "Ada Lovelace",
    "referenceId": "1001",
}
PRODUCTS: dict[str, Any] = {
    "products": [{"name": "Engine", "sku": "AE-1"}, {"name": "Cards"}],
    "productSkus": ["AE-1", ""],
}

UNIT = "46d6a890ffa235a75b00021d"
API_INVITATION: dict[str, Any] = {
    "consumerEmail": "ada@example.com",
    "consumerName": "Ada Lovelace",
    "referenceNumber": "1001",
    "serviceReviewInvitation": {},
}
TOKEN_PATH = "/v1/oauth/oauth-business-users-for-applications/accesstoken"
FORM = "application/x-www-form-urlencoded"
AFS = "shop.example.com+abc123def456@invite.trustpilot.com"
SNIPPET: dict[str, Any] = {"recipientEmail": "ada@example.com", "referenceId": "1001"}
EVENT: dict[str, Any] = {
    "type": "identify",
    "messageId": "m-1",
    "timestamp": "2026-11-23T18:40:00.000Z",
    "receivedAt": "2026-11-23T18:40:00.100Z",
    "userId": "user-1",
}
ORDER: dict[str, Any] = {"order_id": "1001", "email": "ada@example.com"}


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def given(base: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The base with these fields; a field given as ... is left out."""
    return {name: value for name, value in {**base, **fields}.items() if value is not ...}


def mail(html: str | None = None, subtype: str = "html", **fields: Any) -> EmailMessage:
    """A mail with a snippet as a good sender writes it, or with this HTML."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "orders@shop.example.com", AFS, "Order 1001"
    message["X-Mailer"] = "Plaudit/0.2"
    snippet = json.dumps(given(SNIPPET, fields)).replace("<", "\\u003c")
    script = f'<script type="application/json+trustpilot">{snippet}</script>'
    message.set_content("Thank you." if html is None else html, subtype="plain" if html is None else subtype)
    if html is None:
        message.add_alternative(f"<html><body>{script}</body></html>", subtype="html")
    return message


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class FixedClock:
    """A clock that stands where it is put, and chance that comes out as told."""

    def __init__(self, chance: float = 0.0) -> None:
        self.time = 1_795_459_200_000
        self.chance = chance

    def now(self) -> int:
        return self.time

    def jitter(self) -> float:
        return self.chance


class Client:
    """Speaks ASGI to a sandbox of its own."""

    def __init__(self, *faults: str, **options: Any) -> None:
        self.clock = FixedClock()
        self.app: Sandbox = create_app(faults=map(parse, faults), clock=self.clock, **options)

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8711),
        }
        incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if incoming:
                return incoming.pop()
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *rest = sent
        answered = {k.decode(): v.decode() for k, v in start["headers"]}
        return Reply(start["status"], answered, b"".join(part.get("body", b"") for part in rest))

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, headers=headers)

    async def send_json(self, method: str, path: str, value: object) -> Reply:
        return await self.send(method, path, json.dumps(value).encode(), {"content-type": "application/json"})

    async def invite(self, key: str = KEY, **fields: Any) -> Reply:
        """Post an invitation; a field given as ... is left out."""
        merged = {name: value for name, value in {**INVITATION, **fields}.items() if value is not ...}
        return await self.send_json("POST", f"/api/{key}/invitation", merged)

    async def token(self, client: str = "client", secret: str = "secret") -> Reply:
        headers = {"authorization": basic(client, secret), "content-type": FORM}
        return await self.send("POST", TOKEN_PATH, b"grant_type=client_credentials", headers)

    async def api(
        self, what: str = "email-invitations", value: Any = None, token: str = "", **headers: str
    ) -> Reply:
        """Call the Invitations API with a token, a new one by default; a header given as "" is left out."""
        token = token or (await self.token()).json["access_token"]
        merged = {
            "authorization": f"Bearer {token}",
            "x-business-user-id": "507f191e810c19729de860ea",
            "content-type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        body = b"" if what == "templates" else json.dumps(API_INVITATION if value is None else value).encode()
        method = "GET" if what == "templates" else "POST"
        sent = {name: text for name, text in merged.items() if text}
        return await self.send(method, f"/v1/private/business-units/{UNIT}/{what}", body, sent)

    async def partner(self, key: str = KEY, event: Any = None, **headers: str) -> Reply:
        """Send an event as Segment does; a header given as "" is left out."""
        merged = {
            "authorization": basic(key),
            "content-type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        sent = {name: text for name, text in merged.items() if text}
        return await self.send(
            "POST", "/partner", json.dumps(EVENT if event is None else event).encode(), sent
        )

    async def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = (await self.get("/sandbox/calls?limit=0")).json
        return calls

    async def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.get("/sandbox/invitations?limit=0")).json
        return rows

    async def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = (await self.get("/sandbox/stats")).json
        return stats


async def raw(port: int, reference: str = "1001", **fields: Any) -> bytes:
    """Post an invitation over a socket: all bytes that came back. ConnectionResetError when reset."""
    body = json.dumps({**INVITATION, "referenceId": reference, **fields}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = (
            f"POST /api/{KEY}/invitation HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        return await reader.read()
    finally:
        writer.close()
