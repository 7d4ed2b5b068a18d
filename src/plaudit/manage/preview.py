"""How many a query would match: at once about how many, then exactly."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import AsyncIterator

import msgspec

from plaudit.clock import Clock
from plaudit.destinations.base import Destination
from plaudit.engage.definitions import Definition, Definitions, Kind
from plaudit.engage.judge import evaluate
from plaudit.engage.language import read
from plaudit.engage.values import text
from plaudit.manage.masking import masked_value
from plaudit.process.profiles import definitions_of
from plaudit.store.base import Store

PORTION = 500  # profiles that a preview looks at in one go
TOP = 5


class Estimate(msgspec.Struct):
    """How many a query would match. `margin`: of 19 samples in 20 the number is that close; 0: it is exact."""

    looked_at: int
    matched: int
    estimate: int
    margin: int
    exact: bool
    top: list[tuple[str, int]] = []  # a trait's most frequent values, as text, masked


async def preview(
    store: Store, kinds: dict[str, Destination], query: str, kind: Kind, clock: Clock
) -> AsyncIterator[Estimate]:
    """How many a query would match: an estimate of a few portions, taken anywhere, that sharpens to the exact number.

    Raises `QueryError`: what is wrong with the query.
    """
    read(query, kind)
    configuration = await store.configuration()
    there = definitions_of(configuration, kinds)
    id_ = max((each.id for each in configuration.definitions), default=0) + 1
    key = "\0preview"  # no other has it
    tried = Definition(id_, kind, "preview", key, "preview", query)
    definitions = Definitions(there.version, [*configuration.definitions, tried], sources=there.sources)
    last = await store.profiles.last_profile()
    starts = list(range(0, last, PORTION))
    random.shuffle(starts)
    looked_at = matched = 0
    values: Counter[str] = Counter()
    yield Estimate(0, 0, 0, 0, exact=not starts)
    for done, start in enumerate(starts, 1):
        now = clock.now()
        for each in await store.profiles.sample(start, PORTION, definitions, [id_], now):
            if each.id > start + PORTION:
                continue  # of another portion
            looked_at += 1
            held = evaluate(definitions, each, [id_], now).get(id_)
            if held is not None and held.value not in (False, None):
                matched += 1
                if kind == "trait":
                    values[text(masked_value(held.value, query))[:100]] += 1
        yield _estimate(looked_at, matched, done, len(starts), values)


def _estimate(looked_at: int, matched: int, done: int, portions: int, values: Counter[str]) -> Estimate:
    top = values.most_common(TOP)
    if done == portions:
        return Estimate(looked_at, matched, matched, 0, exact=True, top=top)
    share = matched / looked_at if looked_at else 0.0
    everybody = looked_at * portions / done
    spread = math.sqrt(share * (1 - share) / max(looked_at, 1) * (1 - done / portions))
    return Estimate(
        looked_at,
        matched,
        round(share * everybody),
        math.ceil(1.96 * spread * everybody),
        exact=False,
        top=top,
    )
