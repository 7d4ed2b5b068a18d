"""How many evaluations a second: `python tests/engage/speed.py`."""

from __future__ import annotations

from time import perf_counter

from plaudit.engage.evaluate import Fact, Plan, Profile
from plaudit.engage.language import Kind, read

DAY = 86_400_000
QUERIES: dict[str, tuple[str, Kind]] = {
    "window and count": ("event('Order Completed').within(30 days).count() >= 1", "audience"),
    "with a condition": (
        "event('Order Completed').where(property('total') >= 5).within(30 days).count() >= 1",
        "audience",
    ),
    "sum": ("event('Order Completed').within(30 days).sum(property('total'))", "trait"),
    "funnel": (
        "event('Order Completed').where(NOT event('Refund').within(parent: 5 days).count() >= 1).within(30 days).count() >= 1",
        "audience",
    ),
}


def evaluations(query: str, kind: Kind, seconds: float = 0.5) -> float:
    """Evaluations a second for a profile with 10 facts, which is put together anew each time."""
    plan = Plan(read(query, kind))
    facts = [Fact("Order Completed", 80 * DAY + i * 1000, {"total": i}) for i in range(10)]
    done, start = 0, perf_counter()
    while (spent := perf_counter() - start) < seconds:
        for _ in range(1000):
            plan.evaluate(Profile(facts), 100 * DAY)
        done += 1000
    return done / spent


if __name__ == "__main__":
    for name, (query, kind) in QUERIES.items():
        print(f"{evaluations(query, kind):>12,.0f}/s  {name}: {query}")
