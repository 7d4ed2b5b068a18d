"""The Invitations API's data, read strictly: bytes in, a struct out or a reason in words.

From the vendor's page and its clients (trustpilot.md 2.3). What is wrong in the vendor's eyes without being
refused, as an unknown template, is no matter of this module. Pure.
"""

# ruff: noqa: N815 - the fields have the wire's names
from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from plaudit.sandbox.address import is_address
from plaudit.sandbox.reading import Reader

_Some = msgspec.Meta(min_length=1)


class Product(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    sku: str = ""
    name: str = ""
    mpn: str = ""
    brand: str = ""
    imageUrl: str = ""
    productUrl: str = ""
    gtin: str = ""
    productCategoryGoogleId: str = ""


class ServiceReview(msgspec.Struct, forbid_unknown_fields=True):
    templateId: str | msgspec.UnsetType = msgspec.UNSET
    preferredSendTime: str | msgspec.UnsetType = msgspec.UNSET
    redirectUri: str | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET


class ProductReview(msgspec.Struct, forbid_unknown_fields=True):
    templateId: str | msgspec.UnsetType = msgspec.UNSET
    preferredSendTime: str | msgspec.UnsetType = msgspec.UNSET
    redirectUri: str | msgspec.UnsetType = msgspec.UNSET
    products: Annotated[list[Product], _Some] | msgspec.UnsetType = msgspec.UNSET
    productSkus: Annotated[list[str], _Some] | msgspec.UnsetType = msgspec.UNSET


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    consumerEmail: str
    consumerName: str
    referenceNumber: str
    locale: str | msgspec.UnsetType = msgspec.UNSET
    senderEmail: str | msgspec.UnsetType = msgspec.UNSET
    senderName: str | msgspec.UnsetType = msgspec.UNSET
    replyTo: str | msgspec.UnsetType = msgspec.UNSET
    locationId: str | msgspec.UnsetType = msgspec.UNSET
    type: Literal["email"] | msgspec.UnsetType = msgspec.UNSET
    serviceReviewInvitation: ServiceReview | msgspec.UnsetType = msgspec.UNSET
    productReviewInvitation: ProductReview | msgspec.UnsetType = msgspec.UNSET


class Deletion(msgspec.Struct, forbid_unknown_fields=True):
    customerEmails: Annotated[list[str], _Some] | msgspec.UnsetType = msgspec.UNSET
    deleteOlderThan: datetime | msgspec.UnsetType = msgspec.UNSET

    @property
    def before(self) -> int | None:
        """The date in milliseconds since 1970, read as UTC when it has no offset; None if there is none."""
        if self.deleteOlderThan is msgspec.UNSET:
            return None
        moment = self.deleteOlderThan
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)


_TIME = "UTC as YYYY-MM-DDTHH:MM:SS, such as 2026-11-30T09:00:00"
_URI = "an http or https address, such as https://shop.example/thanks"
_MENDS = {
    "": "one JSON object",
    "consumerEmail": "the customer's e-mail address, such as ada@example.com",
    "consumerName": "the customer's name as a string, empty if unknown",
    "referenceNumber": "the order's number as a non-empty string",
    "locale": "a language and a country, such as en-US",
    "senderEmail": "an e-mail address, or leave it out for the account's own",
    "replyTo": "an e-mail address, or leave it out for the account's own",
    "type": '"email", or leave it out',
    "serviceReviewInvitation": "an object, empty if the account's settings shall do",
    "productReviewInvitation": "an object with products or productSkus",
    "customerEmails": "an array of one or more e-mail addresses",
    "deleteOlderThan": "a date and time, such as 2026-01-31T00:00:00",
    **{
        f"{block}.{field}": mend
        for block in ("serviceReviewInvitation", "productReviewInvitation")
        for field, mend in (
            ("templateId", "an id out of the list of templates, or leave it out for the account's default"),
            ("preferredSendTime", _TIME),
            ("redirectUri", _URI),
        )
    },
    "serviceReviewInvitation.tags": "an array of words",
    "productReviewInvitation.products": "an array of one or more objects",
    "productReviewInvitation.productSkus": "an array of one or more SKUs of the uploaded catalogue",
}
_invitation = Reader(
    Invitation,
    _MENDS,
    {
        "serviceReviewInvitation": ServiceReview,
        "productReviewInvitation": ProductReview,
        "productReviewInvitation.products[]": Product,
    },
)
_deletion = Reader(Deletion, _MENDS)


def read_invitation(body: bytes) -> Invitation:
    """The invitation that `body` holds; ContractError says what is wrong with it."""
    invitation = _invitation.read(body)
    check = _invitation
    check.check_address("consumerEmail", invitation.consumerEmail)
    check.require(invitation.referenceNumber.strip(), "referenceNumber: empty")
    check.check_locale("locale", _given(invitation.locale))
    for field, address in (("senderEmail", invitation.senderEmail), ("replyTo", invitation.replyTo)):
        if address is not msgspec.UNSET:
            check.check_address(field, address)
    service, product = invitation.serviceReviewInvitation, invitation.productReviewInvitation
    if service:
        _check_block("serviceReviewInvitation", service)
        check.check_words("serviceReviewInvitation.tags", service.tags or None)
    if product:
        _check_block("productReviewInvitation", product)
        _check_products(product)
    check.require(service or product, "serviceReviewInvitation: missing, and productReviewInvitation too")
    if service and product and service.preferredSendTime and product.preferredSendTime:
        check.require(
            service.preferredSendTime < product.preferredSendTime,
            "serviceReviewInvitation.preferredSendTime: not before productReviewInvitation.preferredSendTime",
        )
    return invitation


def read_deletion(body: bytes) -> Deletion:
    """Whose data, or how old, shall be deleted; ContractError says what is wrong."""
    deletion = _deletion.read(body)
    addresses, date = deletion.customerEmails, deletion.deleteOlderThan
    _deletion.require(
        (addresses is msgspec.UNSET) != (date is msgspec.UNSET),
        "customerEmails: either this or deleteOlderThan, and not both",
    )
    if addresses:
        _deletion.require(all(map(is_address, addresses)), "customerEmails: not all are e-mail addresses")
    return deletion


def _check_block(name: str, block: ServiceReview | ProductReview) -> None:
    template, uri = block.templateId, block.redirectUri
    _invitation.require(template is msgspec.UNSET or template.strip(), f"{name}.templateId: empty")
    _invitation.check_send_time(f"{name}.preferredSendTime", _given(block.preferredSendTime))
    _invitation.check_uri(f"{name}.redirectUri", _given(uri))


def _check_products(block: ProductReview) -> None:
    products, skus = block.products, block.productSkus
    _invitation.require(
        (products is msgspec.UNSET) != (skus is msgspec.UNSET),
        "productReviewInvitation.products: either this or productSkus, and not both",
    )
    _invitation.check_words("productReviewInvitation.productSkus", skus or None)
    for at, product in enumerate(products or ()):
        _invitation.require(
            product.sku.strip(), f"productReviewInvitation.products[{at}].sku: missing or empty; send the SKU"
        )


def _given(value: str | msgspec.UnsetType) -> str | None:
    return None if value is msgspec.UNSET else value
