"""What each query of the reference means, told by hand; every time is exact to the millisecond."""

from __future__ import annotations

from typing import Any

import pytest

from plaudit.engage.evaluate import Fact, Plan, Profile, TraitValue
from plaudit.engage.language import Kind, read

HOUR, DAY = 3_600_000, 86_400_000
T = 1_795_459_200_000  # 2026-11-23T18:40:00Z


def plan(query: str, kind: Kind = "audience", audiences: tuple[str, ...] = ()) -> Plan:
    return Plan(read(query, kind), audiences)


def did(name: str, at: int, **properties: Any) -> Fact:
    return Fact(name, at, properties)


def value(query: str, *facts: Fact, now: int = T, **traits: Any) -> Any:
    profile = Profile(facts, {key: TraitValue(each) for key, each in traits.items()})
    return plan(query, "trait").evaluate(profile, now).value


def holds(query: str, *facts: Fact, now: int = T, **traits: Any) -> bool:
    profile = Profile(facts, {key: TraitValue(each) for key, each in traits.items()})
    found = plan(query).evaluate(profile, now).value
    assert isinstance(found, bool)
    return found


def test_the_pages_own_story() -> None:
    recent = plan("event('Order Completed').within(30 days).count() >= 1")
    nobody, once = Profile(), Profile([did("Order Completed", T)])
    assert recent.evaluate(nobody, T) == (False, None)
    assert recent.evaluate(once, T) == (True, T + 30 * DAY)
    assert recent.evaluate(once, T + 30 * DAY - 1) == (True, T + 30 * DAY)
    assert recent.evaluate(once, T + 30 * DAY) == (False, None)
    twice = Profile([did("Order Completed", T + DAY), did("Order Completed", T)])
    assert recent.evaluate(twice, T + DAY) == (True, T + 31 * DAY)


def test_events_of_the_future_count_from_their_time_on() -> None:
    query = plan("event('A').count() >= 1")
    later = Profile([did("A", T + 5)])
    assert query.evaluate(later, T) == (False, T + 5)
    assert query.evaluate(later, T + 5) == (True, None)
    assert plan("trait('x').exists()").evaluate(Profile((), {"x": TraitValue(1, T + 7)}), T) == (False, T + 7)


def test_between_opens_and_closes() -> None:
    query = plan("event('A').between(7 days, 10 days).count() = 1")
    profile = Profile([did("A", T)])
    assert query.evaluate(profile, T) == (False, T + 7 * DAY)
    assert query.evaluate(profile, T + 7 * DAY) == (True, T + 10 * DAY)
    assert query.evaluate(profile, T + 10 * DAY) == (False, None)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("within_last(2 days)", 0, 2 * DAY),
        ("before_last(2 days)", 2 * DAY, None),
        ("within_next(2 days)", -2 * DAY, 0),
        ("after_next(2 days)", None, -2 * DAY),
    ],
)
def test_dates_relative_to_now_include_both_ends(query: str, first: int | None, last: int | None) -> None:
    asked = plan(f"trait('due').{query}")
    profile = Profile((), {"due": TraitValue("2026-11-23T18:40:00Z")})
    date = 1_795_459_200_000
    if first is not None:
        assert asked.evaluate(profile, date + first - 1) == (False, date + first)
        assert asked.evaluate(profile, date + first).value is True
    if last is not None:
        assert asked.evaluate(profile, date + last) == (True, date + last + 1)
        assert asked.evaluate(profile, date + last + 1) == (False, None)


def test_dates_without_an_offset_are_utc_and_may_be_before_1970() -> None:
    assert holds("trait('born').before_date('1970-01-01')", born="1969-12-31")
    assert holds("trait('at') = 2026-11-23T18:40:00Z", at="2026-11-23T19:40:00+01:00")
    assert holds("trait('at').after_date(2026-11-23)", at=1_795_459_200)
    assert not holds("trait('at').after_date(2026-11-23)", at="20261124")


def test_a_funnel_asks_each_parent_for_what_comes_after_it() -> None:
    query = plan("event('Added').where(NOT event('Ordered').count() >= 1).count() >= 1")
    added, ordered, again = did("Added", T), did("Ordered", T + 1), did("Added", T + 2)
    assert query.evaluate(Profile([added, ordered]), T + 5).value is False
    assert query.evaluate(Profile([added, ordered, again]), T + 5).value is True  # Segment: abandoned
    assert query.evaluate(Profile([added, did("Ordered", T)]), T + 5).value is True  # not after, but at once


