"""Changing one audience or computed trait of the configuration."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import field

from plaudit.config import Config
from plaudit.definitions import RESERVED, DefinitionConfig
from plaudit.engage.definitions import Kind, Options
from plaudit.manage import configuring
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Name, not_found
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Who

LONGEST = 60


class PutDefinition(Given, kw_only=True):
    """An audience or trait as it shall be. `name` is that of its table; `title` is for people, and its key is made of it."""

    kind: Kind
    name: Name
    title: str
    query: str
    destinations: list[Name] = field(default_factory=list)
    send: Literal["identify", "track"] = "identify"
    enabled: bool = True
    new: bool = False


async def put(context: Context, who: Who, given: PutDefinition) -> None:
    """Make it, or change it. Raises `ProblemError`: it is there already; `FaultsError`: what is wrong with it."""

    def edit(wanted: Config) -> None:
        there = _table(wanted, given.kind)
        known = there.get(given.name)
        if given.new and known is not None:
            raise ProblemError(
                409, "exists", f"there is {given.kind} {given.name} already: take another name"
            )
        if not given.new and known is None:
            raise not_found(given.kind, given.name)
        kept = known.options if known is not None else Options()
        options = Options(
            send=given.send, identifiers=kept.identifiers, anonymous=kept.anonymous, every=kept.every
        )
        there[given.name] = DefinitionConfig(
            given.title, given.query, given.destinations, options, given.enabled
        )

    await configuring.change(context, who, "change", f"{given.kind} {given.name}", edit)


async def remove(context: Context, who: Who, kind: Kind, name: str) -> None:
    """Take it out. Raises `ProblemError`: there is none."""

    def edit(wanted: Config) -> None:
        if _table(wanted, kind).pop(name, None) is None:
            raise not_found(kind, name)

    await configuring.change(context, who, "remove", f"{kind} {name}", edit)


def named(title: str) -> str:
    """A name for the table of a definition with this title."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_").lower()[:LONGEST]
    return f"{plain}_1" if plain == RESERVED else plain or "audience"


def _table(wanted: Config, kind: Kind) -> dict[str, DefinitionConfig]:
    return wanted.audiences if kind == "audience" else wanted.traits
