"""How often somebody may try to sign in. Pure but for what it remembers; one for each process."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from plaudit.manage.problems import ProblemError

WINDOW_MS = 15 * 60_000
OF_NAME = 10  # failures in that time
OF_ADDRESS = 50
_MOST_OF = {"name": OF_NAME, "address": OF_ADDRESS}
_NET = 64  # bits of an IPv6 address that are one customer's; the others are theirs to choose
_MOST = 10_000  # that are remembered of each kind


class Throttle:
    """Counts failures by name and by address. A try counts until it is seen to work."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def check(self, name: str, address: str, now: int) -> None:
        """Raises `ProblemError`: 429 `too_many_tries`, with how long to wait."""
        wait = max(self._wait(*key, now) for key in _keys(name, address))
        if wait:
            raise ProblemError(
                429,
                "too_many_tries",
                f"too many tries: wait {-(-wait // 60)} min, or have an admin set a new password",
                headers={"retry-after": str(wait)},
            )

    def failed(self, name: str, address: str, now: int) -> None:
        for key in _keys(name, address):
            times = self._failures.setdefault(key, [])
            times.append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > _MOST:
            self._failures.popitem(last=False)

    def worked(self, name: str, address: str) -> None:
        """The try that was counted last was none."""
        of_name, of_address = _keys(name, address)
        self._failures.pop(of_name, None)
        if times := self._failures.get(of_address):
            times.pop()

    def _wait(self, kind: str, value: str, now: int) -> int:
        most = _MOST_OF[kind]
        times = self._failures.get((kind, value))
        if times is None:
            return 0
        times[:] = [at for at in times if 0 <= now - at < WINDOW_MS]
        if len(times) < most:
            return 0
        return -(-(times[-most] + WINDOW_MS - now) // 1000)


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", name), ("address", _net(address))


def _net(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> (128 - _NET) << (128 - _NET)))
    return str(found)
