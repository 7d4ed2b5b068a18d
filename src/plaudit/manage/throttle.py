"""How often somebody may try to sign in. Pure but for what it remembers; one for each process."""

from __future__ import annotations

from collections import OrderedDict

WINDOW_MS = 15 * 60_000
OF_NAME = 10  # failures in that time
OF_ADDRESS = 50
_MOST = 10_000  # that are remembered of each kind


class Throttle:
    """Counts failures by name and by address. A try counts until it is seen to work."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def wait(self, name: str, address: str, now: int) -> int:
        """How many seconds until the next try; 0: now."""
        return max(self._wait("name", name, OF_NAME, now), self._wait("address", address, OF_ADDRESS, now))

    def failed(self, name: str, address: str, now: int) -> None:
        for key in (("name", name), ("address", address)):
            times = self._failures.setdefault(key, [])
            times.append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def worked(self, name: str, address: str) -> None:
        """The try that was counted last was none."""
        self._failures.pop(("name", name), None)
        if times := self._failures.get(("address", address)):
            times.pop()

    def _wait(self, kind: str, value: str, most: int, now: int) -> int:
        times = self._failures.get((kind, value))
        if times is None:
            return 0
        times[:] = [at for at in times if 0 <= now - at < WINDOW_MS]
        if len(times) < most:
            return 0
        return -(-(times[-most] + WINDOW_MS - now) // 1000)
