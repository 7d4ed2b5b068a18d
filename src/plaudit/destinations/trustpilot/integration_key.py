"""The Integration Key channel: the API of Trustpilot's own shop plugins (trustpilot.md 1).

First without products; 202 means "once more, with them". Only 201 is success, or the second post's 202.
The key is part of the path, so a request carries a form of its URL that may be shown.
"""

from __future__ import annotations

import msgspec

from plaudit import __version__
from plaudit.destinations.base import (
    Answer,
    Channel,
    Delivery,
    Flow,
    Outcome,
    PageFlow,
    Request,
    Verdict,
)
from plaudit.destinations.settings import Settings
from plaudit.destinations.trustpilot import answers, terms
from plaudit.spec.lookup import text
from plaudit.spec.order import Order

BASE_URL = "https://invitejs.trustpilot.com"
PAGE = 20  # the largest that a plugin sends; the server's limit is not known (trustpilot.md 1.6)
WORDS = answers.Words(
    success=frozenset({201}),
    switched_off=frozenset({251, 252, 253}),
    settings={
        401: (
            "key_refused",
            "Trustpilot does not accept the API Key: compare it with the Integration Key in Trustpilot Business",
        ),
        402: ("plan", "Trustpilot wants another plan for this: see Trustpilot Business, Billing"),
        403: (
            "key_forbidden",
            "Trustpilot forbids this API Key to invite: check the integration in Trustpilot Business",
        ),
        404: (
            "key_unknown",
            "Trustpilot does not know this API Key (or base_url is wrong): compare it with the Integration Key",
        ),
    },
)
_ASKED = msgspec.structs.replace(WORDS, success=frozenset({200}))  # for trustboxconfig


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
    template_params: list[str] | None = None
    total_cost: float | None = None
    currency: str = ""
    products: list[ProductData] | None = None
    product_skus: list[str] | None = None


class PageData(msgspec.Struct):
    """The body of `batchinvitations` (trustpilot.md 1.1)."""

    invitations: list[InvitationData]
    type: str


class Failure(msgspec.Struct, rename="camel"):
    """One of a page that was not taken."""

    reference_id: str | int
    error: msgspec.Raw = msgspec.Raw(b'""')


class BusinessUnit(msgspec.Struct, rename="pascal"):
    """Whom a key belongs to: the answer of `trustboxconfig`."""

    business_unit_id: str
    url: str = ""


_encode = msgspec.json.Encoder().encode
_failures = msgspec.json.Decoder(list[Failure] | None, strict=False)
_unit = msgspec.json.Decoder(BusinessUnit)


def flow(delivery: Delivery, settings: Settings) -> Flow:
    """One invitation: a post, and a second one with products when Trustpilot asks for them by a 202."""
    order = _order(delivery)
    answer: Answer = yield _post("invitation", [order], settings, _data(order, settings, with_products=False))
    if answer.status == 202:
        answer = yield _post("invitation", [order], settings, _data(order, settings, with_products=True))
        if answer.status == 202:
            return _taken(answer)
    return answers.verdict(answer, WORDS)


def page(deliveries: list[Delivery], settings: Settings) -> PageFlow:
    """The same for up to 20 at once; the answer names those that were not taken."""
    orders = [_order(delivery) for delivery in deliveries]
    answer: Answer = yield _page(orders, settings, with_products=False)
    if answer.status == 202:
        answer = yield _page(orders, settings, with_products=True)
        if answer.status == 202:
            return [_taken(answer)] * len(orders)
    verdict = answers.verdict(answer, WORDS)
    if verdict.outcome is not Outcome.ACCEPTED:
        return verdict
    return _each(orders, answer, verdict)


def check(settings: Settings) -> Flow:
    """Ask whom the key belongs to, as Trustpilot's browser script does; it has no other effect."""
    answer: Answer = yield _request("trustboxconfig", settings, {}, b"")
    verdict = answers.verdict(answer, _ASKED)
    if verdict.outcome is not Outcome.ACCEPTED:
        return verdict
    try:
        unit = _unit.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        message = "answered 200 without a business unit: is base_url Trustpilot's, or the sandbox's?"
        return Verdict(Outcome.UNCERTAIN, "unexpected_answer", message, status=answer.status)
    whose = text(unit.url, 200) or "an account without a URL"
    message = f"the key belongs to {whose} (business unit {text(unit.business_unit_id, 50)})"
    return Verdict(Outcome.ACCEPTED, "accepted", message, status=answer.status)


