"""Finding a value in an object whose keys may be in any style: `order_id`, `orderId`, `Order ID`.

Segment's own library reads keys that way (facade's obj-case, segment.md 5.3). The names asked for are
tried as they stand first, so that the usual case costs one dictionary look-up.
"""

from __future__ import annotations

from typing import Any

MOST_KEYS = 4096


class _Plain(dict[str, str]):
    """Keys in their plain form, `Order ID` as `orderid`; remembered, since the same few come again and again."""

    def __missing__(self, key: str) -> str:
        if len(self) >= MOST_KEYS:
            self.clear()
        plain = self[key] = "".join(c for c in key.lower() if c.isalnum())
        return plain


plain = _Plain()


class Keys:
    """One object, read by key in any style. Anything but an object reads as an empty one."""

    __slots__ = ("_obj", "_plainly")

    def __init__(self, obj: object) -> None:
        self._obj: dict[str, Any] = obj if isinstance(obj, dict) else {}
        self._plainly: dict[str, Any] | None = None

    def find(self, name: str, *others: str) -> Any:
        """The first value that is neither missing nor null nor blank, by order of the names; else None."""
        value = self._obj.get(name)
        if value is not None and value != "":
            return value
        return self._search(name, *others)

    def _search(self, *names: str) -> Any:
        for name in names:
            value = self._obj.get(name)
            if value is not None and value != "":
                return value
        plainly = self._plainly
        if plainly is None:
            plainly = self._plainly = {
                plain[key]: value for key, value in self._obj.items() if value is not None and value != ""
            }
        for name in names:
            value = plainly.get(plain[name])
            if value is not None:
                return value
        return None


def text(value: object, limit: int = 0) -> str:
    """A string on one line, trimmed, without control characters; '' for what is no string or number."""
    if value is None:
        return ""
    if isinstance(value, str):
        line = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            line = str(value)
        except ValueError:  # Python refuses to print integers of more than 4,300 digits
            return ""
    else:
        return ""
    if not line.isprintable():
        line = "".join(c if c.isprintable() else " " for c in line)
    line = " ".join(line.split())
    return line[:limit].rstrip() if 0 < limit < len(line) else line
