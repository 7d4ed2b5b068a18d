"""Reading an event: names, ids, addresses, times and the integrations object, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from plaudit.spec import email, integrations, timestamps
from plaudit.spec.order import Order, Rejection, is_order_completed, number, read_order
from support import ORDER


def read(properties: Any, **event: Any) -> Order | Rejection:
    given: dict[str, Any] = {"context": None, "traits": None, "root_email": None, "user_id": None}
    return read_order(properties, **(given | event))


def order(properties: Any = None, **event: Any) -> Order:
    found = read({"order_id": "1", "email": "a@example.com"} if properties is None else properties, **event)
    assert isinstance(found, Order), found
    return found


@pytest.mark.parametrize(
    "name",
    [
        "Order Completed",
        "order completed",
        "Completed Order",
        "completed_order",
        "OrderCompleted",
        "ORDER-COMPLETED",
        " Order  Completed ",
    ],
)
def test_the_event_is_recognised_in_its_spellings(name: str) -> None:
    assert is_order_completed(name)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Order",
        "Order Completed Survey",
        "Completed Order Form",
        "Reorder Completed",
        "Order Updated",
    ],
)
def test_other_events_are_not_taken_for_it(name: str | None) -> None:
    assert not is_order_completed(name)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("1001", "1001"),
        (1001, "1001"),
        (1001.0, "1001"),
        (10.5, "10.5"),
        (" 7 ", "7"),
        ("№ 42-Ü", "№ 42-Ü"),
        ("a\nb", "a b"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_order_ids_of_all_kinds(given: Any, found: str) -> None:
    assert order({"order_id": given, "email": "a@example.com"}).order_id == found


@pytest.mark.parametrize("key", ["order_id", "orderId", "Order ID", "ORDERID", "id"])
def test_an_order_id_under_other_names(key: str) -> None:
    assert order({key: "7", "email": "a@example.com"}).order_id == "7"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "missing"),
        ("", "missing"),
        ("  ", "empty"),
        (True, "not a boolean"),
        ([1], "not an array"),
        ({}, "not an object"),
        ("x" * 256, "256 characters"),
    ],
)
def test_an_order_id_that_is_none_is_told(given: Any, words: str) -> None:
    found = read({"order_id": given, "email": "a@example.com"})
    assert isinstance(found, Rejection) and found.field == "order_id" and words in found.message


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (
            {"properties": {"email": "p@example.com"}, "context": {"traits": {"email": "c@example.com"}}},
            "p@example.com",
        ),
        (
            {"context": {"traits": {"email": "c@example.com"}}, "traits": {"email": "t@example.com"}},
            "c@example.com",
        ),
        ({"traits": {"email": "t@example.com"}, "root_email": "r@example.com"}, "t@example.com"),
        ({"root_email": "r@example.com", "user_id": "u@example.com"}, "r@example.com"),
        ({"user_id": "u@example.com"}, "u@example.com"),
        ({"properties": {"email": "  p@example.com "}}, "p@example.com"),
        ({"properties": {"email": ""}, "user_id": "u@example.com"}, "u@example.com"),
    ],
)
def test_the_address_is_found_where_segment_puts_it(event: dict[str, Any], found: str) -> None:
    properties = {"order_id": "1", **event.pop("properties", {})}
    assert order(properties, **event).email == found


@pytest.mark.parametrize(
    "given",
    ["no", "a@b", "a b@example.com", "a@exa mple.com", "@example.com", "a@", 5, {"a": 1}, ["a@example.com"]],
)
def test_an_address_that_is_none_is_told_and_no_other_is_taken(given: Any) -> None:
    found = read({"order_id": "1", "email": given}, traits={"email": "other@example.com"})
    assert isinstance(found, Rejection) and (found.field, found.order_id) == ("email", "1")
    assert "read from properties.email" in found.message


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com",
        "first.last+tag@sub.example.co.uk",
        "o'brien@example.com",
        "ünal@exämple.de",
        "用户@例子.公司",
        "x" * 64 + "@example.com",
    ],
)
def test_addresses_of_all_lands(address: str) -> None:
    assert email.address(address)


@pytest.mark.parametrize(
    ("properties", "event", "name"),
    [
        ({"name": "John", "surname": "Johnson"}, {}, "John Johnson"),
        ({"name": "Zoë"}, {}, "Zoë"),
        ({"surname": "李"}, {}, "李"),
        ({"first_name": "A", "lastName": "B"}, {}, "A B"),
        ({}, {"context": {"traits": {"name": "Trait Name"}}}, "Trait Name"),
        ({}, {"traits": {"firstName": "F", "lastName": "L"}}, "F L"),
        ({"name": "  two\t\nlines "}, {}, "two lines"),
        ({"name": {"a": 1}, "surname": None}, {}, ""),
        ({}, {}, ""),
    ],
)
def test_names(properties: dict[str, Any], event: dict[str, Any], name: str) -> None:
    assert order({"order_id": "1", "email": "a@example.com", **properties}, **event).name == name


def test_the_pages_own_example() -> None:
    found = order(ORDER)
    assert (found.total, found.currency, found.affiliation) == (27.5, "USD", "Google Store")
    assert [(p.sku, p.name, p.price, p.category) for p in found.products] == [
        ("45790-32", "Monopoly: 3rd Edition", 19, "Games"),
        ("46493-32", "Uno Card Game", 3, "Games"),
    ]


@pytest.mark.parametrize("products", [None, "x", 5, [], [None, 1, "x", []], [{}], {"nothing": 1}])
def test_products_of_the_wrong_type_are_none(products: Any) -> None:
    assert order({"order_id": "1", "email": "a@example.com", "products": products}).products == []


def test_products_are_each_asked_about_once() -> None:
    lines = [
        {"product_id": 7, "name": "A"},
        {"sku": "7", "name": "A, red"},
        {"name": "B"},
        {"name": "B"},
        {"id": "v1", "imageUrl": "https://x.example/i.png"},
    ]
    found = order({"order_id": "1", "email": "a@example.com", "products": lines}).products
    assert [(p.sku, p.product_id, p.name) for p in found] == [("", "7", "A"), ("", "", "B"), ("", "v1", "")]
    assert found[2].image_url == "https://x.example/i.png"


def test_an_order_of_a_thousand_lines() -> None:
    lines = [{"sku": str(n), "name": f"Thing {n}"} for n in range(1000)]
    assert len(order({"order_id": "1", "email": "a@example.com", "products": lines}).products) == 1000


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (27.5, 27.5),
        ("27.50", 27.5),
        ("$ 27.50", 27.5),
        ("-3", -3.0),
        (True, None),
        ("1,000", None),
        ("nan", None),
        (float("inf"), None),
        (10**400, None),
        ([], None),
    ],
)
def test_numbers(given: Any, found: float | None) -> None:
    assert number(given) == found


def test_a_total_may_be_the_revenue() -> None:
    assert order({"order_id": "1", "email": "a@example.com", "revenue": 5}).total == 5
    assert order({"order_id": "1", "email": "a@example.com", "revenue": 5, "total": 0}).total == 0


@pytest.mark.parametrize(("given", "found"), [("usd", "USD"), ("€", ""), ("EURO", ""), (5, ""), (None, "")])
def test_currencies(given: Any, found: str) -> None:
    assert order({"order_id": "1", "email": "a@example.com", "currency": given}).currency == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, True), ({}, True), ("x", True), ({"All": True}, True), ({"All": False}, False), ({"all": False}, False),
        ({"All": False, "Trustpilot": True}, True), ({"All": False, "Trustpilot": {"a": 1}}, True),
        ({"Trustpilot": False}, False), ({"All": True, "Trustpilot": False}, False), ({"trustpilot": False}, True),
        ({"All": False, "trustpilot": True}, False), ({"Trustpilot": None}, True), ({"Trustpilot": "false"}, True),
        ({"Other": False}, True),
    ],
)  # fmt: skip
def test_the_integrations_object(given: Any, found: bool) -> None:
    assert integrations.enabled(given, "Trustpilot") is found


@pytest.mark.parametrize(
    ("given", "ms"),
    [
        ("1970-01-01T00:00:01Z", 1000), ("1970-01-01T00:00:01.5+00:00", 1500), ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:00:01", 1000), ("1970-01-02", 86_400_000), (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000_000, 1_700_000_000_000), (None, None), ("", None), ("yesterday", None), (-5, None), (1e300, None),
        ("0001-01-01T00:00:00Z", None), (float("nan"), None),
    ],
)  # fmt: skip
def test_times(given: Any, ms: int | None) -> None:
    assert timestamps.parse(given) == ms


@pytest.mark.parametrize(
    ("original", "sent", "received", "corrected"),
    [
        (None, None, 50, 50),
        (10, None, 50, 10),
        (10, 20, 50, 40),
        (30, 20, 50, 60),
        (None, 20, 50, 50),
        (0, 10**12, 50, 0),
    ],
)
def test_the_correction_of_a_wrong_clock(
    original: int | None, sent: int | None, received: int, corrected: int
) -> None:
    assert timestamps.correct(original, sent, received) == corrected
