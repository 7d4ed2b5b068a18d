"""Audiences and computed traits as a configuration file says them: read, checked and written.

[audiences.recent]
name = "order completed last 30days"
query = "event('Order Completed').within(30 days).count() >= 1"
destinations = ["trustpilot"]
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args

import msgspec

from plaudit.engage.definitions import REALTIME, Kind, Options, check
from plaudit.engage.keys import audience_key
from plaudit.engage.language import QueryError, read
from plaudit.spec import durations

LONGEST_TITLE = 200
KEYS = ("name", "query", "destinations", "enabled", "send", "identifiers", "anonymous", "schedule")
LEAST_EVERY = 60_000
RESERVED = "new"
_SCHEDULE = (
    'schedule must be "realtime", or the time between two batches such as "3 hours" (a minute or more)'
)


class DefinitionConfig(msgspec.Struct):
    """One table. `name`: its title for people, of which its key is made."""

    name: str
    query: str
    destinations: list[str]
    options: Options = Options()
    enabled: bool = True


def read_definition(
    where: str, kind: Kind, name: str, table: dict[str, Any], destinations: list[str]
) -> tuple[DefinitionConfig | None, list[str]]:
    """The definition, or None; and all that is wrong with its table."""
    faults = [f"{where}: unknown key {key!r}; {exist(key, list(KEYS))}" for key in table if key not in KEYS]
    if name == RESERVED:
        faults.append(f"{where}: {RESERVED!r} is where a new one is made in the console; take another name")
    title = table.get("name", name)
    if not isinstance(title, str) or not title.strip() or len(title) > LONGEST_TITLE:
        faults.append(f"{where}: name must be a text of 1 to {LONGEST_TITLE} characters")
    query = table.get("query")
    if not isinstance(query, str):
        faults.append(f"{where}: query is missing: query = \"event('Order Completed').count() >= 1\"")
    else:
        try:
            read(query, kind)
        except QueryError as error:
            faults += [f"{where}: query: {line}" for line in str(error).splitlines()]
    to = table.get("destinations", [])
    if not isinstance(to, list) or not all(isinstance(each, str) for each in to):
        faults.append(f'{where}: destinations must be a list of names: destinations = ["trustpilot"]')
        to = []
    faults += [
        f"{where}: no destination is called {each!r}; {exist(each, destinations, 'destinations')}"
        for each in to
        if each not in destinations
    ]
    flags = {key: table.get(key, default) for key, default in (("enabled", True), ("anonymous", False))}
    faults += [
        f"{where}: {key} must be true or false" for key, value in flags.items() if not isinstance(value, bool)
    ]
    choices = {key: table.get(key, getattr(Options(), key)) for key in ("send", "identifiers")}
    for key, value in choices.items():
        allowed = get_args(msgspec.structs.fields(Options)[_PLACES[key]].type)
        if value not in allowed:
            faults.append(f"{where}: {key} must be one of {', '.join(allowed)}")
    every = _every(table.get("schedule", "realtime"))
    if every is None:
        faults.append(f"{where}: {_SCHEDULE}")
    if faults or every is None:
        return None, faults
    options = Options(**choices, anonymous=flags["anonymous"], every=every)
    return DefinitionConfig(title, str(query), list(dict.fromkeys(to)), options, flags["enabled"]), []


_PLACES = {field.name: place for place, field in enumerate(msgspec.structs.fields(Options))}


def _every(written: Any) -> int | None:
    if written == "realtime":
        return REALTIME
    found = durations.milliseconds(written) if isinstance(written, str) else None
    return found if found is not None and found >= LEAST_EVERY else None


def circles(audiences: dict[str, DefinitionConfig], traits: dict[str, DefinitionConfig]) -> list[str]:
    """What is wrong with definitions that are each good by themselves: that they ask for each other in a circle."""
    taken: list[str] = []
    found: list[tuple[str, str, Kind]] = []
    kinds: tuple[tuple[Kind, dict[str, DefinitionConfig]], ...] = (("audience", audiences), ("trait", traits))
    for kind, each in kinds:
        for one in each.values():
            taken.append(audience_key(one.name, taken))
            found.append((taken[-1], one.query, kind))
    try:
        check(found)
    except QueryError as error:
        return [f"[audiences] and [traits]: {error}"]
    return []


def not_there(wanted: Iterable[str], audiences: dict[str, DefinitionConfig], tables: Any) -> list[str]:
    """What is wrong with settings that ask for audiences by name or key: nobody would ever be in one that is not there.

    Of one whose table is faulty that is told already.
    """
    known = {*audiences, *(audience_key(each.name) for each in audiences.values())}
    known |= set(tables) if isinstance(tables, dict) else set()
    names = sorted(audiences)
    return [
        f"no audience is called {each!r}; {exist(each, names, 'audiences')}"
        for each in wanted
        if each not in known
    ]


def definition_table(name: str, config: DefinitionConfig) -> dict[str, Any]:
    """As a file would say it, without what need not be said."""
    options = config.options
    table: dict[str, Any] = {} if config.name == name else {"name": config.name}
    table |= {"query": config.query, "destinations": config.destinations}
    table |= {
        key: getattr(options, key)
        for key in ("send", "identifiers", "anonymous")
        if getattr(options, key) != getattr(Options(), key)
    }
    if options.every != REALTIME:
        table["schedule"] = durations.written(options.every)
    return table if config.enabled else table | {"enabled": False}


def exist(wanted: str, names: list[str], section: str = "sources") -> str:
    """What there is, when what was named is not: the nearest first."""
    close = get_close_matches(wanted, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return hint + (
        f"there is {', '.join(sorted(names))}" if names else f"there is none: add [{section}.NAME]"
    )
