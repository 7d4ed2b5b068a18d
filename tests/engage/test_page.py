"""What docs/audiences.md says of the language is all of it, and each of its examples is read, and evaluated as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from plaudit.engage.definitions import Kind
from plaudit.engage.evaluate import Fact, Plan, Profile, TraitValue
from plaudit.engage.language import QueryError, read, write
from plaudit.engage.language import tree as t

PAGE = (Path(__file__).parents[2] / "docs" / "audiences.md").read_text()
LANGUAGE = PAGE[PAGE.index("## The language") : PAGE.index("## What a destination is told")]
SPANS = [span for span in re.findall(r"`([^`]+)`", LANGUAGE) if "…" not in span]
DAY = 86_400_000
NOW = 1_795_459_200_000  # 2026-11-23T18:40:00Z


def whole(span: str) -> tuple[str, Kind] | None:
    """A part of a query in a whole one; None: it is no part of a query."""
    if span.startswith(("event(", "trait(")):
        return (
            (span, "audience") if ">=" in span else (re.sub(r"(event\(.*\))$", r"\1.count()", span), "trait")
        )
    if span.startswith(("property(parent", ".within(parent")):
        inner = span if span.startswith(".") else f".where({span} = property('sku'))"
        return f"event('A').where(event('B'){inner}.count() >= 1).count() >= 1", "audience"
    if span.startswith(("property(", "context(")):
        return f"event('A').where({span} = literal(5)).count() >= 1", "audience"
    if span.startswith("literal("):
        return f"trait('x') = {span}", "audience"
    name = span.removeprefix(".").partition("(")[0]
    if name in ("where", "within", "between", "sources"):
        return (f"event('A'){span}.count() >= 1", "audience") if span.startswith(".") else None
    if name == "unique":
        return f"event('A'){span}", "trait"
    if name in get_args(t.Reducer) and span.startswith("."):
        return f"event('A'){span}", "trait"
    if name in get_args(t.Comparator):
        return f"trait('x'){span}", "audience"
    return None


EXAMPLES = [found for span in SPANS if (found := whole(span)) is not None]


def test_every_word_of_the_language_is_on_the_page() -> None:
    words = {*get_args(t.Reducer), *get_args(t.Comparator), "where", "within", "between", "sources"}
    assert [word for word in sorted(words) if f".{word}(" not in LANGUAGE] == []
    for word in ("event", "trait", "property", "context", "literal"):
        assert f"`{word}('" in LANGUAGE or f"`{word}(5)`" in LANGUAGE
    assert len(EXAMPLES) > 25


@pytest.mark.parametrize(("query", "kind"), EXAMPLES)
def test_examples_are_read_and_printed_back(query: str, kind: Kind) -> None:
    tree = read(query, kind)
    assert read(write(tree), kind) == tree


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("ANY event('A').count() >= 1", "account"),
        ("ALL event('A').count() >= 1", "account"),
        ("entity('orders').count() >= 1", "warehouse"),
        ("event('A').expires_after(1 hour).count() >= 1", "session"),
    ],
)
def test_what_the_page_says_is_refused_is_refused_in_words(query: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        read(query, "audience")
    assert any(word in LANGUAGE for word in (f"{words}s", words))


def fact(name: str, days_ago: float, **properties: Any) -> Fact:
    return Fact(name, NOW - int(days_ago * DAY), properties, "shop")


FACTS = (
    fact("Order Completed", 40, total=5, coupon="OLD", category="tea", sku="s1"),
    fact("Order Completed", 9, total="20.5", category="tea", sku="s2"),
    fact("Product Added", 5, sku="s3"),
    fact("Order Completed", 1, total=120, coupon="NEW", category="cups", sku="s2"),
)
TRAITS = {
    name: TraitValue(value, 0)
    for name, value in {
        "plan": "gold",
        "address": {"city": "Odense"},
        "a.b": 7,
        "due": "2026-12-01T00:00:00Z",
        "born": "2000-01-01",
    }.items()
}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("event('Order Completed').within(30 days).count()", 2),
        ("event('Order Completed').between(7 days, 10 days).count()", 1),
        ("event('Order Completed').where(property('total') > 100).count()", 1),
        ("event('Order Completed').sources({exclude: ['shop']}).count()", 0),
        ("event('Order Completed').sum(property('total'))", 145.5),
        ("event('Order Completed').avg(property('total'))", 48.5),
        ("event('Order Completed').max(property('total'))", 120),
        ("event('Order Completed').min(property('total'))", 5),
        ("event('Order Completed').max(property('sku') as string)", "s2"),
        ("event('Order Completed').first(property('coupon'))", "OLD"),
        ("event('Order Completed').last(property('coupon'))", "NEW"),
        ("event('Order Completed').mode(property('category'), 2)", "tea"),
        ("event('Order Completed').mode(property('category'), 3)", None),
        ("event('Order Completed').unique(property('sku'))", ["s1", "s2"]),
        ("event('Order Completed').unique(property('sku')).count()", 2),
        ("trait('address.city')", "Odense"),
        (r"trait('a\.b')", 7),
        ("trait('member')", True),
        ("trait('other')", False),
    ],
)
def test_what_a_trait_comes_to(query: str, value: object) -> None:
    assert evaluated(query, "trait") == value


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("trait('plan') = 'gold'", True),
        ("trait('plan') != 'gold'", False),
        ("trait('missing') != 'gold'", False),  # true only of a value that is there
        ("trait('missing').absent() AND trait('plan').exists()", True),
        ("trait('plan').contains('ol') AND trait('plan').omits('x')", True),
        ("trait('plan').starts_with('go') AND trait('plan').ends_with('ld')", True),
        ("trait('plan').one_of('silver', 'gold') AND trait('plan').none_of('tin')", True),
        ("trait('born').before_date('2026-11-23') AND trait('due').after_date('2026-11-23')", True),
        ("trait('due').within_next(30 days) AND NOT trait('due').after_next(30 days)", True),
        ("trait('born').before_last(30 days) AND NOT trait('born').within_last(30 days)", True),
        ("trait('plan') = 'tin' OR trait('plan') = 'gold' AND trait('missing').exists()", False),
        (next(span for span in SPANS if span.startswith("event('Product Added')")), True),
        (
            "event('Product Added').where(event('Order Completed').within(parent: 5 days).count() >= 1).count() >= 1",
            True,
        ),
    ],
)
def test_what_an_audience_comes_to(query: str, value: object) -> None:
    assert evaluated(query, "audience") is value


def evaluated(query: str, kind: Kind) -> Any:
    profile = Profile(FACTS, TRAITS, {"member": True, "other": False})
    return Plan(read(query, kind), ("member", "other")).evaluate(profile, NOW).value
