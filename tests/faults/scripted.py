"""A vendor that answers as told, a clock that shows what is set, and a ledger that writes down each change of state."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from plaudit.deliver.failures import NoAnswerError, NotSentError
from plaudit.destinations.base import Answer, Mail, Request
from plaudit.sqlite import connect
from plaudit.store.sqlite import SqliteStore

# What becomes of a request. With a star the vendor carries it out, and Plaudit cannot know.
MOODS = (
    *("201", "202", "204", "400", "401", "429", "500", "251"),
    *("no connection", "no answer", "no answer*", "reset", "reset*", "hangs", "hangs*"),
)
_STATUS = {"204": 204, "400": 400, "401": 401, "429": 429, "500": 500, "251": 251}
_TAKES = {"201", "202", "no answer*", "reset*", "hangs*"}
_UNIT = b'{"BusinessUnitId":"1"}'


class SetClock:
    """Shows what it is set to."""

    def __init__(self, now: int = 1_800_000_000_000) -> None:
        self.at = now

    def now(self) -> int:
        return self.at

    def jitter(self) -> float:
        return 0.5


class Scripted:
    """A vendor, and the transport to it. `ledger` is looked at before each request is let out."""

    def __init__(self, ledger: Path) -> None:
        self.mood = "201"
        self.accepted: Counter[str] = Counter()
        self.moods: Counter[str] = Counter()
        self.begun = self.ended = 0
        self.hanging = 0
        self.hung: Counter[str] = Counter()  # orders whose requests hang
        self.forbidden: set[str] = set()  # orders that were taken back
        self.faults: list[str] = []  # of Plaudit, seen from here
        self._ledger = connect(ledger, readonly=True)
        self._answer = asyncio.Event()

    def answer_at_last(self) -> None:
        """What hangs gets its answer."""
        self._answer.set()
        self._answer = asyncio.Event()

    async def send(self, wish: Request | Mail) -> Answer:
        self.begun += 1
        try:
            return await self._send(wish)
        finally:
            self.ended += 1

    async def _send(self, wish: Request | Mail) -> Answer:
        assert isinstance(wish, Request)
        mood = self.mood
        if wish.url.endswith("trustboxconfig"):
            status = _STATUS.get(mood, 200)
            if mood in ("no connection", "no answer", "reset"):
                raise NotSentError("no_connection", "cannot connect")
            return Answer(status, _headers(mood), _UNIT if status == 200 else b"")
        body = msgspec.json.decode(wish.body)
        invitations = body.get("invitations", [body])
        orders = [each["referenceId"] for each in invitations]
        self._look(orders)
        self.moods[mood] += 1
        again = mood == "202" and "products" not in invitations[0]
        if mood in _TAKES and not again:
            self.accepted.update(orders)
        if mood.startswith("hangs"):
            self.hanging += 1
            self.hung.update(orders)
            try:
                await self._answer.wait()
            finally:
                self.hanging -= 1
                self.hung.subtract(orders)
            return Answer(201 if mood in _TAKES else 500)
        if mood == "no connection":
            raise NotSentError("no_connection", "cannot connect")
        if mood.startswith(("no answer", "reset")):
            raise NoAnswerError("no_answer" if mood.startswith("no") else "connection_lost", "it broke")
        return Answer(_STATUS.get(mood, 201 if mood == "201" else 202), _headers(mood))

    def _look(self, orders: Iterable[str]) -> None:
        """Each request's row is 'sending' on disk before it leaves; and not of an order that was taken back."""
        for order in orders:
            state = self._ledger.execute("SELECT state FROM deliveries WHERE key = ?", (order,)).get
            if state != "sending":
                self.faults.append(f"{order} is {state} on disk while its request leaves")
            if order in self.forbidden:
                self.faults.append(f"{order} is sent though it was taken back")

    async def close(self) -> None:
        """A lane has ended; others go on."""

    def end(self) -> None:
        self._ledger.close()


def _headers(mood: str) -> dict[str, str]:
    return {"retry-after": "600"} if mood == "429" else {}


# Every change of state is kept by the database itself.
_TABLE = "CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY, key TEXT, old TEXT, new TEXT)"
_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS watched AFTER UPDATE OF state ON deliveries WHEN old.state <> new.state
BEGIN INSERT INTO changes (key, old, new) VALUES (new.key, old.state, new.state); END"""


async def watch(store: SqliteStore) -> None:
    def make(connection: apsw.Connection) -> None:
        for statement in (_TABLE, _TRIGGER):
            connection.execute(statement)

    await store._writer.submit(make)


async def moment(store: SqliteStore) -> tuple[int, int]:
    """How many changes there have been, and how many rows are 'sending'."""

    def read(connection: apsw.Connection) -> Any:
        return connection.execute(
            "SELECT coalesce((SELECT max(number) FROM changes), 0), "
            "(SELECT count(*) FROM deliveries WHERE state = 'sending')"
        ).fetchone()

    found: tuple[int, int] = await store._reader.run(read)
    return found


async def changes(store: SqliteStore, after: int) -> list[tuple[int, str, str, str]]:
    """(number, order, old state, new state) since a number."""

    def read(connection: apsw.Connection) -> Any:
        return connection.execute(
            "SELECT number, key, old, new FROM changes WHERE number > ? ORDER BY number", (after,)
        ).fetchall()

    found: list[tuple[int, str, str, str]] = await store._reader.run(read)
    return found


# The life of an invitation, as docs/invitations.md draws it.
_AFTER_AN_ATTEMPT = {"accepted", "queued", "refused", "failed", "blocked", "uncertain"}
# An undo of a decision leads back to where it was, and on if its order was taken back meanwhile.
LIFE = {
    "held": {"sending", "queued", "cancelled"},  # due and claimed; sent now by hand
    "queued": {"sending", "cancelled", "held", "blocked", "failed", "refused", "uncertain"},  # or undone
    "sending": _AFTER_AN_ATTEMPT,
    "uncertain": {"accepted", "queued", "cancelled"},  # a late answer, or somebody who has looked
    "blocked": {"queued", "cancelled"},
    "failed": {"queued", "cancelled"},
    "refused": {"queued", "held", "cancelled"},  # tried again, or corrected
    "cancelled": {
        "queued",
        "held",
        "blocked",
        "failed",
        "refused",
        "uncertain",
    },  # completed again, or undone
    "accepted": {"uncertain"},  # undone
}
