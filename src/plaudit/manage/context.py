"""What everything in manage/ and console/ works with: made once, in app.py, and found as `request.app.state.context`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request

from plaudit.clock import Clock
from plaudit.deliver.gate import Waits
from plaudit.destinations.base import Destination
from plaudit.log.base import Log
from plaudit.manage.sessions import Sessions
from plaudit.store.access import Who
from plaudit.store.base import Store

Faults = Callable[[], Awaitable[list[str]]]  # what keeps this process from being ready, a sentence each

Waiting = Callable[[int], Waits | None]  # by the destination's id, what its lane waits after


async def nothing_wrong() -> list[str]:
    return []


class Context:
    """One for each process. Commands make one too, for the operations; they have no log."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        kinds: dict[str, Destination],
        log: Log | None = None,
        faults: Faults = nothing_wrong,
        waits: Waiting = lambda _: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.kinds = kinds
        self.log = log
        self.faults = faults
        self.waits = waits
        self.sessions = Sessions(store, clock)
        self.changing = asyncio.Lock()  # one change of the configuration at a time
        self.closing = asyncio.Event()  # what goes on for long, such as a stream of events, ends with it

    async def record(self, who: Who, action: str, about: str, detail: str = "") -> int:
        """A line of the audit log, by its id. It is written before what it says is done: nothing goes unrecorded."""
        return await self.store.access.record(who, action, about, detail, self.clock.now())


def context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found
