"""`POST /partner`: raw Segment events, one a request, as a partner-owned destination is sent them.

The Integration Key is the user of Basic authentication, with no password. `Order Completed` is an invitation,
`identify` is a call about a person, all else is a 501. Judged in the order of all channels: authentication,
contract, faults, record. A message id that was accepted is answered again and recorded once.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection

import msgspec
from starlette.types import Receive, Scope, Send

from plaudit.sandbox import asgi, faults
from plaudit.sandbox.asgi import Answer, told
from plaudit.sandbox.faults import Faults
from plaudit.sandbox.partner import contract
from plaudit.sandbox.partner.contract import Event, Order
from plaudit.sandbox.reading import ContractError
from plaudit.sandbox.recorder import Call, Received, Recorder, Wishes

CHANNEL = "partner"
PATH = "/partner"

_KEY = re.compile("[A-Za-z0-9]{8,64}")
_FAULTS = faults.of(CHANNEL)
_WISHES = Wishes(invites=("service",))  # the vendor's integration for Segment collects no product reviews


class Partner:
    """The channel as an ASGI app. `keys`: the only ones let in; None: any that look right."""

    def __init__(self, recorder: Recorder, active: Faults, keys: Collection[str] | None = None) -> None:
        self._recorder = recorder
        self._faults = active
        self._keys = None if keys is None else frozenset(keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.converse(self._judge, self._recorder, scope, receive, send)

    def _judge(self, scope: Scope, body: bytes) -> Answer:
        """The answer; what is to be recorded has been."""
        if scope["method"] != "POST":
            return told(405, "send it as a POST", (b"allow", b"POST"))
        key, password = asgi.basic(scope) or ("", "")
        if password or not _KEY.fullmatch(key) or not (self._keys is None or key in self._keys):
            return told(401, "Authorization: send Basic with the Integration Key as user and no password")
        if len(body) > asgi.BODY_LIMIT:
            return told(413, f"the body is too long; send at most {asgi.BODY_LIMIT} bytes")
        try:
            _check_headers(scope)
            event = contract.read_event(body)
            order = contract.read_order(event) if event.is_order else None
        except ContractError as error:
            return told(400, str(error))
        if order is None and event.type != "identify" and not event.is_of_audience:
            what = "this track event" if event.type == "track" else "this type of call"
            supported = "identify, and track with Order Completed or what an audience says (context.personas)"
            return told(501, f"{what} is not supported: send {supported}")
        drawn = self._faults.draw(key, _FAULTS)
        answer = asgi.faulty(drawn.fault) or Answer(200)
        if answer.broken != "reset":
            self._record(key, event, order, answer, taken=answer.status == 200 or bool(answer.broken))
        return answer._replace(delay=drawn.delay)

    def _record(self, key: str, event: Event, order: Order | None, answer: Answer, *, taken: bool) -> None:
        if self._recorder.repeats(key, event.messageId):
            return
        if order is not None:
            self._recorder.post(_received(key, event, order), answer.name, accepted=taken)
        else:
            self._recorder.call(_call(key, event), answer.name, accepted=taken)
        if taken:
            self._recorder.remember(key, event.messageId)


def _received(key: str, event: Event, order: Order) -> Received:
    products = [
        {"name": p.name, "sku": p.sku or str(p.product_id), "productUrl": p.url, "imageUrl": p.image_url}
        for p in order.products
    ]
    library = (event.context or {}).get("library")
    return Received(
        channel=CHANNEL,
        key=key,
        reference_id=str(order.order_id),
        recipient_email=order.email,
        recipient_name=" ".join(part for part in (order.name, order.surname) if part),
        source=str(library.get("name", "")) if isinstance(library, dict) else "",
        total_cost=order.revenue if order.total is None else order.total,
        currency=order.currency or "",
        products=msgspec.json.encode(products) if products else b"",
        wishes=_WISHES,
    )


def _call(key: str, event: Event) -> Call:
    return Call(
        channel=CHANNEL,
        key=key,
        type=event.type,
        message_id=event.messageId,
        user_id=event.userId or "",
        anonymous_id=event.anonymousId or "",
        traits=msgspec.json.encode(event.traits or {}),
        context=msgspec.json.encode(event.context or {}),
        event=(event.event or "") if event.type == "track" else "",
        properties=bytes(event.properties),
    )


def _check_headers(scope: Scope) -> None:
    if not asgi.is_json(scope):
        raise ContractError("Content-Type: send application/json, with charset=utf-8 or none")
    if asgi.header(scope, b"content-encoding"):
        raise ContractError("Content-Encoding: send the body uncompressed, without this header")
    settings = asgi.header(scope, b"x-segment-settings")
    if settings:
        try:
            contract.check_settings(base64.b64decode(settings, validate=True))
        except (binascii.Error, ValueError):
            raise ContractError("X-Segment-Settings: not base64; send a JSON object in base64") from None
