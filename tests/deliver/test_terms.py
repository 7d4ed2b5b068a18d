"""Languages, templates, tags, products and times: settings, rules and the order, each where it counts."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.flows import NOW, the_order
from plaudit.destinations.base import Asked
from plaudit.destinations.trustpilot import terms

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("own", "settings", "found"),
    [
        ("de_DE", {}, "de-DE"),
        ("en-us", {}, "en-US"),
        ("zh-hant-tw", {}, "zh-Hant-TW"),
        ("es-419", {}, "es-419"),
        ("en_US.UTF-8", {}, "en-US"),
        ("de", {}, ""),  # no language of Trustpilot's
        ("C", {}, ""),
        ("x' OR 1", {}, ""),
        (None, {}, ""),
        ("de-DE", {"locale": "fr_fr"}, "fr-FR"),
        ("de-DE", {"locale": "da"}, "da"),  # on purpose
        ("de-DE", {"locale": "fr-FR", "rules": [{"event_locale": "de_*", "locale": "de-AT"}]}, "de-AT"),
        ("sv-SE", {"locale": "fr-FR", "rules": [{"event_locale": "de_*", "locale": "de-AT"}]}, "fr-FR"),
        ("de", {"rules": [{"event_locale": "DE*", "locale": "de-DE"}]}, "de-DE"),
    ],
)
def test_the_language(own: str | None, settings: dict[str, Any], found: str) -> None:
    assert terms.locale(the_order(locale=own), settings) == found


def test_for_each_field_the_first_rule_decides_that_fits_and_has_it() -> None:
    order = the_order(affiliation="Shop Nord", currency="DKK")
    settings = {
        "template_id": "setting",
        "tags": ["setting"],
        "rules": [
            {"affiliation": "shop süd", "template_id": "south"},
            {"affiliation": "SHOP *", "currency": "dk?", "template_id": "no question marks"},
            {"affiliation": "shop *", "currency": "dkk", "tags": []},
            {"currency": "*k*", "template_id": "kroner", "tags": ["kroner"]},
            {"template_id": "late", "product_template_id": "anything"},
        ],
    }
    assert terms.choice(order, settings, "template_id") == "kroner"
    assert terms.choice(order, settings, "product_template_id") == "anything"
    assert terms.tags(order, settings) == []  # a rule may take them away
    assert terms.choice(order, settings, "locale") is None


def test_tags_from_traits() -> None:
    traits = {"vip": True, "lapsed": False, "plan": " Gold  Member ", "orders": 12, "empty": " "}
    order = the_order(traits=traits)
    wanted = ["static", *(f"trait:{name}" for name in (*traits, "missing")), "static"]
    assert terms.tags(order, {"tags": wanted}) == ["static", "vip", "plan-Gold-Member", "orders-12"]


def test_tags_from_audiences() -> None:
    settings = {"tags": ["audience:patrons", "audience:recent", "web", "audience:web"]}
    order = the_order(traits={"patrons": True, "recent": "yes", "audience:recent": "forged"})
    assert terms.tags(order, settings) == ["web"]
    order.traits |= terms.memberships(terms.asked(settings), {"patrons", "web", "others"})
    assert terms.tags(order, settings) == ["patrons", "web"]


def test_the_traits_that_rules_name_are_wanted_too() -> None:
    settings = {
        "tags": ["a", "trait:vip"],
        "rules": [{"currency": "EUR"}, {"tags": ["trait:plan", "trait:vip", "audience:patrons"]}],
    }
    assert terms.asked(settings) == Asked(("vip", "plan"), ("patrons",))
    assert not terms.asked({})


def test_a_catalogue_has_products_with_number_and_name_or_numbers_alone() -> None:
    named = [{"sku": "s1", "name": "A", "url": "https://a.example/a"}, {"sku": "s2"}, {"name": "C"}]
    products, skus = terms.catalogue(the_order(products=named), {})
    assert ([product.sku for product in products], skus) == (["s1"], [])
    products, skus = terms.catalogue(
        the_order(products=[{"sku": "s2"}, {"product_id": "p3"}, {"name": "C"}]), {}
    )
    assert (products, skus) == ([], ["s2", "p3"])
    assert terms.catalogue(the_order(products=named), {"products": "none"}) == ([], [])
    assert terms.catalogue(the_order(products=[{"name": "C"}]), {}) == ([], [])


def test_lines_that_become_one_product_by_their_other_number_count_once() -> None:
    line = [{"product_id": "p1", "sku": "a", "name": "A"}, {"product_id": "p1", "sku": "b", "name": "B"}]
    order = the_order(products=line)
    assert [a.sku for a in terms.articles(order, {})] == ["a", "b"]
    assert [a.sku for a in terms.articles(order, {"products": "product_id"})] == ["p1"]


@pytest.mark.parametrize(
    ("after", "now", "found"),
    [
        (None, NOW, ""),
        ("1 hour", NOW, "2026-11-23T19:40:00"),
        ("1 hour", NOW + HOUR - 1, "2026-11-23T19:40:00"),
        ("1 hour", NOW + HOUR, ""),  # past
        ("1 hour", NOW - 2 * HOUR, "2026-11-23T17:40:00"),  # the shop's clock runs ahead
        ("2 days", 0, "2026-11-25T18:40:00"),  # the time is not known
    ],
)
def test_send_times(after: str | None, now: int, found: str) -> None:
    settings = {"send_after": after, "product_send_after": after}
    assert terms.service_time(the_order(), settings, now) == found
    assert terms.product_time(the_order(), settings, now) == found


def test_an_order_without_a_time_counts_from_now() -> None:
    order = the_order()
    order.ordered_at = 0
    assert terms.service_time(order, {"send_after": "1 hour"}, NOW) == "2026-11-23T19:40:00"


def test_a_customer_without_a_name_is_greeted_by_the_address() -> None:
    assert terms.greeting(the_order()) == "John Johnson"
    assert terms.greeting(the_order(name=None, surname=None)) == "test"


words = st.text("aB*ß", max_size=8)


@given(words, words)
def test_a_pattern_fits_as_shells_have_it(pattern: str, value: str) -> None:
    assert terms.glob(pattern, value) == fnmatch.fnmatchcase(value.casefold(), pattern.casefold())


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_nothing_but_the_star_is_special(before: str, between: str, after: str) -> None:
    literal = (before + after).replace("*", "")
    assert terms.glob(literal, literal)
    assert terms.glob(f"{before}*{after}", f"{before}{between}{after}") or "*" in before + after


def test_a_pattern_of_many_stars_costs_no_time() -> None:
    assert not terms.glob("*a" * 5000 + "b", "a" * 20_000)


@given(st.text(max_size=40))
def test_any_locale_gives_a_language_or_nothing(written: str) -> None:
    found = terms.hyphenated(written)
    assert found == "" or (found.isascii() and terms.hyphenated(found) == found)
