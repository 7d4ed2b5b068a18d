"""The query language: Segment's own examples, errors at the character, and what is refused when saved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.engage.language import Kind, QueryError, check, decode, encode, parse, read, write
from plaudit.engage.language import tree as t
from properties import bounded

AUDIENCES = {
    "the page's": "event('Order Completed').within(30 days).count() >= 1",
    "bought": "event('Shoes Bought').where( property('price') >= 100 ).within(7 days).count() >= 1",
    "bought and returned": """event('Shoes Bought').where(
        property('price') >= trait('avg_spend')
        AND
        event('Shoes Returned').within(parent: 5 days).count() >= 1
        ).within(30 days).count() >= 1""",
    "not bought": "NOT ( event('Shoes Bought').count() >= 1 AND trait('total_spend') > 200 )",
    "an audience": "trait('order_completed_last_30days') = true OR trait('VIP') = 'true'",
    "each function": """event('A').sources({exclude: ['s1', 's2']}).between(7 days, 10 days).count() = 2
        AND trait('a').equals(500) AND trait('b').differs('x') AND trait('c').absent() AND trait('d').exists()
        AND trait('e').greater_than(1) AND trait('f').at_least(1.5) AND trait('g').less_than(-1)
        AND trait('h').at_most(0) AND trait('i').contains('shoes', 'shirts') AND trait('j').omits('shoes')
        AND trait('k').starts_with('total') AND trait('l').ends_with('total') AND trait('m').one_of('a', 2)
        AND trait('n').none_of(['a', 'b']) AND trait('o').before_date('2023-12-07T18:50:00Z')
        AND trait('p').after_date(2023-12-07T18:50:00Z) AND trait('q').within_last(7 days)
        AND trait('r').within_next(1 hour) AND trait('s').before_last(12 hours) AND trait('t').after_next(1 day)
        AND event('B').unique(property('sku')).count() > 3 AND trait('u') = literal(2022-10-17)""",
    "dynamic": """event('Product Added').where(NOT event('Order Completed').where(
        property('product_id') = property(parent: 'product_id')).within(parent: 2 days).count() >= 1
        ).within(7 days).count() >= 1""",
}
TRAITS = {
    "average": "event('Shoes Bought').within(30 days).avg(property('spend'))",
    "minimum": "event('Shoes Bought').where( property('price') > 100 AND property('brand') = 'My Brand' ).min(property('spend'))",
    "first": "event('Shoes Bought').within(30 days).first(property('spend'))",
    "most frequent": "event('Shoes Bought').within(30 days).mode(property('spend'), 2)",
    "as array": "event('Shoes Bought').mode(property('spend') as array, 2)",
    "as string": "event('Shoes Bought').max(property('spend') as string)",
    "list": "event('Shoes Bought').unique(property('products.$.brand'))",
    "size": "event('Shoes Bought').unique(context('page.url')).count()",
    "counter": "event('Shoes Bought').count()",
    "sum": "event('Shoes Bought').sum(property('spend'))",
    "last": "event('Shoes Bought').last(property('spend'))",
}
PIECES = [
    "",
    "(",
    ")",
    "'",
    ".",
    ",",
    "{",
    "[",
    "NOT ",
    " AND ",
    "parent: ",
    "1 day",
    "2026-11-23",
    "= ",
    " as ",
    "-5",
    "event('x')",
    ".count()",
    "true",
]
ALL: list[tuple[str, Kind]] = [(q, "audience") for q in AUDIENCES.values()] + [
    (q, "trait") for q in TRAITS.values()
]


@pytest.mark.parametrize(("query", "kind"), ALL, ids=[*AUDIENCES, *TRAITS])
def test_examples_are_read_and_printed_back(query: str, kind: Kind) -> None:
    tree = read(query, kind)
    assert encode(parse(write(tree))) == encode(tree)
    assert decode(encode(tree)) == tree


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("trait('a') == 5", "trait('a').equals(literal(5))"),
        ("trait('a') <> 5", "trait('a') != 5"),
        ("not trait('a')=1 and trait('b')=2", "(NOT trait('a') = 1) AND trait('b') = 2"),
        (
            "trait('a')=1 OR trait('b')=2 AND trait('c')=3",
            "trait('a') = 1 OR (trait('b') = 2 AND trait('c') = 3)",
        ),
        (
            "event('a').sources(exclude: 'x', 'y').count()>1",
            "event('a').sources({exclude: ['x', 'y']}).count() > 1",
        ),
        (
            "event('a').where({property('p') > 1}).count()>1",
            "event('a').where(property('p') > 1).count() > 1",
        ),
        ('trait("it\'s") = "\\"q\\""', "trait('it\\'s') = '\"q\"'"),
        (r"trait('a\.b') = 1", r"trait('a\\.b') = 1"),
        ("event('a').within(1 days).count() > 1", "event('a').within(1 day).count() > 1"),
        ("NOT (trait('a')) = ('b')", "NOT trait('a') = 'b'"),
    ],
)
def test_sugar_and_spelling_make_no_difference(one: str, other: str) -> None:
    assert parse(one) == parse(other)


def test_any_text_survives_printing() -> None:
    for text in ("", "'", '"', "\\", "\\'", "a\nb\tc\rd", "é東🎉", "$", "a\\.b", "\\n"):
        tree = t.Compare(t.Trait("k"), "equals", (t.Value(text),))
        assert parse(write(tree)) == tree


def test_the_caret_stands_below_the_character() -> None:
    with pytest.raises(QueryError) as caught:
        read("trait('a') > 5 AND\n  event('x').cuont() > 1", "audience")
    error = caught.value
    assert (error.line, error.column) == (2, 14)
    assert str(error) == "line 2, column 14: there is no function `cuont`: did you mean `count`?"
    assert error.shown().splitlines()[1:] == ["    event('x').cuont() > 1", "               ^"]


@pytest.mark.parametrize(
    ("query", "column", "words"),
    [
        ("", 1, "the query is empty; expected a condition such as event('Order Completed')"),
        ("event('x'", 10, "expected a closing ) or a comma"),
        ("event('x)", 7, "no closing '"),
        ("event(\u2018x\u2019).count() > 1", 7, "straight quotes"),
        ("evnt('x').count() > 1", 1, "did you mean `event`?"),
        ("within(3 days)", 1, "cannot begin an expression"),
        ("trait('x') = gold", 14, "text is written in quotes, 'gold'"),
        ("trait('x') = null", 14, ".absent()"),
        ("trait('x') && 1", 12, "AND and OR"),
        ("! trait('x') = 1", 1, "NOT"),
        ("trait('x') = 1 trait('y') = 2", 16, "expected AND, OR or the end"),
        ("trait('x') = 1e16", 14, "larger than"),
        ("trait('x').contains('a') > 5", 1, "cannot be compared again"),
        ("trait('x').contains('a').count()", 26, "nothing can follow a comparison"),
        ("trait('x').count() > 1", 12, "already one value"),
        ("trait('x', 'y') = 1", 12, "one argument too many"),
        ("trait() = 1", 1, "needs the trait's name in quotes"),
        ("event('x').within(30).count() > 1", 19, "with its unit"),
        ("event('x').within(30 dayz).count() > 1", 22, "did you mean `day`?"),
        ("event('x').within(30 minutes).count() > 1", 22, "hours or days"),
        ("event('x').within(1.5 days).count() > 1", 19, "no whole number"),
        ("event('x').within(paren: 5 days).count() > 1", 19, "did you mean `parent`?"),
        ("event('x').where(5).count() > 1", 18, "where(…) takes a condition"),
        ("event('x').sum('total') > 1", 16, "takes a property"),
        ("event('x').max(property('y') as text) > 1", 33, "number or string"),
        ("event('x').mode(property('y'), 'a') = 1", 32, "whole number"),
        ("event('x') >= 1", 1, "many events"),
        ("event('x').equals(1)", 12, "first .count()"),
        ("(" * 200 + "trait('a') = 1" + ")" * 200, 61, "60 levels"),
        ("NOT " * 3000 + "trait('a') = 1", 241, "60 levels"),
        ("trait('a').one_of([])", 19, "the list is empty"),
        ("literal(trait('x')) = 1", 1, "takes a text"),
    ],
)
def test_what_is_no_query_is_explained(query: str, column: int, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        read(query, "audience")
    assert words in caught.value.problem
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("event('x').count()", "audience", "must end in true or false"),
        ("trait('x')", "audience", "must end in true or false"),
        ("event('x').count() > 1", "trait", "make it an audience"),
        ("literal(5)", "trait", "the same for everybody"),
        ("ALL event('x').count() > 1", "audience", "all users of an account"),
        ("ANY (event('x').count() > 1)", "audience", "all users of an account"),
        ("entity('orders').count() > 1", "audience", "linked tables"),
        ("event('x').expires_after(1 hour).count() > 1", "audience", "keeps a session alive"),
        ("property('x') = 1", "audience", "within where(…)"),
        ("event('x').where(property(parent: 'y') = 1).count() > 1", "audience", "itself within one"),
        ("event('x').within(parent: 5 days).count() > 1", "audience", "there is none"),
        ("event('x').between(10 days, 7 days).count() > 1", "audience", "shorter time first"),
        ("event('x').within(2 days).between(2 days, 5 days).count() > 1", "audience", "within both"),
        ("event('x').within(0 days).count() > 1", "audience", "from 1 hour"),
        ("event('x').within(9999 days).count() > 1", "audience", "3660 days"),
        ("event('x').count() = 'many'", "audience", "a number cannot be compared with a text"),
        ("event('x').count() = true", "audience", "a number cannot be compared with true or false"),
        ("event('x').count().contains('1')", "audience", "compares text"),
        ("event('x').count().within_last(2 days)", "audience", "compares dates"),
        ("event('x').sum(property('y')) > 2023-01-01", "audience", "compared with a date"),
        ("event('x').unique(property('y')) = 'a'", "audience", "count it"),
        ("trait('x') > 'abc'", "audience", "numbers and dates"),
        ("trait('x').contains(5)", "audience", "text in quotes"),
        ("trait('x').contains('')", "audience", "in every text"),
        ("trait('x').before_date('soon')", "audience", "takes a date"),
        ("trait('x') = 2026-02-30", "audience", "no day of the calendar"),
        ("trait('a..b') = 1", "audience", "a name is missing"),
        ("trait('$.b') = 1", "audience", "before `$`"),
        ("event(' ').count() > 1", "audience", "an event has a name"),
        ("1 = 1", "audience", "not with a constant"),
        ("event('x').mode(property('y'), 0) = 1", "audience", "1 or more"),
        (" OR ".join(["trait('x') = 1"] * 51), "audience", "at most 50 primary expressions"),
        (
            "event('a').where(event('b').where(event('c').where(event('d').count() > 1).count() > 1).count() > 1).count() > 1",
            "audience",
            "at most 3 deep",
        ),
    ],
)
def test_what_means_nothing_is_refused_when_saved(query: str, kind: Kind, words: str) -> None:
    tree = parse(query)
    with pytest.raises(QueryError) as caught:
        read(query, kind)
    assert words in caught.value.problem
    assert caught.value.line == 1
    with pytest.raises(QueryError) as caught:
        check(tree, kind)
    assert words in str(caught.value)
    assert caught.value.line == 0


@given(st.sampled_from([query for query, _ in ALL]), st.data())
@bounded(400)
def test_whatever_is_written_is_a_query_or_an_error_with_its_place(query: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(query)))
        end = data.draw(st.integers(start, min(len(query), start + 12)))
        query = query[:start] + data.draw(st.sampled_from(PIECES) | st.text(max_size=3)) + query[end:]
    try:
        tree = read(query, "audience")
    except QueryError as error:
        found = error
    else:
        assert encode(read(write(tree), "audience")) == encode(tree)
        return
    assert found.line >= 1
    assert 1 <= found.column <= len(query) + 1
    assert found.shown().endswith("^")


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(QueryError, match="half a character"):
        parse("trait('\ud800') = 1")


def test_fifty_comparisons_are_allowed() -> None:
    read(" OR ".join(["trait('x') = 1"] * 50), "audience")


def test_a_query_has_a_longest_length() -> None:
    with pytest.raises(QueryError, match="20000 are allowed"):
        parse("x" * 20_001)
