"""What is told of a person: only what differs, and values that ask for one another in one breath."""

from __future__ import annotations

from collections.abc import Callable

from plaudit.engage.definitions import Definition, Definitions, Options, Outlet
from plaudit.engage.facts import Fact
from plaudit.engage.identifiers import Identifier
from plaudit.engage.judge import Judged, Live, evaluate, tell, untold
from plaudit.engage.person import Held, Met, Person, Told

T = 1_795_459_200_000
DAY = 86_400_000
RECENT = Definition(
    1,
    "audience",
    "recent",
    "recent",
    "recent",
    "event('Bought').within(30 days).count() >= 1",
    destinations=(7,),
)
BOTH = Definition(
    2,
    "audience",
    "both",
    "both",
    "both",
    "event('Bought').count() >= 2 AND trait('recent') = true",
    destinations=(7,),
)
ANN = (Met(Identifier("user_id", "ann"), 1, 1), Met(Identifier("email", "ann@example.com"), 1, 5), Met(Identifier("email", "a@example.com"), 2, 3))  # fmt: skip


def person(
    *ages: int, told: dict[tuple[int, int], Told] | None = None, values: dict[int, Held] | None = None
) -> Person:
    facts = [Fact("Bought", T - age * DAY) for age in sorted(ages, reverse=True)]
    return Person(1, list(ANN), facts=facts, told=told or {}, values=values or {})


def definitions(*them: Definition, carries: bool = True) -> Definitions:
    return Definitions(1, them, [Outlet(7, "Trustpilot", carries)])


def judge(
    definitions: Definitions,
    person: Person,
    ids: list[int],
    now: int,
    *,
    live: Live,
    new_id: Callable[[], str],
) -> Judged:
    """As stores do."""
    values = evaluate(definitions, person, ids, now)
    found = untold(definitions, person, definitions.places, live=live)
    return Judged(person.id, values, tell(definitions, person, found, now, new_id=new_id))


def test_a_value_that_another_asks_for_is_seen_in_the_same_breath() -> None:
    found = judge(
        definitions(RECENT, BOTH), person(1, 2), [1, 2], T, live=lambda *_: True, new_id=lambda: "m"
    )
    assert {id_: held.value for id_, held in found.values.items()} == {1: True, 2: True}
    assert [telling.place for telling in found.tellings] == [(1, 7), (2, 7)]


def test_it_says_until_when() -> None:
    found = judge(definitions(RECENT), person(1, 9), [1], T, live=lambda *_: True, new_id=lambda: "m")
    assert found.values == {1: Held(True, T, T + 29 * DAY)}


def test_nothing_is_told_twice_nor_what_is_as_if_nothing_were_known() -> None:
    known = {(1, 7): Told(True, 1)}
    again = judge(
        definitions(RECENT), person(1, told=known), [1], T, live=lambda *_: True, new_id=lambda: "m"
    )
    assert again.tellings == []
    assert judge(definitions(RECENT), person(), [1], T, live=lambda *_: True, new_id=lambda: "m") == (
        1,
        {},
        [],
    )
    (left,) = judge(
        definitions(RECENT), person(99, told=known), [1], T, live=lambda *_: True, new_id=lambda: "m"
    ).tellings
    assert (left.value, left.told) == (False, Told(True, 1))


def test_who_cannot_be_told_is_not() -> None:
    for defined, live in ((definitions(RECENT, carries=False), True), (definitions(RECENT), False)):
        found = judge(defined, person(1), [1], T, live=lambda *_, live=live: live, new_id=lambda: "m")
        assert found.values[1].value is True and found.tellings == []


def test_whom_a_call_names() -> None:
    import msgspec

    for which, wanted in (
        ("last", [("ann", "ann@example.com")]),
        ("first", [("ann", "ann@example.com")]),
        ("all", [("ann", "ann@example.com"), ("ann", "a@example.com")]),
    ):
        definition = msgspec.structs.replace(RECENT, options=Options(identifiers=which))  # type: ignore[arg-type]
        (telling,) = judge(
            definitions(definition), person(1), [1], T, live=lambda *_: True, new_id=lambda: "m"
        ).tellings
        bodies = [msgspec.json.decode(call.body) for call in telling.calls]
        assert [(body["userId"], body["traits"]["email"]) for body in bodies] == wanted
        assert bodies[0]["context"]["personas"]["computation_key"] == "recent"
        assert bodies[0]["integrations"] == {"All": False, "Trustpilot": True}
