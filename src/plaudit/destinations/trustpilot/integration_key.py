"""The Integration Key channel: the API of Trustpilot's own shop plugins (trustpilot.md 1).

First without products; 202 means "once more, with them". Only 201 is success, or the second post's 202.
The key is part of the path, so a request carries a form of its URL that may be shown.
"""

from __future__ import annotations

import msgspec

from plaudit import __version__
from plaudit.destinations.base import Answer, Channel, Flow, Invitation, Outcome, Request, Settings, Verdict
from plaudit.destinations.trustpilot import answers
from plaudit.spec.order import Order, Product

BASE_URL = "https://invitejs.trustpilot.com"


class ProductData(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """An element of `products[]` (trustpilot.md 1.3); there is no quantity."""

    name: str
    sku: str = ""
    product_url: str = ""
    image_url: str = ""
    brand: str = ""
    gtin: str = ""
    mpn: str = ""
    price: float | None = None
    currency: str = ""
    categories: list[str] = []


class InvitationData(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """The invitation object (trustpilot.md 1.2)."""

    recipient_email: str
    recipient_name: str
    reference_id: str
    source: str
    plugin_version: str
    hook: str
    order_status_id: str
    order_status_name: str
    total_cost: float | None = None
    currency: str = ""
    products: list[ProductData] | None = None
    product_skus: list[str] | None = None


_encode = msgspec.json.Encoder().encode


def body(order: Order, *, with_products: bool) -> bytes:
    """The JSON that is posted for an order."""
    return _encode(
        InvitationData(
            recipient_email=order.email,
            recipient_name=order.name,
            reference_id=order.order_id,
            source=f"Plaudit-{__version__}",
            plugin_version=__version__,
            hook="segment_order_completed",
            order_status_id="completed",
            order_status_name="Order Completed",
            total_cost=order.total,
            currency=order.currency,
            products=[_product(p, order.currency) for p in order.products] if with_products else None,
            product_skus=[p.sku for p in order.products] if with_products else None,
        )
    )


def flow(invitation: Invitation, settings: Settings) -> Flow:
    """One invitation: a post, and a second one with products when Trustpilot asks for them by a 202."""
    order = invitation.order
    answer = yield _request(order, settings, with_products=False)
    if answer.status == 202:
        answer = yield _request(order, settings, with_products=True)
        if answer.status == 202:
            # Never a third post. Trustpilot's browser script takes this for success (trustpilot.md 1.4).
            return Verdict(Outcome.ACCEPTED, "accepted", "accepted for processing", status=202)
    return _verdict(answer)


def _verdict(answer: Answer) -> Verdict:
    if answer.status == 201:
        return Verdict(Outcome.ACCEPTED, "accepted", "", status=201)
    return answers.verdict(answer)


def _request(order: Order, settings: Settings, *, with_products: bool) -> Request:
    base = str(settings.get("base_url") or BASE_URL).rstrip("/")
    headers = {"content-type": "application/json"}
    origin = str(settings.get("shop_url") or order.origin).rstrip("/")
    if origin:
        headers["origin"] = origin
    key = str(settings["api_key"])
    return Request(
        method="POST",
        url=f"{base}/api/{key}/invitation",
        shown=f"{base}/api/{key[:3]}…/invitation",
        headers=headers,
        body=body(order, with_products=with_products),
    )


def _product(product: Product, currency: str) -> ProductData:
    return ProductData(
        name=product.name,
        sku=product.sku,
        product_url=product.url,
        image_url=product.image_url,
        brand=product.brand,
        gtin=product.gtin,
        mpn=product.mpn,
        price=product.price,
        currency=currency if product.price is not None else "",
        categories=[product.category] if product.category else [],
    )


integration_key = Channel(
    name="integration_key",
    description="the API of Trustpilot's shop plugins: the key alone, on every plan",
    flow=flow,
    default_base_url=BASE_URL,
)
