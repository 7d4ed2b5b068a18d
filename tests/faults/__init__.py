"""Faults, one at a time and at every step: of the disk, the network, the clock, and of the process itself.

In the normal run each kind is tried within seconds. `PLAUDIT_THOROUGH=n` tries n times as many (see `bounded` in
tests/properties), and every step where the normal run takes every few.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

THOROUGH = int(os.environ.get("PLAUDIT_THOROUGH", "0"))


def told(capsys: pytest.CaptureFixture[str], what: str, counts: Counter[str]) -> None:
    """One line about a test: what was tried, and how often each."""
    with capsys.disabled():
        print(f"\n{what}: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common()))
