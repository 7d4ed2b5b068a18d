"""What a shop can set at a destination: a declaration that form, validation and docs derive from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from plaudit.spec import durations

Settings = Mapping[str, Any]


class Kind(StrEnum):
    """What a setting's value is, in TOML and in JSON."""

    TEXT = "string"
    FLAG = "true or false"
    NUMBER = "whole number"
    DURATION = "length of time"  # a string: spec/durations.py
    LIST = "list of strings"
    TABLE = "table"  # of strings by name
    TABLES = "list of tables"  # each with `fields`


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a destination's settings."""

    key: str
    label: str
    description: str
    kind: Kind = Kind.TEXT
    channels: tuple[str, ...] = ()  # the channels that know it; none named: all
    required: bool = False  # by the channels that know it
    needed: tuple[str, ...] = ()  # the channels that require it, when others may have it
    secret: bool = False  # sealed at rest, masked wherever it is shown
    identity: bool = False  # two destinations with the same value lead to the same account
    default: str | bool | int | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""  # a value that does not match is refused, with `hint`
    hint: str = ""
    largest: int = 2_147_483_647  # of a number; the smallest is 0
    fields: tuple[Setting, ...] = ()  # of each table in TABLES


def duration(settings: Settings, key: str) -> int:
    """A setting that is a length of time, in ms; 0 when it is not set."""
    return durations.milliseconds(str(settings.get(key) or "")) or 0
