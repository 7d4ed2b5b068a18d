"""One Segment event as a partner is sent it: bytes in, an event out, or a reason in words.

Events carry more than this module knows, so here unknown fields are let pass. Pure.
"""

# ruff: noqa: N815 - the fields have the wire's names
from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec

from plaudit.sandbox.address import is_address
from plaudit.sandbox.reading import ContractError, Reader

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
# As Segment's own library matches it: any case; a space, an underscore or nothing between; either order.
_COMPLETED = re.compile("order[ _]?completed|completed[ _]?order", re.IGNORECASE)


class Event(msgspec.Struct):
    type: str
    messageId: _Id
    timestamp: datetime
    receivedAt: datetime
    userId: str | None = None
    anonymousId: str | None = None
    event: str | None = None
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None

    @property
    def is_order(self) -> bool:
        return self.type == "track" and _COMPLETED.fullmatch((self.event or "").strip()) is not None

    @property
    def is_of_audience(self) -> bool:
        """Whether it is Audience Entered, Audience Exited or Trait Computed, whatever they are called there."""
        return self.type == "track" and isinstance((self.context or {}).get("personas"), dict)


class Product(msgspec.Struct):
    product_id: str | int = ""
    sku: str = ""
    name: str = ""
    url: str = ""
    image_url: str = ""


class Order(msgspec.Struct):
    order_id: str | int
    email: str
    name: str | None = None
    surname: str | None = None
    total: str | int | float | None = None
    revenue: str | int | float | None = None
    currency: str | None = None
    products: list[Product] = []


_event = Reader(
    Event,
    {
        "": "one JSON object",
        "type": "identify, track, page, screen, group or alias",
        "messageId": "the event's id, of 1 to 100 characters",
        "timestamp": "a time with an offset, such as 2026-11-30T09:00:00.000Z",
        "receivedAt": "a time with an offset, such as 2026-11-30T09:00:00.000Z",
        "userId": "a user id as a string, or else an anonymousId",
    },
)
_order = Reader(Order, {"order_id": "the order's number", "email": "the customer's e-mail address"})


def read_event(body: bytes) -> Event:
    """The event; ContractError says what is wrong with it."""
    event = _event.read(body)
    for field in ("timestamp", "receivedAt"):
        _event.require(getattr(event, field).tzinfo, f"{field}: without an offset")
    _event.require(event.userId or event.anonymousId, "userId: missing, and anonymousId too")
    return event


def read_order(event: Event) -> Order:
    """The order of an `Order Completed`; ContractError says what its properties lack."""
    try:
        order = _order.read(event.properties)
    except ContractError as error:
        raise ContractError(f"properties: {error}") from None
    if not str(order.order_id).strip():
        raise ContractError("properties: order_id: empty; send the order's number")
    if not is_address(order.email):
        raise ContractError("properties: email: not an e-mail address; send the customer's")
    return order


def check_settings(text: bytes) -> None:
    """ContractError unless these are settings as Segment adds them, decoded from base64."""
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ContractError("X-Segment-Settings: send a JSON object in base64, or leave it out") from None
