"""Reading an order raises for no JSON, and what it reads is fit to be sent: the strict sandbox takes it."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from plaudit.destinations.base import Answer, Delivery, Request
from plaudit.destinations.trustpilot.integration_key import flow
from plaudit.sandbox.integration_key import contract
from plaudit.sandbox.integration_key.address import is_address
from plaudit.spec import email
from plaudit.spec.order import LONGEST_ID, Order, Product, Rejection, is_order_completed, number, read_order
from support import ORDER

from . import bounded
from .junk import plain_values, scalars, texts

words = st.text("aZ9-_+.'é漢 ", max_size=70)
domains = st.lists(st.text("aZ9-é漢", min_size=1, max_size=64), min_size=1, max_size=4).map(".".join)
addresses = st.one_of(
    st.emails(),
    st.builds("{}@{}".format, words, domains),
    st.builds(
        "{}@{}".format, words, st.sampled_from(["example.com", "xn--bcher-kva.example", "1.2.3.4", "a.b.123"])
    ),
    st.from_regex(email._PLAIN, fullmatch=True),
)
keys = st.sampled_from(
    [*ORDER, "orderId", "Order ID", "id", "first_name", "lastName", "E-Mail", "image_url", "sku"]
)
numbers = (
    st.floats() | st.integers(-(10**400), 10**400) | st.sampled_from(["$ 27.50", "1e5", "NaN", "٣", "-0"])
)
products = st.dictionaries(
    keys | st.sampled_from([*ORDER["products"][0], "brand", "gtin"]), scalars, max_size=6
)
properties = st.fixed_dictionaries(
    {"order_id": texts.filter(str.strip) | st.integers(), "email": st.emails() | st.just("Ada@Example.com")},
    optional={
        **{key: plain_values for key in ORDER if key not in ("order_id", "email", "products")},
        "products": st.lists(products | plain_values, max_size=4),
        "total": numbers,
        "currency": st.sampled_from(["EUR", "eur", " usd ", "EURO", "€", "ÉÉÉ", "\u017f" * 3, "ßa"]) | texts,
        "Order ID": texts,
    },
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "traits": products,
        "locale": texts,
        "page": st.fixed_dictionaries({}, optional={"url": texts}),
    },
)


def fit(order: Order) -> None:
    """Assert that an order is as `Order` promises."""
    assert 1 <= len(order.order_id) <= LONGEST_ID
    assert order.order_id.isprintable() and order.order_id == order.order_id.strip()
    assert order.email.count("@") == 1 and not re.search(r"\s", order.email)
    for line in (order.name, order.affiliation, order.locale):
        assert len(line) <= 255 and line == line.strip() and line.isprintable()
    assert order.total is None or math.isfinite(order.total)
    assert re.fullmatch("([A-Z]{3})?", order.currency)
    assert not order.origin or re.fullmatch(r"https?://[\w.-]+(:\d+)?", order.origin, re.ASCII)
    for product in order.products:
        assert product.sku or product.product_id or product.name
        assert product.price is None or math.isfinite(product.price)
        assert all(
            not url or url.startswith(("http://", "https://")) for url in (product.url, product.image_url)
        )
    skus = [product.sku for product in order.products if product.sku]
    assert len(skus) == len(set(skus))
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order  # the ledger keeps it as JSON


def sent(order: Order) -> None:
    """Assert that the strict sandbox takes what would be sent for it, first without and then with products."""
    flowing = flow(Delivery(1, order=order), {"api_key": "testIntegrationKey"})
    for with_products, request in ((False, next(flowing)), (True, flowing.send(Answer(202)))):
        assert isinstance(request, Request)
        invitation = contract.read_invitation(request.body)
        assert (invitation.referenceId, invitation.recipientEmail) == (order.order_id, order.email)
        assert invitation.has_products == with_products
    flowing.close()


@given(plain_values, plain_values, plain_values, plain_values, plain_values)
@bounded(300)
def test_any_json_is_read(props: Any, context: Any, traits: Any, root: Any, user: Any) -> None:
    order = read_order(props, context=context, traits=traits, root_email=root, user_id=user)
    if isinstance(order, Order):
        fit(order)
        sent(order)
    else:
        assert order.field in ("order_id", "email") and order.message


@given(properties, contexts, products)
@bounded(500)
def test_what_can_be_read_can_be_sent(
    props: dict[str, Any], context: dict[str, Any], traits: dict[str, Any]
) -> None:
    order = read_order(props, context=context, traits=traits, root_email=None, user_id=None)
    if isinstance(order, Order):
        fit(order)
        sent(order)
    else:
        assert isinstance(order, Rejection)


@given(addresses)
@example(f"{'a' * 40}.{'b' * 20}.{'c' * 20}@example.com")  # 82 characters; RFC 5321 allows 64
@bounded(600)
def test_an_address_that_is_read_can_be_sent(address: str) -> None:
    found = email.address(address)
    assert found is None or is_address(found), found


@pytest.mark.parametrize(
    "address",
    [
        "ada@1.2.3.4",
        "ada@example.123",
        "é" * 40 + "@example.com",
        "a" * 65 + "@example.com",
        "a@b." + "c" * 64 + ".de",
    ],
)
def test_an_address_that_cannot_be_sent_is_not_read(address: str) -> None:
    """Trustpilot would refuse it: then the event must say so, not the invitation days later."""
    assert not is_address(address)
    assert email.address(address) is None


# the pattern's conditions are asked afterwards: strings are made from its shape
SHAPE = re.compile(re.sub(r"\(\?[=!][^)]*\)", "", email._PLAIN.pattern))


@given(
    st.from_regex(SHAPE, fullmatch=True)
    .filter(email._PLAIN.fullmatch)
    .filter(lambda a: "xn--" not in a.lower())
)
@bounded(600)
def test_the_fast_pattern_agrees_with_the_library(address: str) -> None:
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False, strict=True)
    except EmailNotValidError as error:
        pytest.fail(f"the pattern takes {address}, the library says: {error}")
    assert found.normalized.lower() == address.lower() == (email.address(address) or "").lower()


@given(st.emails())
@bounded(300)
def test_what_the_library_takes_is_read(address: str) -> None:
    try:
        validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        assume(False)
    assert email.address(f" {address} ") is not None


@given(scalars | plain_values | texts)
@bounded(300)
def test_any_value_is_a_number_or_none(value: Any) -> None:
    found = number(value)
    assert found is None or math.isfinite(found)
    assert (
        is_order_completed(value) in (True, False)
        if isinstance(value, str)
        else number(str(value)) is not False
    )


def test_a_product_is_told_once() -> None:
    lines = [
        {"sku": "1", "name": "A"},
        {"sku": "1", "name": "A, red"},
        {"name": "B"},
        {"name": "B"},
        {},
        None,
    ]
    order = read_order(
        {"order_id": "1", "email": "a@example.com", "products": lines},
        context=None,
        traits=None,
        root_email=None,
        user_id=None,
    )
    assert isinstance(order, Order)
    assert order.products == [Product(sku="1", name="A"), Product(name="B")]
