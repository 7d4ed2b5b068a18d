"""A ledger with its lanes, a shop, a scripted vendor and a set clock; its process can die at any moment."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from plaudit.deliver.deliverer import Deliverer
from plaudit.destinations.catalog import destinations
from plaudit.process.plan import plan, routes
from plaudit.secrets import Vault
from plaudit.spec.envelope import Entry, Envelope
from plaudit.store.base import EventRow, Wanted
from plaudit.store.sqlite import SqliteStore

from .scripted import LIFE, Scripted, SetClock, changes, moment, watch

HOUR = 3_600_000
TOTAL = 27.5


def settings(**more: Any) -> dict[str, Any]:
    return {"api_key": "key", "channel": "integration_key", **more}


class World:
    """`open` it, and `close` it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "store.db"
        self.clock = SetClock()
        self.shop_time = self.clock.at
        self.entries: list[Entry] = []
        self.settings: dict[str, Any] = settings()
        self.deaths = 0
        self.ids: dict[str, int] = {}
        self._seen = 0
        self.transitions = 0

    async def open(self) -> None:
        await self._start_store()
        self.vendor = Scripted(self._path)
        await self.apply(self.settings)
        await self._start_lanes()

    async def _start_store(self) -> None:
        self.store = SqliteStore(self._path, Vault(bytes(32)))
        await watch(self.store)

    async def _start_lanes(self) -> None:
        """As a process does when it starts."""
        self.lanes: Deliverer | None = Deliverer(
            self.store,
            self.clock,
            f"process {self.deaths}",
            destinations(),
            alone=True,
            transport=lambda *_: self.vendor,
        )
        await self.lanes.configure(await self.store.configuration())
        await self.lanes.recover()

    async def apply(self, its: dict[str, Any]) -> None:
        self.settings = its
        wanted = Wanted({"shop": "k" * 32}, {"trustpilot": ("trustpilot", its, ["shop"])})
        await self.store.apply(wanted, self.clock.now())
        if getattr(self, "lanes", None) is not None:
            assert self.lanes is not None
            await self.lanes.configure(await self.store.configuration())

    async def die(self) -> None:
        """All that the process was doing ends where it is; then it starts again."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.store.close()
        self.deaths += 1
        await self._start_store()
        await self._start_lanes()

    async def send(self, name: str, order: str, *, message_id: str = "", **properties: Any) -> None:
        """One event of the shop."""
        self.shop_time += 1000
        message_id = message_id or f"m{len(self.entries)}"
        event = {
            "type": "track",
            "event": name,
            "messageId": message_id,
            "userId": "u",
            "properties": {"order_id": order, **properties},
        }
        envelope = Envelope(message_id, "track", self.shop_time, json.dumps(event).encode())
        await self.take(Entry(1, self.clock.now(), [envelope]))

    async def take(self, entry: Entry) -> None:
        self.entries.append(entry)
        at = len(self.entries)
        await self.store.commit(0, at - 1, at, await self._rows(at - 1), self.clock.now())

    async def replay(self) -> None:
        await self.store.replay(await self._rows(0), self.clock.now(), dry=False)

    async def _rows(self, after: int) -> list[EventRow]:
        table = routes(await self.store.configuration(), destinations())
        found = enumerate(self.entries[after:], after + 1)
        return [row for position, entry in found for row in plan(0, position, entry, table)]

    async def quiet(self) -> None:
        """Until the lanes have done what they can."""
        same, before = 0, (-1, -1, -1)
        for _ in range(1000):
            if self.lanes is not None:
                self.lanes.notify({1})
            await asyncio.sleep(0.002)
            number, sending = await moment(self.store)
            found = (self.vendor.begun, self.vendor.ended, number)
            busy = self.vendor.begun - self.vendor.ended > self.vendor.hanging
            busy |= sending > self.vendor.hung.total()
            same = same + 1 if found == before and not busy else 0
            before = found
            if same == 4:
                return
        raise AssertionError("the lanes find no rest")

    async def rows(self) -> dict[str, Any]:
        """The ledger, by order; and what must hold of it at any time."""
        accepted = self.vendor.accepted.copy()  # before the rows are read: the lanes go on meanwhile
        found = await self.store.invitations()
        rows = {row.order_id: row for row in found}
        assert len(rows) == len(found), "an order has two rows"
        assert not self.vendor.faults, self.vendor.faults
        for order, id_ in self.ids.items():
            assert rows[order].id == id_, f"the invitation of {order} is another one"
        self.ids = {order: row.id for order, row in rows.items()}
        for number, order, old, new in await changes(self.store, self._seen):
            assert new in LIFE[old], f"{order} went from {old} to {new}"
            self._seen, self.transitions = number, self.transitions + 1
        assert set(accepted) <= set(rows)
        for order, row in rows.items():
            history = await self.store.attempts(row.id)
            newest = max((each.number for each in history), default=0)
            resent = sum(each.outcome == "uncertain" and each.number < row.attempts for each in history)
            assert newest <= row.attempts
            assert accepted[order] <= 1 + resent, f"{order} was accepted too often"
            if row.state == "accepted" and row.reason != "by_hand":
                assert self.vendor.accepted[order] >= 1, f"{order} was never accepted"
            if row.state in ("refused", "failed", "blocked", "uncertain", "cancelled"):
                assert row.reason and row.message, f"{order} is {row.state}, and does not say why"
        return rows

    async def close(self) -> None:
        self.vendor.answer_at_last()
        if self.lanes is not None:
            await self.lanes.stop()
        await self.store.close()
        self.vendor.end()
        self._folder.cleanup()
