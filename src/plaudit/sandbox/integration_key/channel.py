"""The Integration-Key API's endpoints: `/api/{key}/invitation`, `batchinvitations`, `trustboxconfig`, `/api/log`.

Raw ASGI, since every order of a load test comes through here. A request is judged in this order: key,
contract, faults, record. So wrong data are always told, whatever fault is on, and `reset` leaves no trace.
The key stands in the path; it is never repeated in an answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

import msgspec
from starlette.types import Receive, Scope, Send

from plaudit.sandbox import asgi, faults
from plaudit.sandbox.asgi import BODY_LIMIT, Answer, told
from plaudit.sandbox.faults import Drawn, Faults
from plaudit.sandbox.integration_key import contract
from plaudit.sandbox.integration_key.contract import Invitation
from plaudit.sandbox.reading import ContractError
from plaudit.sandbox.recorder import Received, Recorder

CHANNEL = "integration_key"

_KEY = re.compile("[A-Za-z0-9]{8,64}")
_FAULTS = faults.of(CHANNEL)
# The browser asks for trustboxconfig, which knows neither blocked plugins nor products.
_CONFIG_FAULTS = _FAULTS - faults.BLOCKED - {"202-first"}
_WITH_PRODUCTS = _FAULTS - {"202-first"}
_ASK = Answer(202)


class IntegrationKey:
    """The channel as an ASGI app for all of `/api/`. `keys`: the only ones let in; None: any that look right."""

    def __init__(self, recorder: Recorder, active: Faults, keys: Collection[str] | None = None) -> None:
        self._recorder = recorder
        self._faults = active
        self._keys = None if keys is None else frozenset(keys)
        self._endpoints = {
            "invitation": self._invitation,
            "batchinvitations": self._batch,
            "trustboxconfig": self._config,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await asgi.read(receive, BODY_LIMIT)
        if body is None:
            return
        answer = self._judge(scope, body)
        self._recorder.answered(answer.name, log=scope["path"] == "/api/log")
        await asgi.give(answer, scope, receive, send)

    def _judge(self, scope: Scope, body: bytes) -> Answer:
        """The answer; what is to be recorded has been."""
        if scope["method"] != "POST":
            return told(405, "send it as a POST", (b"allow", b"POST"))
        parts = scope["path"].split("/")[2:]
        if parts == ["log"]:
            return Answer(200)
        endpoint = self._endpoints.get(parts[1]) if len(parts) == 2 else None
        if endpoint is None:
            wants = ", ".join(f"/api/<key>/{name}" for name in self._endpoints)
            return told(404, f"there is no such endpoint: post to {wants}")
        refusal = self._refusal(parts[0], body)
        if refusal is not None:
            return refusal
        try:
            if body or endpoint != self._config:
                _check_headers(scope)
            return endpoint(parts[0], body)
        except ContractError as error:
            return told(400, str(error))

    def _refusal(self, key: str, body: bytes) -> Answer | None:
        if not _KEY.fullmatch(key):
            return told(
                404, "that is no Integration Key: 8 to 64 letters and digits, from Trustpilot's settings"
            )
        if self._keys is not None and key not in self._keys:
            return told(401, "unknown Integration Key: start the sandbox with it, or with no list of keys")
        if len(body) > BODY_LIMIT:
            return told(413, f"the body is too long; send at most {BODY_LIMIT} bytes")
        return None

    def _invitation(self, key: str, body: bytes) -> Answer:
        invitation = contract.read_invitation(body)
        received = _received(key, invitation)
        asks = not invitation.has_products and not invitation.payloadType
        drawn = self._faults.draw(key, _FAULTS if asks else _WITH_PRODUCTS)
        answer = _faulty(drawn) or (_ASK if drawn.ask_products else Answer(201))
        if answer.broken != "reset":
            self._record(received, drawn, answer, information=invitation.payloadType is not None)
        return answer._replace(delay=drawn.delay)

    def _batch(self, key: str, body: bytes) -> Answer:
        batch = contract.read_batch(body)
        asks = batch.type == "WITHOUT_PRODUCT_DATA"
        drawn = self._faults.draw(key, _FAULTS if asks else _WITH_PRODUCTS)
        answer = _faulty(drawn) or (_ASK if drawn.ask_products else Answer(201))
        failures = []
        for item in batch.invitations:
            try:
                invitation = contract.read_item(batch, item)
            except ContractError as error:
                failures.append({"referenceId": contract.reference_of(item), "error": str(error)})
                continue
            if answer.broken != "reset":
                information = invitation.payloadType is not None
                self._record(_received(key, invitation), drawn, answer, information=information)
        if failures and answer == Answer(201):
            answer = asgi.json(201, failures)
        return answer._replace(delay=drawn.delay)

    def _config(self, key: str, body: bytes) -> Answer:
        if body:
            raise ContractError("the body: trustboxconfig takes none; leave it out")
        drawn = self._faults.draw(key, _CONFIG_FAULTS)
        business = {
            "BusinessUnitId": hashlib.sha256(key.encode()).hexdigest()[:24],
            "Url": "https://shop.example.com",
        }
        return (_faulty(drawn) or asgi.json(200, business))._replace(delay=drawn.delay)

    def _record(self, received: Received, drawn: Drawn, answer: Answer, *, information: bool) -> None:
        taken = drawn.fault is None or answer.broken == "reset-after"
        if information and taken:
            self._recorder.update(received, answer.name)
        elif not information:
            accepted = taken and not drawn.ask_products
            self._recorder.post(received, answer.name, accepted=accepted)


def _received(key: str, invitation: Invitation) -> Received:
    products = invitation.products if invitation.has_products else None
    return Received(
        channel=CHANNEL,
        key=key,
        reference_id=invitation.referenceId,
        recipient_email=invitation.recipientEmail,
        recipient_name=invitation.recipientName,
        source=invitation.source,
        total_cost=None if invitation.totalCost == "" else invitation.totalCost,
        currency=invitation.currency,
        products=msgspec.json.encode(products) if products else b"",
    )


def _faulty(drawn: Drawn) -> Answer | None:
    """The answer that the drawn fault gives in place of the right one."""
    fault = drawn.fault
    if fault is not None and fault.name in faults.BLOCKED:
        return asgi.json(int(fault.name), fault.value.split(","))
    return asgi.faulty(fault)


def _check_headers(scope: Scope) -> None:
    if not asgi.is_json(scope):
        raise ContractError("Content-Type: send application/json, with charset=utf-8 or none")
    if asgi.header(scope, b"content-encoding"):
        raise ContractError("Content-Encoding: send the body uncompressed, without this header")
