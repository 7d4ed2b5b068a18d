"""Events from a file or standard input: one object, an array, `{"batch": [...]}`, or one object a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from plaudit.errors import PlauditError


def events(place: str) -> list[dict[str, Any]]:
    """Raises `PlauditError`: no such file, not JSON, not events; with the line where that is known."""
    try:
        text = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
    except FileNotFoundError:
        raise PlauditError(f"there is no file {place}") from None
    except OSError as error:
        raise PlauditError(f"cannot read {place}: {error.strerror}") from None
    where = "standard input" if place == "-" else place
    found = list(_objects(text, where))
    if not found:
        raise PlauditError(f"{where} holds no event")
    for number, event in enumerate(found, 1):
        if not isinstance(event, dict):
            raise PlauditError(f"{where}: event {number} is no JSON object")
        if "type" not in event and "event" in event:
            event["type"] = "track"
    return found


def _objects(text: bytes, where: str) -> Iterator[Any]:
    try:
        whole = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    else:
        if isinstance(whole, dict) and isinstance(whole.get("batch"), list):
            yield from whole["batch"]
        elif isinstance(whole, list):
            yield from whole
        else:
            yield whole
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise PlauditError(f"{where}, line {number}: not JSON: {error}") from None
