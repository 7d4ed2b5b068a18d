"""The `integrations` object: which destinations an event asks for (segment.md 2)."""

from __future__ import annotations


def enabled(integrations: object, name: str) -> bool:
    """Whether an event with this `integrations` object goes to the destination called `name`.

    The name is case-sensitive and wins over `All`, which Segment's own library reads in any case. Only
    `false` switches off: an object (options), and any other value that is not a boolean, counts as enabled.
    """
    if not isinstance(integrations, dict):
        return True
    if name in integrations:
        return integrations[name] is not False
    if "All" in integrations:
        return integrations["All"] is not False
    return all(value is not False for key, value in integrations.items() if key.lower() == "all")
