"""Settings against their declaration: defaults filled in, or every fault named with what is allowed."""

from __future__ import annotations

import re
from typing import Any

from plaudit.destinations.base import Destination, Setting, Settings


def validate(destination: Destination, given: Settings) -> tuple[dict[str, Any], list[str]]:
    """(the settings with defaults, the faults as sentences). The settings are good only without faults."""
    known = ", ".join(s.key for s in destination.settings)
    faults = [
        f"unknown setting {key!r}: a {destination.type} destination has {known}"
        for key in given
        if destination.setting(key) is None
    ]
    settings: dict[str, Any] = {}
    for setting in destination.settings:
        value = given.get(setting.key)
        if value is None or value == "":
            if setting.required:
                faults.append(f"{setting.key} is missing: {setting.description}")
            elif setting.default is not None:
                settings[setting.key] = setting.default
            continue
        fault = _fault(setting, value)
        if fault:
            faults.append(f"{setting.key} {fault}")
        settings[setting.key] = value
    return settings, faults


def _fault(setting: Setting, value: object) -> str:
    if not isinstance(value, setting.type):
        return "must be true or false" if setting.type is bool else "must be a string in quotes"
    if setting.choices and value not in setting.choices:
        return f"is {value!r}, but must be one of {', '.join(setting.choices)}"
    if setting.pattern and not re.fullmatch(setting.pattern, str(value)):
        return setting.hint
    return ""
