"""`Order Completed`: recognising it, and reading an order from one.

Sources: segment.md 5 (properties, lenient reading), trustpilot.md 8 (what becomes what). Nothing here
raises for any JSON: an order that cannot be read is a `Rejection` that names the field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

from plaudit.spec import email as emails
from plaudit.spec.lookup import Keys, text

_NAME = re.compile(r"[\s_-]*(?:order[\s_-]*completed|completed[\s_-]*order)[\s_-]*", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,6})?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?=[/?#]|$)")
LONGEST_ID = 255


class Product(msgspec.Struct, omit_defaults=True, gc=False):
    """One order line, as a review could be about it."""

    sku: str = ""
    product_id: str = ""
    name: str = ""
    url: str = ""
    image_url: str = ""
    brand: str = ""
    gtin: str = ""
    mpn: str = ""
    category: str = ""
    price: float | None = None


class Order(msgspec.Struct, omit_defaults=True):
    """What an invitation needs to know of an order; kept in the ledger as JSON."""

    order_id: str
    email: str
    name: str = ""
    total: float | None = None
    currency: str = ""
    affiliation: str = ""
    locale: str = ""
    origin: str = ""  # scheme and host of the page that the event came from, if any
    products: list[Product] = []
    ordered_at: int = 0  # ms: the event's own time
    status: str = ""
    traits: dict[str, str | bool] = {}  # those of the customer that were asked for


class Rejection(msgspec.Struct):
    """Why an `Order Completed` cannot become an invitation: the field and a sentence."""

    field: str
    message: str
    order_id: str | None = None


def is_order_completed(name: str | None) -> bool:
    """`Order Completed`, V1's `Completed Order`, and both in any case, with spaces, `_`, `-` or nothing."""
    return name == "Order Completed" or (name is not None and _NAME.fullmatch(name) is not None)


def number(value: object) -> float | None:
    """A finite number from 27.5, "27.50" or "$ 27.50"; else None."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip().lstrip("$€£¥").strip())
        value = float(match.group()) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def read_order(
    properties: object,
    *,
    context: object,
    traits: object,
    root_email: object,
    user_id: object,
    timestamp: int = 0,
    wanted_traits: Sequence[str] = (),
    known_traits: object = None,
) -> Order | Rejection:
    """The order in a completed order's `properties`, with the customer found where Segment's SDKs put one.

    `known_traits` stand in for those that the event does not have.
    """
    props, ctx = Keys(properties), Keys(context)
    people = (Keys(ctx.find("traits")), Keys(traits))
    order_id = read_order_id(props)
    if isinstance(order_id, Rejection):
        return order_id
    address = _email(props, people, root_email, user_id)
    if isinstance(address, Rejection):
        address.order_id = order_id
        return address
    currency = text(props.find("currency")).upper()
    total = number(props.find("total"))
    return Order(
        order_id=order_id,
        email=address,
        name=_name(props, people),
        total=number(props.find("revenue")) if total is None else total,
        currency=currency if len(currency) == 3 and currency.isascii() and currency.isalpha() else "",
        affiliation=text(props.find("affiliation"), 255),
        locale=text(ctx.find("locale"), 35),
        origin=_origin(Keys(ctx.find("page")).find("url")),
        products=_products(props.find("products")),
        ordered_at=timestamp,
        status=text(props.find("status", "order_status"), 64),
        traits=_traits((*people, Keys(known_traits)), wanted_traits) if wanted_traits else {},
    )


def read_order_id(props: Keys) -> str | Rejection:
    """The order's id, which V1 of the spec called `id`; numbers become text."""
    value = props.find("order_id", "orderId", "id")
    if value is None:
        return Rejection("order_id", "order_id is missing: put the order's number into properties.order_id")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return Rejection("order_id", f"order_id must be a string or a number, not {_kind(value)}")
    found = text(value)
    if not found:
        return Rejection("order_id", "order_id is empty: put the order's number into properties.order_id")
    if len(found) > LONGEST_ID:
        return Rejection("order_id", f"order_id has {len(found)} characters; {LONGEST_ID} are allowed")
    return found


def _email(props: Keys, people: tuple[Keys, Keys], root: object, user_id: object) -> str | Rejection:
    for place, value in (
        ("properties.email", props.find("email")),
        ("context.traits.email", people[0].find("email")),
        ("traits.email", people[1].find("email")),
        ("email", root),
    ):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        # What a shop put there on purpose decides: falling through to another place could invite another person.
        found = emails.address(value)
        if found:
            return found
        kind = (
            "is not an e-mail address" if isinstance(value, str) else f"must be a string, not {_kind(value)}"
        )
        return Rejection("email", f"email {kind} (read from {place})")
    found = emails.address(user_id)
    if found:
        return found
    return Rejection("email", "email is missing or empty: put the customer's address into properties.email")


def _name(props: Keys, people: tuple[Keys, Keys]) -> str:
    name = _joined(props, "name", "first_name", "firstname")
    if name:
        return name
    for traits in people:
        name = text(traits.find("name"), 255) or _joined(traits, "first_name", "firstname")
        if name:
            return name
    return ""


def _traits(people: Sequence[Keys], wanted: Sequence[str]) -> dict[str, str | bool]:
    """The customer's traits of these names that are a text, a number or a boolean."""
    found: dict[str, str | bool] = {}
    for name in wanted:
        value = next((v for traits in people if (v := traits.find(name)) is not None), None)
        if isinstance(value, bool):
            found[name] = value
        elif text(value, 100):
            found[name] = text(value, 100)
    return found


def _joined(obj: Keys, *first: str) -> str:
    return f"{text(obj.find(*first), 127)} {text(obj.find('surname', 'last_name', 'lastname'), 127)}".strip()


def _products(value: object) -> list[Product]:
    lines = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    products: dict[tuple[str, str], Product] = {}
    for line in lines:
        found = Keys(line).find
        product = Product(
            sku=text(found("sku"), 255),
            product_id=text(found("product_id", "id"), 255),
            name=text(found("name"), 255),
            url=_link(found("url")),
            image_url=_link(found("image_url")),
            brand=text(found("brand"), 255),
            gtin=text(found("gtin"), 64),
            mpn=text(found("mpn"), 255),
            category=text(found("category"), 255),
            price=number(found("price")),
        )
        article = product.sku or product.product_id
        if article or product.name:
            # The same article on two lines (a parent and its variant) would ask for two reviews of one thing.
            products.setdefault((article, "" if article else product.name), product)
    return list(products.values())


def _link(value: object) -> str:
    link = text(value, 2000)
    return link if link.startswith(("https://", "http://")) else ""


def _origin(url: object) -> str:
    match = _ORIGIN.match(url) if isinstance(url, str) else None
    return match.group() if match else ""


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else "a number"
