"""Access tokens: one a lane, used until shortly before it ends, asked for by one worker at a time.

Trustpilot refuses who asks too often (trustpilot.md 2.1). So those who wait while another one asks share what
came of it, failures too, and a Retry-After is kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from plaudit.deliver.drive import drive
from plaudit.deliver.transport import Transport
from plaudit.destinations.base import Token, TokenFlow, Verdict

MARGIN = 300.0  # seconds before its end that a token is given up, for clocks and for requests under way
LONGEST_WAIT = 60.0  # seconds that a Retry-After is kept here; the lane has its own patience


class Tokens:
    """`get` a token for a flow. Needs no closing: it asks only while somebody waits."""

    def __init__(
        self,
        flow: Callable[[], TokenFlow],
        transport: Transport,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flow = flow
        self._transport = transport
        self._now = now
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0
        self._failure: Verdict | None = None
        self._failures = 0
        self._not_before = 0.0

    async def get(self, refused: str = "") -> str | Verdict:
        """A token other than `refused`; or why there is none, which says that nothing was sent."""
        seen = self._failures
        if self._good(refused):
            return self._token
        async with self._lock:
            if self._good(refused):  # another worker got one meanwhile
                return self._token
            if self._failure is not None and (self._failures != seen or self._now() < self._not_before):
                return self._failure
            return await self._ask()

    def _good(self, refused: str) -> bool:
        return self._now() < self._until and self._token != refused

    async def _ask(self) -> str | Verdict:
        self._until = 0.0
        asked_at = self._now()
        found = await drive(self._flow(), self._transport, harmless=True)
        if isinstance(found, Token):
            self._token, self._failure = found.value, None
            self._until = asked_at + found.seconds - min(MARGIN, found.seconds / 10)
            return self._token
        self._failure = msgspec.structs.replace(found, message=f"no access token: {found.message}")
        self._failures += 1
        self._not_before = self._now() + min(found.retry_after or 0.0, LONGEST_WAIT)
        return self._failure
