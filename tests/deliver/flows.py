"""Playing a flow by hand: what it wishes for, and its result. No network: flows do no I/O."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from plaudit.destinations.base import Delivery, Wish
from plaudit.destinations.catalog import destinations
from plaudit.destinations.validate import validate
from plaudit.spec.order import Order, read_order
from support import ORDER

NOW = 1_795_459_200_000  # 2026-11-23T18:40:00Z


def the_order(*, traits: dict[str, Any] | None = None, locale: str | None = None, **changes: Any) -> Order:
    """The order of the page, with some properties changed."""
    order = read_order(
        {**ORDER, **changes},
        context={"locale": locale} if locale else None,
        traits=traits,
        root_email=None,
        user_id="u1",
        timestamp=NOW,
        wanted_traits=list(traits or ()),
    )
    assert isinstance(order, Order)
    return order


def delivery(order: Order | None = None, *, now: int = NOW, **more: Any) -> Delivery:
    return Delivery(1, order=order or the_order(), now=now, **more)


def good(**settings: Any) -> dict[str, Any]:
    """Settings as a configuration would have them: validated, and with their defaults."""
    found, faults = validate(destinations()["trustpilot"], settings)
    assert faults == []
    return found


def play(flow: Generator[Wish, Any, Any], *answers: Any) -> tuple[list[Any], Any]:
    """The wishes that a flow makes of these answers, and its result (None: it wants another answer)."""
    wishes: list[Any] = []
    try:
        wishes.append(next(flow))
        for answer in answers:
            wishes.append(flow.send(answer))  # noqa: PERF401 - what came before StopIteration counts
    except StopIteration as end:
        return wishes, end.value
    return wishes, None
