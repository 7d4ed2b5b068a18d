"""Whether a destination keeps its contract: for whoever writes one, ours included.

`faults(destination, examples)` says what is wrong, one sentence each, and nothing when all is well. It needs no test
framework, no network and no server: flows do no I/O, so each is played through against answers of every kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Settings
from plaudit.destinations.validate import validate
from plaudit.testing.deciding import deciding
from plaudit.testing.declaration import declaration
from plaudit.testing.delivering import delivering

__all__ = ["faults"]


def faults(destination: Destination, examples: Sequence[Settings], *, docs: str | None = None) -> list[str]:
    """What is wrong with a destination, each fault once; none: it keeps the contract (docs/your-own-destination.md).

    `examples`: settings as somebody would write them, one at least for each channel. `docs`: a text that must name every
    setting as `` `key` ``.
    """
    found = list(declaration(destination, docs))
    if found:
        return found  # the rest builds on it
    played: set[str] = set()
    for number, example in enumerate(examples, 1):
        settings, wrong = validate(destination, example)
        found += [f"example {number} is no good: {fault}" for fault in wrong]
        if not wrong:
            played.add(destination.channel(settings).name)
            undecided = list(deciding(destination, settings))
            found += undecided or delivering(destination, settings)
    missing = [channel.name for channel in destination.channels if channel.name not in played]
    found += [f"no good example chooses the channel {name!r}" for name in missing]
    return list(dict.fromkeys(found))
