"""The configuration as a whole: read as a file would say it, changed, checked and put in place. One change at a time."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from plaudit import config as files
from plaudit import installation
from plaudit.config import Config
from plaudit.manage.context import Context
from plaudit.manage.given import Given
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Who
from plaudit.store.base import Configuration

LONGEST = 1_000_000  # characters of a file


class Export(Given, kw_only=True):
    secrets: bool = False


class Toml(Given, kw_only=True):
    toml: str


class Exported(msgspec.Struct):
    """The configuration as `plaudit export` prints it, and its version, which changes with it."""

    toml: str
    version: int


class Checked(msgspec.Struct):
    """What a configuration has. `notes`: what may not be meant."""

    sources: list[str]
    destinations: list[str]
    notes: list[str]


async def export(context: Context, who: Who, given: Export) -> Exported:
    """With `secrets` in the clear, which is recorded."""
    if given.secrets:
        await context.record(who, "export_secrets", "configuration")
    there = await context.store.configuration()
    wanted = installation.exported(there)
    return Exported(files.dump(wanted, context.kinds, secrets=given.secrets), there.version)


async def validate(context: Context, who: Who, given: Toml) -> Checked:
    """Raises `FaultsError`: everything that is wrong with it."""
    del who
    return checked(await _parsed(context, given.toml))


async def apply(context: Context, who: Who, given: Toml) -> Checked:
    """Put it in place. `env:` names are those of export, and stand for what is there now."""
    async with context.changing:
        wanted = await _parsed(context, given.toml)
        await context.record(who, "apply", "configuration", said(wanted))
        await installation.apply(context.store, wanted, context.clock.now())
    return checked(wanted)


async def change(
    context: Context, who: Who, action: str, about: str, edit: Callable[[Config], None]
) -> Configuration:
    """Change a part. Raises `FaultsError`: the whole would not be good then."""
    async with context.changing:
        wanted = installation.exported(await context.store.configuration())
        edit(wanted)
        # Written and read again, so that it is checked as a file would be.
        text = files.dump(wanted, context.kinds, secrets=True)
        good = files.parse(text, context.kinds, known={})
        await context.record(who, action, about)
        return await installation.apply(context.store, good, context.clock.now())


def checked(config: Config) -> Checked:
    """What it has, and what may not be meant."""
    notes = [
        f"[destinations.{name}] has no sources, so nothing goes there"
        for name, destination in config.destinations.items()
        if not destination.sources
    ]
    notes += [
        f"[sources.{name}] is connected to no destination, so its orders make no invitations"
        for name in config.sources
        if not any(name in destination.sources for destination in config.destinations.values())
    ]
    return Checked(list(config.sources), list(config.destinations), notes)


async def _parsed(context: Context, text: str) -> Config:
    if len(text) > LONGEST:
        raise ProblemError(413, "too_large", f"a configuration may have {LONGEST:,} characters")
    there = await installation.readable(context.store)
    known = files.secrets(installation.exported(there), context.kinds) if there is not None else {}
    return files.parse(text, context.kinds, known=known)


def said(config: Config) -> str:
    """For the audit log."""
    return f"sources: {', '.join(config.sources) or 'none'}; destinations: {', '.join(config.destinations) or 'none'}"
