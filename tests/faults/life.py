"""A small life of log and ledger, step by step, that says what it promised; and what must hold of its files.

Orders come (some twice), two are taken back, attempts end in every way, somebody decides, old events go. Each step
is tried again while the disk is out of order, as those who call log and store do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from plaudit.destinations.base import Outcome, State
from plaudit.destinations.catalog import destinations
from plaudit.errors import LostRaceError, PlauditError
from plaudit.log.sqlite import SqliteLog
from plaudit.process.plan import Routes, plan, routes
from plaudit.secrets import Vault
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import Claimed, Settled, Wanted
from plaudit.store.decisions import Decided
from plaudit.store.sqlite import SqliteStore

T = TypeVar("T")
VAULT = Vault(bytes(32))
LOG, STORE = "log.db", "store.db"
OWNER = "me"
CHECKPOINT = 12  # pages: so that there are checkpoints
SETTINGS = {"api_key": "key", "channel": "integration_key"}
WANTED = Wanted({"shop": "k" * 32}, {"trustpilot": ("trustpilot", SETTINGS, ["shop"])})
TRIES = 4

ENDS = [
    (Outcome.ACCEPTED, State.ACCEPTED),
    (Outcome.RETRY, State.QUEUED),
    (Outcome.REFUSED, State.REFUSED),
    (Outcome.BLOCKED, State.BLOCKED),
    (Outcome.UNCERTAIN, State.UNCERTAIN),
]


class Told:
    """What the life was told by log and store; nothing of it may be untrue afterwards, whatever happens."""

    def __init__(self) -> None:
        self.appended: list[str] = []  # message ids, answered 200
        self.sent: dict[str, int] = {}  # order: the attempt whose request left
        self.ended: dict[str, tuple[int, State]] = {}  # order: (attempt, state) recorded
        self.cursor = 0
        self.may_go = 0  # this many of those that were appended may have been trimmed
        self.accepted: Counter[str] = Counter()  # by the vendor

    def copy(self) -> Told:
        other = Told()
        other.appended, other.cursor, other.may_go = list(self.appended), self.cursor, self.may_go
        other.sent, other.ended = dict(self.sent), dict(self.ended)
        other.accepted = self.accepted.copy()
        return other


class Life:
    """`live` it. `mend` is called after each failure; `seen` whenever something was promised."""

    def __init__(self, folder: Path, mend: Callable[[], None], seen: Callable[[Told], None]) -> None:
        self._folder = folder
        self._mend = mend
        self._seen = seen
        self._now = 1_000
        self.told = Told()
        self.failures = 0
        self._flight: list[Claimed] = []

    async def live(self) -> None:
        log = await self.tried(self._open_log)
        store = await self.tried(self._open_store)
        try:
            await self._steps(log, store)
        finally:
            self._mend()  # SQLite passes over what fails in closing, apsw does not: see vfs.py
            await log.close()
            await store.close()

    async def _steps(self, log: SqliteLog, store: SqliteStore) -> None:
        await self.tried(lambda: store.apply(WANTED, self._now))
        await self.append(log, *[completed(n) for n in range(1, 5)])
        await self.process(log, store)
        await self.turn(store, 3)
        await self.append(log, *[completed(n) for n in (4, 5, 6, 7)], taken_back(7), taken_back(2))
        await self.process(log, store)
        await self.turn(store, 3)
        await self.tried(lambda: store.pause(1, "key_refused", "no", self._now))
        await self.turn(store, 0)
        await self.tried(lambda: store.apply(WANTED, self._now))
        await self.tried(lambda: store.unblock(1, self._now))
        await self.tried(
            lambda: store.decide(
                Decided.NOT_SENT, decision=1, after=0, limit=9, now=self._now, state="uncertain"
            )
        )
        await self.append(log, *[completed(n) for n in range(8, 11)], taken_back(9))
        await self.process(log, store)
        await self.turn(store, 2)
        self.told.may_go = len(self.told.appended)
        self._seen(self.told)
        await self.tried(lambda: log.trim(0, self.told.cursor, self._now - 100))
        await self.tried(lambda: store.prune(self._now - 100))
        await self.append(log, completed(11))
        await self.tried(lambda: store.recover("other", alone=True, now=self._now, resend=[]))

    async def tried(self, step: Callable[[], Awaitable[T]]) -> T:
        """What a step comes to, once the disk lets it."""
        self._now += 50
        for left in reversed(range(TRIES)):
            try:
                return await step()
            except LostRaceError:
                raise
            except PlauditError:
                self.failures += 1
                if not left:
                    raise
                self._mend()
        raise AssertionError

    async def _open_log(self) -> SqliteLog:
        log = SqliteLog(self._folder / LOG)
        await log._writer.submit(lambda c: c.pragma("wal_autocheckpoint", CHECKPOINT))
        return log

    async def _open_store(self) -> SqliteStore:
        store = SqliteStore(self._folder / STORE, VAULT)
        await store._writer.submit(lambda c: c.pragma("wal_autocheckpoint", CHECKPOINT))
        return store

    async def append(self, log: SqliteLog, *events: Envelope) -> None:
        """One by one: each has its own commit, and its own answer."""
        for each in events:
            await self.tried(lambda each=each: log.append(Entry(1, self._now, [each])))  # type: ignore[misc]
            self.told.appended.append(each.message_id)
            self._seen(self.told)

    async def process(self, log: SqliteLog, store: SqliteStore) -> None:
        """As the processor does: from the stored cursor on."""
        table = routes(await store.configuration(), destinations())
        while await self._batch(log, store, table):
            pass

    async def _batch(self, log: SqliteLog, store: SqliteStore, table: Routes) -> bool:
        """Whether there was one."""
        cursor = await self.tried(lambda: store.cursor(0))
        entries = await self.tried(lambda: log.read(0, cursor, 3))
        self.told.cursor = cursor
        self._seen(self.told)
        if not entries:
            return False
        rows = [row for position, entry in entries for row in plan(0, position, entry, table)]
        try:
            await self.tried(lambda: store.commit(0, cursor, entries[-1][0], rows, self._now))
        except LostRaceError:  # it had been taken, and the answer was lost
            assert self.failures
        return True

    async def turn(self, store: SqliteStore, limit: int) -> None:
        """Record what ended, claim, and send what was claimed."""
        settled = [_settled(each, self._now) for each in self._flight]
        claimed = await self.tried(lambda: store.turn(1, settled, limit, OWNER, self._now, self._now + 9_000))
        for each, end in zip(self._flight, settled, strict=True):
            self.told.ended[_order(each)] = end.attempt, end.state
        for each in claimed:
            assert self.told.sent.get(_order(each), 0) < each.attempt, "the same attempt was claimed twice"
            self.told.sent[_order(each)] = each.attempt
            self.told.accepted[_order(each)] += _settled(each, 0).state in (State.ACCEPTED, State.UNCERTAIN)
        self._flight = claimed
        self._seen(self.told)


def _order(claimed: Claimed) -> str:
    assert claimed.order is not None
    return claimed.order.order_id


def _settled(claimed: Claimed, now: int) -> Settled:
    """How an attempt ends, by its order and number."""
    outcome, state = ENDS[(int(_order(claimed)) + claimed.attempt - 2) % len(ENDS)]
    return Settled(claimed.id, claimed.attempt, now, now, outcome, "reason", "message", 0, state, now)


def completed(number: int) -> Envelope:
    return _envelope("Order Completed", number, {"email": f"c{number}@example.com", "total": 27.5})


def taken_back(number: int) -> Envelope:
    return _envelope("Order Cancelled", number, {})


def _envelope(name: str, number: int, properties: dict[str, Any]) -> Envelope:
    message_id = f"{name} {number}"
    event = {
        "type": "track",
        "event": name,
        "messageId": message_id,
        "userId": "u",
        "properties": {"order_id": str(number), **properties},
    }
    return Envelope(message_id, "track", 900, json.dumps(event).encode())
