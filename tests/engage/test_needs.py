"""What definitions depend on, and the order in which they can be evaluated."""

from __future__ import annotations

import pytest

from plaudit.engage.language import QueryError, parse
from plaudit.engage.needs import Dependencies, EventNeeds, Needs, needs, order, together

DAY = 86_400_000


def of(query: str) -> Needs:
    return needs(parse(query))


def test_names_paths_and_how_far_back() -> None:
    found = of("""event('Bought').where(property('price') >= trait('avg.spend') AND context('page.url').exists()
        AND event('Returned').where(property('id') = property(parent: 'order_id')).within(parent: 5 days).count() >= 1
        ).within(30 days).sum(property('total')) > 1 OR trait('vip') = true""")
    assert found.events == {
        "Bought": EventNeeds(frozenset({"price", "order_id", "total"}), frozenset({"page.url"}), 30 * DAY),
        "Returned": EventNeeds(frozenset({"id"}), frozenset(), 30 * DAY),
    }
    assert found.traits == {"avg", "vip"}
    assert found.look_back == 30 * DAY


def test_without_a_window_events_count_for_ever() -> None:
    found = of(
        "event('A').within(7 days).count() >= 1 AND event('B').between(1 day, 3 days).count() > event('A').count()"
    )
    assert found.events["A"].look_back is None
    assert found.events["B"].look_back == 3 * DAY
    assert found.look_back is None
    assert of("trait('x') = 1").look_back == 0


def test_what_must_be_kept_for_all() -> None:
    kept = together(
        [
            of("event('A').within(7 days).sum(property('x'))"),
            of("event('A').within(9 days).first(property('y'))"),
        ]
    )
    assert kept == {"A": EventNeeds(frozenset({"x", "y"}), frozenset(), 9 * DAY)}


def test_only_the_touched_and_those_that_follow_from_them() -> None:
    definitions = Dependencies(
        {
            "spender": of("trait('spend') > 100 AND trait('recent') = true"),
            "spend": of("event('Bought').sum(property('total'))"),
            "recent": of("event('Bought').within(30 days).count() >= 1"),
            "viewer": of("event('Viewed').count() >= 1"),
        }
    )
    assert definitions.order == ["recent", "spend", "viewer", "spender"]
    assert definitions.touched(events=["Bought"]) == ["recent", "spend", "spender"]
    assert definitions.touched(events=["Viewed", "Else"]) == ["viewer"]
    assert definitions.touched(traits=["spend"]) == ["spender"]
    assert definitions.dependents("spend") == ["spender"]


def test_a_circle_is_refused_with_its_path() -> None:
    circle = {
        "a": of("trait('b') = true"),
        "b": of("trait('c') = true"),
        "c": of("trait('a') = true"),
        "d": of("trait('a') = 1"),
    }
    with pytest.raises(QueryError, match=r"circle: (a → b → c → a|b → c → a → b|c → a → b → c)"):
        order(circle)
    with pytest.raises(QueryError, match="a → a"):
        Dependencies({"a": of("trait('a') = true")})