def test_and_then_did_within() -> None:
    query = plan(
        "event('Bought').where(event('Returned').within(parent: 5 days).count() >= 1).within(30 days).count() >= 1"
    )
    bought = did("Bought", T)
    assert query.evaluate(Profile([bought, did("Returned", T + 5 * DAY - 1)]), T + 6 * DAY) == (
        True,
        T + 30 * DAY,
    )
    assert query.evaluate(Profile([bought, did("Returned", T + 5 * DAY)]), T + 6 * DAY) == (False, None)
    assert query.evaluate(Profile([bought, did("Returned", T + 9)]), T + 1) == (False, T + 9)


def test_the_childs_property_and_the_parents() -> None:
    query = """event('Viewed').where(event('Ordered').where(
        property('sku') = property(parent: 'sku')).count() >= 1).count() >= 1"""
    assert holds(query, did("Viewed", T - 9, sku="a"), did("Ordered", T - 1, sku="a"))
    assert not holds(query, did("Viewed", T - 9, sku="a"), did("Ordered", T - 1, sku="b"))
    assert holds(query, did("Viewed", T - 9, sku=5), did("Ordered", T - 1, sku="5"))
    assert holds(query, did("Viewed", T - 9, sku=["a", "b"]), did("Ordered", T - 1, sku="b"))
    assert not holds(query, did("Viewed", T - 9), did("Ordered", T - 1))


def test_each_parent_is_asked_for_itself() -> None:
    query = "event('A').where(event('B').where(property(parent: 'x') = trait('t')).count() >= 1).count() = 1"
    assert holds(query, did("A", T - 9, x=1), did("A", T - 8, x=2), did("B", T - 1), t=1)


def test_differs_needs_a_value_and_omits_does_not() -> None:
    assert holds("trait('x') != 5", x=6)
    assert not holds("trait('x') != 5")
    assert holds("NOT trait('x') = 5")
    assert holds("trait('x').none_of('a', 'b')", x="c")
    assert not holds("trait('x').none_of('a', 'b')")
    assert holds("trait('x').omits('a')")
    assert holds("trait('x').absent()", x=None)
    assert holds("trait('x').exists()", x="")


@pytest.mark.parametrize(
    ("query", "x", "expected"),
    [
        ("= 5", "5", True),
        ("= '5'", 5, True),
        ("= '5.0'", 5, True),
        ("= 'true'", True, True),
        ("= true", "true", True),
        ("= 1", True, False),
        ("= 'VIP'", "vip", False),
        ("= '5'", "5.0", False),
        ("!= 5", "five", True),
        ("> 5", "10", True),
        ("> 5", "many", False),
        ("> 5", True, False),
        ("> '2026-01-01'", "2026-01-02T00:00:00Z", True),
        (".contains('ell', 'x')", "hello", True),
        (".contains('23')", 1234, True),
        (".contains('ELL')", "hello", False),
        (".starts_with('he')", "hello", True),
        (".ends_with('lo')", "hello", True),
        (".one_of('a', 5)", 5, True),
        ("= 'b'", ["a", "b"], True),
        ("!= 'b'", ["a", "b"], False),
        (".contains('b')", [{"k": "abc"}], True),
        ("= 1", [{"k": 1}], False),
    ],
)
def test_values_of_all_types_compare(query: str, x: Any, expected: bool) -> None:
    assert holds(f"trait('x'){query if query[0] == '.' else ' ' + query}", x=x) is expected
    assert holds(f"event('A').where(property('x'){query}).count() = 1", did("A", T, x=x)) is expected


def test_arrays_are_asked_element_by_element_and_each_condition_for_itself() -> None:
    order = did("Ordered", T, products=[{"sku": "a", "price": 5}, {"sku": "b", "price": 50}])
    asked = "event('Ordered').where({}).count() = 1"
    assert holds(
        asked.format("property('products.$.sku') = 'a' AND property('products.$.price') > 10"), order
    )
    assert holds(asked.format("property('products.price') = 50"), order)
    assert holds(asked.format("property('products.1.sku') = 'b'"), order)
    assert not holds(asked.format("property('products.$.size').exists()"), order)
    assert value("event('Ordered').sum(property('products.$.price'))", order) == 55
    assert value("event('Ordered').last(property('products.$.sku'))", order) == "b"


