"""The destinations that are installed: ours, and those that other packages add by entry point.

A package adds one with the entry point group `plaudit.destinations`, whose value is a `Destination`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from plaudit.destinations.base import Destination
from plaudit.destinations.trustpilot import trustpilot


@cache
def destinations() -> dict[str, Destination]:
    """Every kind of destination, by type."""
    found: dict[str, Destination] = {trustpilot.type: trustpilot}
    for entry in entry_points(group="plaudit.destinations"):
        destination = entry.load()
        if isinstance(destination, Destination):
            found.setdefault(destination.type, destination)
    return found
