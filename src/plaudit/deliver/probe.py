"""Asking a destination that failed, in a way that has no effect, before an order is risked on it."""

from __future__ import annotations

import asyncio

from plaudit.deliver.sender import Sender
from plaudit.destinations.base import Outcome, Verdict


class Probe:
    """`ask`; `stop` ends what is asked at once, since an answer is of no use to a lane that stops."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._asking: asyncio.Task[Verdict | None] | None = None
        self._stopped = False

    async def ask(self) -> Verdict | None:
        """What came of it; None: there is no way to ask, no answer that tells anything, or no need any more."""
        if self._stopped:
            return None
        self._asking = asyncio.create_task(self._sender.check())
        try:
            await asyncio.wait({self._asking})
            verdict = None if self._asking.cancelled() else self._asking.result()
        finally:
            self._asking.cancel()
        if verdict is not None and verdict.outcome is Outcome.UNCERTAIN and verdict.status:
            return None
        return verdict

    def stop(self) -> None:
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()