def test_a_dot_in_a_name_is_escaped() -> None:
    assert holds(r"trait('a\.b') = 1", **{"a.b": 1})
    assert holds("trait('a.b') = 1", a={"b": 1})


def test_audiences_are_traits() -> None:
    asked = plan("trait('vip') = true", audiences=("vip",))
    assert asked.evaluate(Profile((), {}, {"vip": True}), T) == (True, None)
    assert asked.evaluate(Profile((), {}, {"vip": False}), T) == (False, None)
    assert plan("trait('vip') = false", audiences=("vip",)).evaluate(Profile(), T).value is True
    assert plan("trait('vip') = false").evaluate(Profile(), T).value is False


def test_sources_and_context() -> None:
    fact = Fact("A", T, {}, "web", {"page": {"url": "https://shop.example.com/"}})
    assert holds("event('A').sources({exclude: ['app']}).count() = 1", fact)
    assert holds("event('A').sources({exclude: ['web']}).count() = 0", fact)
    assert holds("event('A').where(context('page.url').contains('shop')).count() = 1", fact)


ORDERS = [
    did("A", T - 3, x=1, brand="b"),
    did("A", T - 2, x="2.5", brand="a"),
    did("A", T - 1, x="no", brand="b"),
]


@pytest.mark.parametrize(
    ("reducer", "expected", "of_nothing"),
    [
        ("count()", 3, 0),
        ("sum(property('x'))", 3.5, 0),
        ("avg(property('x'))", 1.75, None),
        ("min(property('x'))", 1, None),
        ("max(property('x'))", 2.5, None),
        ("max(property('x') as string)", "no", None),
        ("first(property('x'))", 1, None),
        ("last(property('x'))", "no", None),
        ("mode(property('brand'), 2)", "b", None),
        ("mode(property('x'), 2)", None, None),
        ("mode(property('x'))", 1, None),  # all as often: by the alphabet, '1' '2.5' 'no'
        ("unique(property('brand'))", ["a", "b"], []),
        ("unique(property('brand')).count()", 2, 0),
    ],
)
def test_computed_traits(reducer: str, expected: Any, of_nothing: Any) -> None:
    assert value(f"event('A').{reducer}", *ORDERS) == expected
    assert value(f"event('A').{reducer}") == of_nothing


def test_a_sum_is_exact_in_any_order() -> None:
    facts = [did("A", T - i, x=x) for i, x in enumerate((0.1, 1e15, 0.2, -1e15, 0.3))]
    assert (
        value("event('A').sum(property('x'))", *facts)
        == value("event('A').sum(property('x'))", *facts[::-1])
        == 0.6
    )


def test_events_of_one_moment_keep_their_order() -> None:
    assert value("event('A').first(property('x'))", did("A", T, x=1), did("A", T, x=2)) == 1
    assert value("event('A').last(property('x'))", did("A", T, x=1), did("A", T, x=2)) == 2


def test_looking_ahead_passes_what_changes_nothing() -> None:
    asked = plan("event('A').within(30 days).sum(property('x')) >= 1")
    profile = Profile([did("A", T, x=1), did("A", T + DAY, x=1)])
    assert asked.evaluate(profile, T + DAY) == (True, T + 30 * DAY)
    assert asked.evaluate(profile, T + DAY, ahead=3) == (True, T + 31 * DAY)


def test_odd_values_raise_nothing() -> None:
    for odd in (
        10**400,
        1e308,
        "9" * 100,
        {},
        [],
        [[1]],
        "\ud800",
        float("1e300"),
        {"a": [None]},
        "2026-99-99",
    ):
        facts = [did("A", T, x=odd), did("A", T, x=odd)]
        for query in ("sum", "avg", "max", "first", "unique", "mode"):
            value(f"event('A').{query}(property('x'))", *facts)
        for query in ("> 1", "= 'a'", ".contains('a')", ".within_last(2 days)", ".before_date(2026-01-01)"):
            holds(f"event('A').where(property('x'){query}).count() = 1", *facts, x=odd)


def test_ten_thousand_facts_in_a_funnel_take_no_long_time() -> None:
    query = plan("""event('V').where(event('O').where(property('sku') = property(parent: 'sku')).within(parent: 2 days)
        .count() >= 1 AND event('O').within(parent: 1 day).count() >= 1).count() >= 5000""")
    facts = [did("V" if i % 2 else "O", T - 10_000 + i, sku=i // 2 % 2500) for i in range(10_000)]
    assert query.evaluate(Profile(facts), T).value is False
