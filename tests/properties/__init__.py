"""What holds for any input, shown by hypothesis: for requests, for histories, and for the pure functions."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

THOROUGH = int(os.environ.get("PLAUDIT_THOROUGH", "0"))

AS_FOUND = tuple(Phase) if THOROUGH else (Phase.explicit, Phase.generate)


def bounded(examples: int, **more: Any) -> settings:
    """The same examples in each run; with `PLAUDIT_THOROUGH=n`, n times as many, and others each time.

    `phases=AS_FOUND` is for examples that take seconds: hypothesis would take minutes to make them small.
    """
    return settings(
        max_examples=examples * max(THOROUGH, 1),
        derandomize=not THOROUGH,
        database=None,
        deadline=None,
        **more,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
