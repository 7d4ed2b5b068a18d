"""The declaration: what form, validation and docs are made of must be whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Kind, Setting
from plaudit.destinations.validate import validate

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def declaration(destination: Destination, docs: str | None) -> Iterator[str]:
    """What is wrong with it."""
    if not _NAME.fullmatch(destination.type):
        yield f"the type {destination.type!r} must have small letters, digits and _ only"
    for key in ("title", "integrations_name", "description"):
        if not getattr(destination, key).strip():
            yield f"the destination has no {key}"
    names = [channel.name for channel in destination.channels]
    yield from _channels(destination, names)
    yield from _settings(destination.settings, names, "")
    if docs is not None:
        yield from (
            f"the docs do not name `{s.key}`" for s in destination.settings if f"`{s.key}`" not in docs
        )
    if names:
        yield from _bad_defaults(destination)


def _channels(destination: Destination, names: list[str]) -> Iterator[str]:
    if not names or len(set(names)) < len(names):
        yield "a destination has one channel at least, and no two of one name"
    for channel in destination.channels:
        if not _NAME.fullmatch(channel.name) or not channel.description.strip():
            yield f"the channel {channel.name!r} needs a name of small letters, digits and _, and a description"
        if not channel.carries:
            yield f"the channel {channel.name!r} carries nothing"
        if channel.page is not None and channel.page_size < 2:
            yield f"the channel {channel.name!r} has pages of {channel.page_size}"
    chosen = destination.setting("channel")
    if len(names) > 1 and (chosen is None or set(chosen.choices) != set(names)):
        yield f"a setting 'channel' must offer the choices {', '.join(names)}"
    if chosen is not None and chosen.default not in (None, *names[:1]):
        yield f"the default of 'channel' is not the first channel, {names[0]!r}"


def _settings(settings: Sequence[Setting], channels: list[str], where: str) -> Iterator[str]:
    keys = [setting.key for setting in settings]
    yield from (f"two settings are called {where}{key}" for key in sorted(set(keys)) if keys.count(key) > 1)
    for setting in settings:
        name = f"the setting {where}{setting.key}"
        if not _NAME.fullmatch(setting.key):
            yield f"{name} must have small letters, digits and _ only"
        if not setting.label.strip() or not setting.description.strip():
            yield f"{name} is not documented: it needs a label and a description"
        if not {*setting.channels, *setting.needed} <= set(channels):
            yield f"{name} names a channel that is not there"
        if setting.default is not None and (setting.required or setting.needed or setting.secret):
            yield f"{name} has a default, though it is required or a secret"
        if setting.pattern and not setting.hint.strip():
            yield f"{name} has a pattern, and no hint that says what fits it"
        if bool(setting.fields) != (setting.kind is Kind.TABLES):
            yield f"{name} has fields if and only if it is a list of tables"
        yield from _settings(setting.fields, channels, f"{where}{setting.key}.")


def _bad_defaults(destination: Destination) -> Iterator[str]:
    """A default that would be refused if somebody wrote it down."""
    for setting in destination.settings:
        if setting.default is not None:
            name = setting.channels[0] if setting.channels else destination.channels[0].name
            chosen = {"channel": name} if destination.setting("channel") is not None else {}
            _, wrong = validate(destination, chosen | {setting.key: setting.default})
            yield from (
                f"a default is no good: {fault}" for fault in wrong if fault.startswith(f"{setting.key} ")
            )
