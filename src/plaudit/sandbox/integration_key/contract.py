"""The Integration-Key API's data, read strictly: bytes in, an invitation out or a reason in words.

From the sources of Trustpilot's six plugins (trustpilot.md 1.2, 1.3, 1.6). The vendor may be laxer; a client
that satisfies this module sends nothing the plugins would not. Pure; `reading` words what is wrong.
"""

# ruff: noqa: N815 - the fields have the wire's names
from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from plaudit.sandbox.address import is_address
from plaudit.sandbox.reading import ContractError, Reader

MAX_BATCH = 20

_Text = str | int | float


class Product(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    name: str = ""
    sku: str = ""
    productUrl: str = ""
    imageUrl: str = ""
    gtin: str = ""
    mpn: str = ""
    brand: str = ""
    manufacturer: str = ""
    productId: str | int = ""
    price: _Text = ""
    currency: str = ""
    description: str = ""
    categories: list[str] | None = None
    images: list[str] | None = None
    tags: list[str] | None = None
    videos: list[str] | None = None
    meta: dict[str, Any] | None = None


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    recipientEmail: str
    recipientName: str
    referenceId: str
    source: str = ""
    pluginVersion: str = ""
    hook: str = ""
    orderStatusId: _Text = ""
    orderStatusName: _Text = ""
    templateParams: list[str | int] | None = None
    payloadType: Literal["OrderStatusUpdate"] | None = None
    products: list[Product] | msgspec.UnsetType = msgspec.UNSET
    productSkus: list[str] | msgspec.UnsetType = msgspec.UNSET
    totalCost: _Text = ""
    currency: str = ""

    @property
    def has_products(self) -> bool:
        """Whether products were sent at all: two empty arrays say 'there are none'."""
        return self.products is not msgspec.UNSET


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    invitations: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]
    type: Literal["WITH_PRODUCT_DATA", "WITHOUT_PRODUCT_DATA"]


class _Reference(msgspec.Struct):
    referenceId: str = ""


_reference = msgspec.json.Decoder(_Reference)

_MENDS = {
    "": "one JSON object",
    "recipientEmail": "the customer's e-mail address, such as ada@example.com",
    "recipientName": "the customer's name as a string, empty if unknown",
    "referenceId": "the order's number as a non-empty string",
    "orderStatusId": "a string or a number",
    "orderStatusName": "a string or a number",
    "templateParams": "an array of scope ids (strings or numbers)",
    "payloadType": '"OrderStatusUpdate" for information, or leave it out to invite',
    "products": "an array of objects, one an order line",
    "productSkus": 'an array of strings, one a product, "" where there is no SKU',
    "totalCost": "the order's total, a number or a string",
    "currency": "a currency code of three capitals, such as EUR",
    "invitations": f"an array of 1 to {MAX_BATCH} invitations",
    "type": '"WITH_PRODUCT_DATA" or "WITHOUT_PRODUCT_DATA"',
}
_invitation = Reader(Invitation, _MENDS, {"products[]": Product})
_batch = Reader(Batch, _MENDS)


def read_invitation(body: bytes | msgspec.Raw) -> Invitation:
    """The invitation that `body` holds; ContractError says what is wrong with it."""
    invitation = _invitation.read(body)
    _invitation.require(is_address(invitation.recipientEmail), "recipientEmail: not an e-mail address")
    _invitation.require(bool(invitation.referenceId.strip()), "referenceId: empty")
    currency = invitation.currency
    _invitation.require(
        not currency or re.fullmatch("[A-Z]{3}", currency) is not None, "currency: not an ISO code"
    )
    _check_products(invitation.products, invitation.productSkus)
    return invitation


def read_batch(body: bytes) -> Batch:
    """The batch that `body` holds, its items still unread: one bad item spoils no other."""
    return _batch.read(body)


def read_item(batch: Batch, item: msgspec.Raw) -> Invitation:
    invitation = read_invitation(item)
    wants = batch.type == "WITH_PRODUCT_DATA"
    if invitation.has_products != wants:
        raise ContractError(
            f"products: the batch's type is {batch.type}; {'add products and productSkus' if wants else 'leave them out'}"
        )
    return invitation


def reference_of(item: msgspec.Raw) -> str:
    """The reference of an item that may be wrong in any way; empty if there is none."""
    try:
        return _reference.decode(item).referenceId
    except msgspec.DecodeError:
        return ""


def _check_products(products: list[Product] | msgspec.UnsetType, skus: list[str] | msgspec.UnsetType) -> None:
    if products is msgspec.UNSET and skus is msgspec.UNSET:
        return
    if products is msgspec.UNSET or skus is msgspec.UNSET:
        missing = "products" if products is msgspec.UNSET else "productSkus"
        raise ContractError(f"{missing}: missing; products and productSkus go together, or leave both out")
    if len(products) != len(skus):
        raise ContractError(
            f"productSkus: {len(skus)} for {len(products)} products; send {_MENDS['productSkus']}"
        )
    for at, (product, sku) in enumerate(zip(products, skus, strict=True)):
        if product.sku and product.sku != sku:
            raise ContractError(f"productSkus[{at}]: not the sku of products[{at}]; keep both in one order")
