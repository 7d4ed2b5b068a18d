"""Settings against their declaration: defaults filled in, or every fault named with what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from plaudit.destinations.base import Destination
from plaudit.destinations.settings import Kind, Setting, Settings
from plaudit.spec import durations

_FORMS: dict[Kind, tuple[Callable[[Any], bool], str]] = {
    Kind.TEXT: (lambda v: isinstance(v, str), "must be a string in quotes"),
    Kind.FLAG: (lambda v: isinstance(v, bool), "must be true or false"),
    Kind.NUMBER: (lambda v: isinstance(v, int) and not isinstance(v, bool), "must be a whole number"),
    Kind.DURATION: (lambda v: isinstance(v, str), durations.HINT),
    Kind.LIST: (
        lambda v: isinstance(v, list) and all(isinstance(each, str) for each in v),
        'must be a list of strings: ["one", "two"]',
    ),
    Kind.TABLE: (
        lambda v: isinstance(v, dict) and all(isinstance(each, str) for each in v.values()),
        "must be a table of strings",
    ),
    Kind.TABLES: (
        lambda v: isinstance(v, list) and all(isinstance(each, dict) for each in v),
        "must be tables, each under its own [[heading]]",
    ),
}


def validate(destination: Destination, given: Settings) -> tuple[dict[str, Any], list[str]]:
    """(the settings with defaults, the faults as sentences). The settings are good only without faults."""
    channel = given.get("channel") or destination.channels[0].name
    faults = _unknown(given, destination.settings, f"a {destination.type} destination has")
    settings: dict[str, Any] = {}
    for setting in destination.settings:
        value = given.get(setting.key)
        known = not setting.channels or channel in setting.channels
        if value is None or value in ("", [], {}):
            if known and (setting.required or channel in setting.needed):
                faults.append(f"{setting.key} is missing: {setting.description}")
            elif known and setting.default is not None:
                settings[setting.key] = setting.default
            continue
        if known:
            faults += _faults(setting, value, channel)
        else:
            faults.append(_stranger(setting, channel))
        settings[setting.key] = value
    if not faults and destination.examine is not None:
        faults = destination.examine(settings)
    return settings, faults


def _stranger(setting: Setting, channel: str) -> str:
    others = " or ".join(setting.channels)
    return (
        f"{setting.key} means nothing to the channel {channel!r}: take it out, or choose the channel {others}"
    )


def _unknown(given: Settings, fields: Sequence[Setting], has: str) -> list[str]:
    known = [setting.key for setting in fields]
    return [f"unknown setting {key!r}: {has} {', '.join(known)}" for key in given if key not in known]


def _faults(setting: Setting, value: Any, channel: str) -> list[str]:
    """What is wrong with a value, each fault beginning with the setting's key."""
    fits, form = _FORMS[setting.kind]
    if not fits(value):
        return [f"{setting.key} {form}"]
    if setting.kind is Kind.TABLES:
        return [
            fault
            for number, table in enumerate(value, 1)
            for fault in _table(setting, number, table, channel)
        ]
    if setting.kind is Kind.NUMBER and not 0 <= value <= setting.largest:
        return [f"{setting.key} must be from 0 to {setting.largest}"]
    if setting.kind is Kind.DURATION and durations.milliseconds(value) is None:
        return [f"{setting.key} {durations.HINT}"]
    if setting.choices and value not in setting.choices:
        return [f"{setting.key} is {value!r}, but must be one of {', '.join(setting.choices)}"]
    texts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    if setting.pattern and not all(re.fullmatch(setting.pattern, str(text)) for text in texts):
        return [f"{setting.key} {setting.hint}"]
    return []


def _table(setting: Setting, number: int, table: dict[str, Any], channel: str) -> list[str]:
    where = f"{setting.key} number {number}: "
    faults = _unknown(table, setting.fields, "there is")
    for field in setting.fields:
        if field.key in table and field.channels and channel not in field.channels:
            faults.append(_stranger(field, channel))
        elif field.key in table:
            faults += _faults(field, table[field.key], channel)
        elif field.required:
            faults.append(f"{field.key} is missing: {field.description}")
    return [where + fault for fault in faults]
