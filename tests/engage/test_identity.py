"""Whose event it is: Segment's rules, told by its own examples and by what goes wrong without them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.engage.identifiers import MONTHLY, WEEKLY, Identifier, Limit, Rules, identifiers
from plaudit.engage.identity import MOST_IDENTIFIERS, MOST_MERGES, Decision, Known, Seen, resolve
from properties import bounded

T = 1_795_459_200_000
P, GUEST, PERSON, WORN, FULL = range(1, 6)
U1, U2 = Identifier("user_id", "u1"), Identifier("user_id", "u2")
JANE, JOE = Identifier("email", "jane@example.com"), Identifier("email", "joe@example.com")
A1, A2, A9 = (Identifier("anonymous_id", f"a{i}") for i in (1, 2, 9))


def known(name: int, *ids: Identifier, at: int = T, created_at: int = 0, merges: int = 0) -> Known:
    return Known(name, tuple(Seen(each, at) for each in ids), created_at, merges)


def decide(ids: list[Identifier], *profiles: Known, at: int = T, rules: Rules | None = None) -> Decision:
    return resolve(
        ids, {seen.identifier: each for each in profiles for seen in each.seen}, at=at, rules=rules
    )


def reasons(decision: Decision) -> dict[str, str]:
    return {each.identifier.value: each.reason for each in decision.dropped}


def test_none_one_and_several_matches() -> None:
    assert decide([U1, A1]) == Decision("create", (U1, A1))
    assert decide([U1, A1], known(P, U1)) == Decision("attach", (U1, A1), P)
    merged = decide([U1, A1], known(GUEST, A1), known(PERSON, U1, created_at=9))
    assert merged == Decision("merge", (U1, A1), PERSON, (GUEST,))


def test_segments_example_of_two_user_ids_with_one_address() -> None:
    decision = decide([U2, JANE], known(P, U1, JANE))
    assert decision.action == "create"
    assert decision.identifiers == (U2,)
    assert reasons(decision) == {"jane@example.com": "limit"}


def test_a_shared_device_joins_nobody() -> None:
    decision = decide([A1, U2], known(1, U1, A1), known(2, U2))
    assert (decision.action, decision.profile, decision.merged) == ("attach", 2, ())
    assert reasons(decision) == {"a1": "limit"}


def test_the_lowest_priority_goes_first() -> None:
    phone = Identifier("phone", "1")
    decision = decide([phone, A9, JANE, U2], known(P, U1, JANE))
    assert [each.identifier for each in decision.dropped] == [phone, A9, JANE]
    assert decision.identifiers == (U2,)


def test_a_sixth_of_a_kind_is_left_out_and_a_week_makes_room() -> None:
    full = known(P, U1, *(Identifier("anonymous_id", f"old{i}") for i in range(5)), at=T - WEEKLY)
    assert reasons(decide([U1, A1], full)) == {"a1": "limit"}
    weekly = Rules(limits={"user_id": Limit(1), "anonymous_id": Limit(5, WEEKLY)})
    monthly = Rules(limits={"user_id": Limit(1), "anonymous_id": Limit(5, MONTHLY)})
    assert decide([U1, A1], full, rules=weekly) == Decision("attach", (U1, A1), P)
    assert reasons(decide([U1, A1], full, rules=monthly)) == {"a1": "limit"}


def test_a_profile_beyond_a_tightened_limit_goes_on() -> None:
    two = known(P, U1, U2)
    assert decide([U1, A1], two) == Decision("attach", (U1, A1), P)


@pytest.mark.parametrize(
    "value", ["0", "000", "00000000-0000-0000-0000-000000000000", "-1", "null", "Anonymous", "---"]
)
def test_values_that_say_nothing_are_blocked(value: str) -> None:
    decision = decide([Identifier("user_id", value), A1])
    assert decision.identifiers == (A1,)
    assert reasons(decision) == {value: "blocked"}
    assert decide([Identifier("user_id", value)]).action == "nobody"


def test_caps_on_merges_and_identifiers() -> None:
    worn = known(WORN, U1, merges=MOST_MERGES)
    decision = decide([U1, A1], worn, known(9, A1))
    assert (decision.action, decision.profile, reasons(decision)) == ("attach", WORN, {"a1": "merge_limit"})
    rules = Rules(others=Limit(10_000))
    full = known(FULL, U1, *(Identifier("anonymous_id", f"x{i}") for i in range(MOST_IDENTIFIERS - 1)))
    decision = decide([U1, A1], full, rules=rules)
    assert (decision.action, decision.profile, reasons(decision)) == (
        "attach",
        FULL,
        {"a1": "mapping_limit"},
    )


def test_identifiers_of_an_event() -> None:
    outside = [
        {"id": "123", "type": "Phone", "collection": "users", "encoding": "none"},
        {"id": "g", "type": "group", "collection": "accounts", "encoding": "none"},
        {"id": "h", "type": "hashed", "collection": "users", "encoding": "sha256"},
        {"id": 7.0, "type": "shopify_id"},
        "junk",
        {"id": None, "type": "x"},
        {"id": "1"},
    ]
    assert identifiers(42, " a1 ", ["Jane@Example.com", "jane@example.com", "no", None], outside) == (
        Identifier("user_id", "42"),
        JANE,
        A1,
        Identifier("phone", "123"),
        Identifier("shopify_id", "7"),
    )
    assert identifiers() == identifiers(True, {}, [[]], {"id": 1}) == ()


IDS = st.sampled_from([U1, U2, JANE, JOE, A1, A2, A9, Identifier("user_id", "null")])


@given(st.lists(st.lists(IDS, max_size=5), max_size=40))
@bounded(300)
def test_no_history_joins_two_user_ids_nor_breaks_a_limit(events: list[list[Identifier]]) -> None:
    rules = Rules(limits={"user_id": Limit(1), "anonymous_id": Limit(2)})
    owners: dict[Identifier, int] = {}
    for number, ids in enumerate(events):
        names = set(owners.values())
        profiles = {
            name: known(name, *(each for each, owner in owners.items() if owner == name)) for name in names
        }
        decision = resolve(ids, {each: profiles[owner] for each, owner in owners.items()}, at=T, rules=rules)
        assert sorted([*decision.identifiers, *(each.identifier for each in decision.dropped)]) == sorted(
            set(ids)
        )
        assert (decision.action == "nobody") == (not decision.identifiers)
        if decision.action == "nobody":
            continue
        profile = decision.profile or number + 1
        for each, owner in owners.items():
            if owner in decision.merged:
                owners[each] = profile
        owners |= dict.fromkeys(decision.identifiers, profile)
        for name in set(owners.values()):
            mine = [each.type for each, owner in owners.items() if owner == name]
            assert mine.count("user_id") <= 1
            assert mine.count("anonymous_id") <= 2
            assert "null" not in mine
