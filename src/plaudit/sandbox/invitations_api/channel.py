"""The Invitations API's endpoints: the token, `email-invitations`, `templates`, `invitation-data/delete`.

The vendor has them on two hosts; here they share one, since their paths differ. A request is judged in the
order of all channels: authentication, contract, faults, record. Errors have the bodies seen at the vendor,
which are of three kinds (trustpilot.md 2.4), with the reason in `details` where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from plaudit.clock import Clock
from plaudit.sandbox import asgi, faults
from plaudit.sandbox.asgi import Answer, told
from plaudit.sandbox.faults import Fault, Faults
from plaudit.sandbox.invitations_api import contract, received
from plaudit.sandbox.invitations_api.tokens import CALLS, LIFE, TOKENS_A_MINUTE, Rate, Token, Tokens
from plaudit.sandbox.reading import ContractError
from plaudit.sandbox.recorder import Record, Recorder
from plaudit.sandbox.review_templates import TEMPLATES

CHANNEL = "invitations_api"
TOKEN_PATH = "/v1/oauth/oauth-business-users-for-applications/accesstoken"  # noqa: S105 - a path, no secret

_UNIT = re.compile("/v1/private/business-units/(?P<unit>[^/]*)/(?P<what>.*)")
_ID = re.compile("[0-9a-f]{24}")
_FAULTS = faults.of(CHANNEL)
_WITHIN_RATE = _FAULTS - {"rate-limit"}
_TOKEN_FAULTS = _WITHIN_RATE - {"token-expired", "1014"}
_HTML = (
    b"<!DOCTYPE html><html><head><title>ERROR: The request could not be satisfied</title></head>"
    b"<body><h1>403 ERROR</h1><p>Request blocked.</p></body></html>"
)


class InvitationsApi:
    """The channel as an ASGI app for all of `/v1/`. `clients`: API keys with their secrets; None: any."""

    def __init__(
        self, recorder: Recorder, active: Faults, clock: Clock, clients: Mapping[str, str] | None = None
    ) -> None:
        self._recorder = recorder
        self._faults = active
        self._clients = clients
        self._tokens = Tokens(clock)
        self._asked = Rate(clock, (TOKENS_A_MINUTE, 60))
        self._called = Rate(clock, *CALLS)
        self._endpoints = {
            "email-invitations": ("POST", self._invite),
            "templates": ("GET", self._templates),
            "invitation-data/delete": ("POST", self._delete),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.converse(self._judge, self._recorder, scope, receive, send)

    def _judge(self, scope: Scope, body: bytes) -> Answer:
        """The answer; what is to be recorded has been."""
        if scope["path"] == TOKEN_PATH:
            return self._token(scope, body) if scope["method"] == "POST" else _other_method("POST")
        found = _UNIT.fullmatch(scope["path"])
        if found is None or found["what"] not in self._endpoints or not _ID.fullmatch(found["unit"]):
            wants = ", ".join(self._endpoints)
            return told(
                404, f"there is no such endpoint: under /v1/private/business-units/<24 hex>/ are {wants}"
            )
        method, endpoint = self._endpoints[found["what"]]
        if scope["method"] != method:
            return _other_method(method)
        token = self._bearer(scope)
        if token is None:
            return _no_token()
        over = self._called.is_over(token.client)
        if over:
            self._recorder.count("over_rate")
        answer = self._called_with(scope, body) or endpoint(found["unit"], body, token, over)
        if not (over and answer.status == 429):
            self._called.count(token.client)
        return answer

    def _bearer(self, scope: Scope) -> Token | None:
        scheme, _, value = asgi.header(scope, b"authorization").partition(" ")
        return self._tokens.find(value.strip()) if scheme.lower() == "bearer" else None

    def _called_with(self, scope: Scope, body: bytes) -> Answer | None:
        """What is wrong with the request but for its body's fields."""
        if scope["method"] == "GET":
            return None
        if not _ID.fullmatch(asgi.header(scope, b"x-business-user-id")):
            return _forbidden()
        if not asgi.is_json(scope):
            return told(415, "Content-Type: send application/json, with charset=utf-8 or none")
        if len(body) > asgi.BODY_LIMIT:
            return told(413, f"the body is too long; send at most {asgi.BODY_LIMIT} bytes")
        return None

    def _invite(self, unit: str, body: bytes, token: Token, over: bool) -> Answer:
        try:
            invitation = contract.read_invitation(body)
        except ContractError as error:
            return _bad(error)
        drawn = self._faults.draw(unit, _FAULTS if over else _WITHIN_RATE)
        answer = self._faulty(drawn.fault, token) or Answer(202)
        if answer.broken != "reset":
            taken = drawn.fault is None or answer.broken == "reset-after"
            invited = received.of_api(CHANNEL, unit, invitation)
            self._recorder.post(invited, answer.name, accepted=taken)
            if taken and invited.wishes.note:
                self._recorder.count("unsent")
        return answer._replace(delay=drawn.delay)

    def _templates(self, unit: str, _: bytes, token: Token, over: bool) -> Answer:
        drawn = self._faults.draw(unit, _FAULTS if over else _WITHIN_RATE)
        answer = self._faulty(drawn.fault, token) or asgi.json(200, {"templates": TEMPLATES})
        return answer._replace(delay=drawn.delay)

    def _delete(self, unit: str, body: bytes, token: Token, over: bool) -> Answer:
        try:
            wanted = contract.read_deletion(body)
        except ContractError as error:
            return _bad(error)
        drawn = self._faults.draw(unit, _FAULTS if over else _WITHIN_RATE)
        answer = self._faulty(drawn.fault, token) or Answer(202)
        if drawn.fault is None or answer.broken == "reset-after":
            before = wanted.before
            people = {address.lower() for address in wanted.customerEmails or ()}

            def unwanted(record: Record) -> bool:
                if before is not None:
                    return record.received_at < before
                return record.received.recipient_email.lower() in people

            self._recorder.forget(unit, unwanted)
        return answer._replace(delay=drawn.delay)

    def _token(self, scope: Scope, body: bytes) -> Answer:
        given = asgi.basic(scope)
        if given is None or not all(given):
            return told(401, "Authorization: send Basic with the API key and its secret")
        client, secret = given
        if self._clients is not None and self._clients.get(client) != secret:
            return told(401, "unknown API key or wrong secret: start the sandbox with it, or with none")
        kind = asgi.header(scope, b"content-type").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return told(415, "Content-Type: send application/x-www-form-urlencoded")
        if parse_qs(body[: asgi.BODY_LIMIT].decode("latin-1")) != {"grant_type": ["client_credentials"]}:
            return told(400, "grant_type: send client_credentials, and nothing else")
        if self._asked.is_over(client):
            return told(429, f"more than {TOKENS_A_MINUTE} tokens in a minute: use one until it expires")
        self._asked.count(client)
        drawn = self._faults.draw(client, _TOKEN_FAULTS)
        answer = self._faulty(drawn.fault, None)
        if answer is None or answer.broken == "reset-after":
            self._recorder.count("tokens")
            token = self._tokens.issue(client)
            answer = answer or asgi.json(200, _token_reply(token))
        return answer._replace(delay=drawn.delay)

    def _faulty(self, fault: Fault | None, token: Token | None) -> Answer | None:
        """The answer that the fault gives in place of the right one."""
        if fault is None:
            return None
        match fault.name:
            case "token-expired" | "401" if token is not None:
                if fault.name == "token-expired":
                    self._tokens.end(token.value)
                return _no_token()
            case "1014":
                return _forbidden()
            case "400":
                return _bad(ContractError(asgi.because(fault)))
            case "403-html":
                return Answer(403, _HTML, ((b"content-type", b"text/html"),))
            case "rate-limit":
                return told(429, asgi.because(fault), *asgi.later(fault))
        return asgi.faulty(fault)


def _token_reply(token: Token) -> dict[str, str]:
    """All values are strings, as the vendor has them; this grant has nothing to refresh."""
    return {
        "access_token": token.value,
        "refresh_token": "",
        "expires_in": str(LIFE),
        "issued_at": str(token.issued_at),
        "client_id": token.client,
        "app_enduser": "",
        "refresh_token_expires_in": "0",
        "refresh_token_issued_at": "",
        "refresh_token_status": "",
    }


def _other_method(method: str) -> Answer:
    return told(405, f"send it as a {method}", (b"allow", method.encode()))


def _no_token() -> Answer:
    detail = {"errorcode": "oauth.v2.InvalidAccessToken"}
    return asgi.json(401, {"fault": {"faultstring": "Invalid access token", "detail": detail}})


def _forbidden() -> Answer:
    body = {"message": "Access to resource is forbidden", "errorCode": 1014, "correlationId": "sandbox"}
    return asgi.json(403, body)


def _bad(error: ContractError) -> Answer:
    return asgi.json(400, {"message": "The request is invalid.", "errorCode": 400, "details": str(error)})