def _taken(answer: Answer) -> Verdict:
    # Never a third post. Trustpilot's browser script takes this for success (trustpilot.md 1.4).
    return Verdict(Outcome.ACCEPTED, "accepted", "accepted for processing", status=answer.status)


def _each(orders: list[Order], answer: Answer, taken: Verdict) -> list[Verdict]:
    """The verdicts of a page that was taken: its body lists those that were not."""
    body = answer.body.strip()
    try:
        listed = _failures.decode(body) if body else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [_unclear(answer, "a list of failures that cannot be read")] * len(orders)
    failed = {str(failure.reference_id): answers.in_words(failure.error) for failure in listed or ()}
    if failed.keys() - {order.order_id for order in orders}:
        # One of these has failed, and it cannot be told which: only what is named is known.
        taken = _unclear(answer, "a failure of an order that was not in the page")
    return [
        Verdict(
            Outcome.REFUSED,
            "refused",
            f"Trustpilot refuses the data{failed[order.order_id]}",
            status=answer.status,
        )
        if order.order_id in failed
        else taken
        for order in orders
    ]


def _unclear(answer: Answer, what: str) -> Verdict:
    message = f"answered {answer.status} with {what}"
    return Verdict(Outcome.UNCERTAIN, "unexpected_answer", message, status=answer.status)


def _order(delivery: Delivery) -> Order:
    if delivery.order is None:
        raise TypeError("this channel carries orders only")
    return delivery.order


def _page(orders: list[Order], settings: Settings, *, with_products: bool) -> Request:
    kind = "WITH_PRODUCT_DATA" if with_products else "WITHOUT_PRODUCT_DATA"
    data = [_data(order, settings, with_products=with_products) for order in orders]
    return _post("batchinvitations", orders, settings, PageData(data, kind))


def _data(order: Order, settings: Settings, *, with_products: bool) -> InvitationData:
    articles = terms.articles(order, settings) if with_products else []
    return InvitationData(
        recipient_email=order.email,
        recipient_name=order.name,
        reference_id=order.order_id,
        source=f"Plaudit-{__version__}",
        plugin_version=__version__,
        hook="segment_order_completed",
        order_status_id="completed",
        order_status_name="Order Completed",
        template_params=terms.choice(order, settings, "template_params") or None,
        total_cost=order.total,
        currency=order.currency,
        products=[_product(article, order.currency) for article in articles] if with_products else None,
        product_skus=[article.sku for article in articles] if with_products else None,
    )


def _product(article: terms.Article, currency: str) -> ProductData:
    product = article.product
    return ProductData(
        name=product.name,
        sku=article.sku,
        product_url=product.url,
        image_url=product.image_url,
        brand=product.brand,
        gtin=product.gtin,
        mpn=product.mpn,
        price=product.price,
        currency=currency if product.price is not None else "",
        categories=[product.category] if product.category else [],
    )


def _post(endpoint: str, orders: list[Order], settings: Settings, data: InvitationData | PageData) -> Request:
    headers = {"content-type": "application/json"}
    origins = {str(settings.get("shop_url") or order.origin).rstrip("/") for order in orders}
    if len(origins) == 1 and (origin := origins.pop()):
        headers["origin"] = origin  # orders of several shops in one page: none speaks for the others
    return _request(endpoint, settings, headers, _encode(data))


def _request(endpoint: str, settings: Settings, headers: dict[str, str], body: bytes) -> Request:
    base = str(settings.get("base_url") or BASE_URL).rstrip("/")
    key = str(settings["api_key"])
    return Request(
        method="POST",
        url=f"{base}/api/{key}/{endpoint}",
        shown=f"{base}/api/{key[:3]}…/{endpoint}",
        headers=headers,
        body=body,
    )


integration_key = Channel(
    name="integration_key",
    description="the API of Trustpilot's shop plugins: the key alone, on every plan",
    flow=flow,
    page=page,
    page_size=PAGE,
    check=check,
    default_base_url=BASE_URL,
)
