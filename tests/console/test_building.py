"""Rows and queries say the same: what is taken apart and put together again is the same tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.console import computing
from plaudit.console.building import IS, MOST, OFTEN, Built, Row, of_form, put_together, taken_apart
from plaudit.engage.language import QueryError, read

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="\\'.$"),
    min_size=1,
    max_size=12,
)
NUMBERS = st.integers(0, 10**8).map(str)
EVENTS = st.builds(
    Row,
    kind=st.just("event"),
    name=WORDS,
    by=st.sampled_from([by for by, _ in OFTEN]),
    value=NUMBERS,
    days=st.just("") | st.integers(1, 900).map(str),
    negated=st.booleans(),
)
TRAITS = st.builds(
    Row,
    kind=st.just("trait"),
    name=WORDS,
    by=st.sampled_from(["equals", "differs", "contains", "starts_with"]),
    value=st.sampled_from(["gold", "'30'", "'true'", "ein Wort", "ü"]),
    negated=st.booleans(),
) | st.builds(Row, kind=st.just("trait"), name=WORDS, by=st.sampled_from(["exists", "absent"]))


@given(st.lists(EVENTS | TRAITS, min_size=1, max_size=4), st.booleans())
def test_what_is_put_together_is_taken_apart_to_the_same_tree(rows: list[Row], every: bool) -> None:
    written = put_together(Built(every, rows))
    built = taken_apart(written)
    assert built is not None
    assert read(put_together(built), "audience") == read(written, "audience")
    assert len(built.rows) == len(rows)


@pytest.mark.parametrize(
    "query",
    [
        "event('A').where(property('total') > 5).count() >= 1",
        "event('A').sum(property('total')) >= 1",
        "(trait('a') = 1 AND trait('b') = 2) OR trait('c') = 3",
        "event('A').within(3 hours).count() >= 1",
        " AND ".join(f"trait('t{n}') = 1" for n in range(MOST + 1)),
    ],
)
def test_what_rows_cannot_say_stays_text(query: str) -> None:
    read(query, "audience")
    assert taken_apart(query) is None


@given(
    WORDS, WORDS, st.sampled_from([by for by, _ in computing.HOW]), st.just("") | st.integers(1, 900).map(str)
)
def test_a_trait_is_put_together_and_taken_apart_to_the_same_row(
    name: str, of: str, by: str, days: str
) -> None:
    row = computing.Computed(by, name, "" if by == "count" else of, days)
    assert computing.taken_apart(computing.put_together(row)) == row


@pytest.mark.parametrize(
    "query",
    [
        "event('A').where(property('total') > 5).count()",
        "event('A').within(3 hours).count()",
        "event('A').mode(property('category'), 2)",
        "event('A').max(property('sku') as string)",
        "event('A').unique(property('sku')).count()",
        "event('A').last(context('locale'))",
    ],
)
def test_what_one_row_cannot_say_stays_text(query: str) -> None:
    read(query, "trait")
    assert computing.taken_apart(query) is None


def test_a_trait_that_lacks_its_property_says_so() -> None:
    with pytest.raises(QueryError, match="of which property"):
        computing.put_together(computing.Computed("sum"))


def test_what_is_typed_in_quotes_stays_a_text() -> None:
    built = taken_apart("trait('zip') = '30'")
    assert built is not None and built.rows[0].value == "'30'"
    assert put_together(built) == "trait('zip') = '30'"


def test_a_row_that_lacks_something_says_so() -> None:
    with pytest.raises(QueryError, match="whole number"):
        put_together(Built(True, [Row("event", "A", "at_least", "often")]))
    with pytest.raises(QueryError, match="name"):
        put_together(Built(True, [Row("trait", "", "equals", "x")]))
    with pytest.raises(QueryError, match="number"):
        put_together(Built(True, [Row("trait", "age", "at_least", "old")]))


def test_a_form_adds_and_takes_out_rows() -> None:
    one = {"r0.kind": "trait", "r0.name": "a", "r0.by": "exists", "every": "no"}
    assert of_form(one) == Built(False, [Row("trait", "a", "exists")])
    assert of_form(one | {"drop": "0"}).rows == []
    assert [row.kind for row in of_form(one | {"add": "event"}).rows] == ["trait", "event"]
    assert {by for by, _ in IS} >= {"exists", "absent"}
