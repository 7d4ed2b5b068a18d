"""The Integration-Key API's data, read strictly: bytes in, an invitation out or a reason in words.

From the sources of Trustpilot's six plugins (trustpilot.md 1.2, 1.3, 1.6). The vendor may be laxer; a client
that satisfies this module sends nothing the plugins would not. Pure. A message names field and mend, and
never repeats a value: values are people's names and addresses.
"""

# ruff: noqa: N815 - the fields have the wire's names
from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from plaudit.sandbox.integration_key.address import is_address

MAX_BATCH = 20

T = TypeVar("T")
_Text = str | int | float


class ContractError(Exception):
    """The data are not what the contract says; the message is for the one who sent them."""


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


_invitation = msgspec.json.Decoder(Invitation)
_batch = msgspec.json.Decoder(Batch)
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
_PLACE = re.compile(r"(?s)(?P<what>.*?)(?: - at `\$\.?(?P<place>.*)`)?")
_FIELD = re.compile(r"Object (?P<how>contains unknown|missing required) field `(?P<name>\w{1,60})`")


def read_invitation(body: bytes | msgspec.Raw) -> Invitation:
    """The invitation that `body` holds; ContractError says what is wrong with it."""
    invitation = _decoded(_invitation, body)
    _require(is_address(invitation.recipientEmail), "recipientEmail: not an e-mail address")
    _require(bool(invitation.referenceId.strip()), "referenceId: empty")
    currency = invitation.currency
    _require(not currency or re.fullmatch("[A-Z]{3}", currency) is not None, "currency: not an ISO code")
    _check_products(invitation.products, invitation.productSkus)
    return invitation


def read_batch(body: bytes) -> Batch:
    """The batch that `body` holds, its items still unread: one bad item spoils no other."""
    return _decoded(_batch, body)


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


def _require(good: bool, problem: str) -> None:
    if not good:
        raise ContractError(f"{problem}; send {_MENDS[problem.partition(':')[0]]}")


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ContractError(_in_words(str(error), decoder.type)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContractError("the body is not JSON in UTF-8; send one JSON object") from None


def _in_words(error: str, struct: Any) -> str:
    """The message of msgspec with the field in front and the mend behind."""
    found = _PLACE.fullmatch(error)
    what, place = (found["what"], found["place"] or "") if found else (error, "")
    field = _FIELD.match(what)
    name = f"{place}.{field['name']}".lstrip(".") if field else place
    if what.startswith("Object contains unknown field"):
        known = ", ".join((Product if place else struct).__struct_fields__)
        return f"{name or 'a field'}: the contract has no such field; leave it out (there are {known})"
    mend = _MENDS.get(name, "")
    problem = "missing" if field else "no known value" if what.startswith("Invalid enum") else what
    return f"{name or 'the body'}: {problem}" + (f"; send {mend}" if mend else "")
