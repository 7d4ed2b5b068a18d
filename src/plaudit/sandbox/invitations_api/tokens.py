"""Access tokens by the sandbox's clock, and the two rates that the vendor watches.

A token belongs to a client and lives 100 hours. Nothing here is secret: a token is a hash of who, when and
the how-manieth, so that tests can tell them apart and a page can be read twice.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque

import msgspec

from plaudit.clock import Clock

LIFE = 359_999  # seconds
MOST_TOKENS = 10_000
TOKENS_A_MINUTE = 20  # a client that keeps its token asks once in four days; the vendor names no number
CALLS = ((833, 300), (10_000, 3600))  # how many in how many seconds; the vendor's recommendation


class Token(msgspec.Struct, frozen=True):
    """An access token; the times are milliseconds since 1970 UTC."""

    value: str
    client: str
    issued_at: int

    @property
    def ends_at(self) -> int:
        return self.issued_at + LIFE * 1000


class Rate:
    """How many calls each client may make in a moving span of time."""

    def __init__(self, clock: Clock, *limits: tuple[int, int]) -> None:
        self._clock = clock
        self._limits = limits
        self._made: dict[str, list[deque[int]]] = {}

    def is_over(self, client: str) -> bool:
        """Whether one more call would be beyond a limit. It is not counted here: a refused call uses nothing."""
        now = self._clock.now()
        return any(
            len(made) == most and made[0] > now - seconds * 1000
            for made, (most, seconds) in zip(self._made.get(client, ()), self._limits, strict=False)
        )

    def count(self, client: str) -> None:
        made = self._made.get(client)
        if made is None:
            made = self._made[client] = [deque(maxlen=most) for most, _ in self._limits]
        for calls in made:
            calls.append(self._clock.now())


class Tokens:
    """The tokens that are valid, the newest `MOST_TOKENS` of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._valid: OrderedDict[str, Token] = OrderedDict()
        self._issued = 0

    def issue(self, client: str) -> Token:
        self._issued += 1
        now = self._clock.now()
        value = hashlib.sha256(f"{client}\n{now}\n{self._issued}".encode()).hexdigest()[:28]
        token = self._valid[value] = Token(value, client, now)
        if len(self._valid) > MOST_TOKENS:
            self._valid.popitem(last=False)
        return token

    def find(self, value: str) -> Token | None:
        """The token if it is valid now."""
        token = self._valid.get(value)
        if token is not None and self._clock.now() >= token.ends_at:
            del self._valid[value]
            return None
        return token

    def end(self, value: str) -> None:
        """Valid no more."""
        self._valid.pop(value, None)
