"""`env:NAME` and `file:PATH` in a configuration, which stand for a value so that the file can be shown to anybody."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def resolve(key: str, value: Any, folder: Path, known: Mapping[str, str] | None = None) -> tuple[Any, str]:
    """(what the value leads to, what is wrong with it or ''). `file:` paths are relative to `folder`.

    With `known`, these names are all that an `env:` may lead to: what came over the network reads nothing of this machine.
    """
    if not isinstance(value, str):
        return value, ""
    if known is not None and value.startswith(("env:", "file:")):
        if value[4:] not in known:
            return (
                None,
                f"{key} cannot be {value[:60]!r} here: say the value itself, or leave what export says",
            )
        return known[value[4:]], ""
    if value.startswith("env:"):
        found = os.environ.get(value[4:])
        return found, "" if found else f"{key} wants the environment variable {value[4:]}, which is not set"
    if value.startswith("file:"):
        path = folder / value[5:]
        try:
            return path.read_text("utf-8").strip(), ""
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            return None, f"{key} wants the file {path}: {reason}"
    return value, ""
