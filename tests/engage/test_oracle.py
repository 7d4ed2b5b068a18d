"""Random definitions over random histories: the evaluator against the oracle, and against its own forecast."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaudit.engage.evaluate import Plan, Profile
from plaudit.engage.language import decode, encode, parse, write
from plaudit.engage.language import tree as t
from plaudit.engage.needs import needs
from properties import THOROUGH, bounded

from .generate import AUDIENCES, Generator, spans
from .oracle import Oracle, date

LOOPS = 2000 * max(THOROUGH, 1)
MOMENTS = 3


def try_one(random: Random) -> None:
    """One definition over one history, at random moments."""
    generator = Generator(random)
    tree = generator.audience() if random.random() < 0.75 else generator.trait()
    facts, traits, memberships = generator.facts(), generator.traits(), generator.memberships()
    plan = Plan(tree, AUDIENCES)
    profile = Profile(facts, traits, memberships)
    oracle = Oracle(facts, traits, memberships, AUDIENCES)
    turns = turning_points(tree, facts, traits)
    for _ in range(MOMENTS):
        now = random.choice(turns) if turns and random.random() < 0.5 else generator.time()
        agrees(tree, plan, profile, oracle, now, turns)
    keeps_only_what_is_needed(tree, plan, facts, Profile(facts, traits, memberships), now)


def agrees(
    tree: t.Definition, plan: Plan, profile: Profile, oracle: Oracle, now: int, turns: list[int]
) -> None:
    said = f"{write(tree)} at {now}: {oracle.facts} {oracle.traits} {oracle.memberships}"
    value, until = plan.evaluate(profile, now)
    assert alike(value, oracle.value(tree, now)), said
    assert until is None or until > now, said
    for time in turns:
        if now < time and (until is None or time < until):
            assert alike(value, oracle.value(tree, time)), f"changed at {time}, before {until}: {said}"
    later = plan.evaluate(profile, now, ahead=1000).next_change_at
    if until is None:
        assert later is None
    elif later is None:
        assert all(alike(value, oracle.value(tree, time)) for time in turns if time > now), said
    else:
        assert later >= until, said
        assert not alike(value, oracle.value(tree, later)), f"nothing changes at {later}: {said}"
        assert all(alike(value, oracle.value(tree, time)) for time in turns if now < time < later), said


def turning_points(tree: t.Definition, facts: Any, traits: Any) -> list[int]:
    """Around every time at which anything could change: each fact, date and start, moved by each length."""
    dates = [value for fact in facts for each in walk(fact.properties) if (value := date(each)) is not None]
    dates += [
        value for trait in traits.values() for each in walk(trait.value) if (value := date(each)) is not None
    ]
    dates += [value for fact in facts for each in walk(fact.context) if (value := date(each)) is not None]
    bases = {fact.timestamp for fact in facts} | {trait.since for trait in traits.values()} | set(dates)
    lengths = {0} | spans(tree)
    return sorted(
        {
            base + sign * length + d
            for base in bases
            for length in lengths
            for sign in (1, -1)
            for d in (-1, 0, 1)
        }
    )


def walk(value: Any) -> Any:
    if isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from walk(each)
    else:
        yield value


def alike(one: Any, other: Any) -> bool:
    """Equal, and of one type: 1 is not true."""
    return repr(one) == repr(other) or (
        type(one) is type(other) and one == other and not isinstance(one, list)
    )


def keeps_only_what_is_needed(tree: t.Definition, plan: Plan, facts: Any, profile: Profile, now: int) -> None:
    """Facts that `needs` does not ask for may go, and so may those that are too old."""
    wanted = needs(tree).events
    kept = [
        fact
        for fact in facts
        if (need := wanted.get(fact.name))
        and (need.look_back is None or fact.timestamp > now - need.look_back)
    ]
    less = Profile(kept, profile.traits, profile.memberships)
    assert alike(plan.evaluate(profile, now).value, plan.evaluate(less, now).value), write(tree)


@pytest.mark.parametrize("part", range(5))
def test_any_definition_over_any_history(part: int) -> None:
    for seed in range(part, LOOPS, 5):
        try_one(Random(seed))


@given(st.randoms(use_true_random=False))
@bounded(100)
def test_the_same_found_and_made_small_by_hypothesis(random: Random) -> None:
    try_one(random)


@given(st.integers(0, 10**9))
@bounded(500)
def test_what_is_printed_reads_back(seed: int) -> None:
    generator = Generator(Random(seed))
    tree = generator.audience() if seed % 2 else generator.trait()
    assert encode(parse(write(tree))) == encode(tree)
    assert decode(encode(tree)) == tree
