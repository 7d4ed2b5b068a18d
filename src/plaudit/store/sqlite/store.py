"""`Store` on one SQLite file: each verb is a job for its writer or its reader thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Unpack

import apsw

from plaudit.secrets import Vault
from plaudit.sqlite import Reader, Writer
from plaudit.store.access import Access
from plaudit.store.base import Claimed, Committed, Configuration, EventRow, Settled, Wanted
from plaudit.store.decisions import Decided, DecidedView, Decision, Forgotten, Selection, Undone
from plaudit.store.sqlite import config, ledger, operate, process, profiles, read, tallies, undo
from plaudit.store.sqlite.access import SqliteAccess
from plaudit.store.sqlite.schema import migrate
from plaudit.store.tallies import Tallied
from plaudit.store.views import AttemptView, EventSelection, EventView, InvitationView


class SqliteStore:
    """See `Store`."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._vault = vault
        self._writer = Writer(path, "store-writer", prepare=migrate)
        self._reader = Reader(path, "store-reader")
        self.profiles = profiles.SqliteProfiles(self._writer, self._reader, vault)
        self.access: Access = SqliteAccess(self._writer, self._reader, vault)

    async def config_version(self) -> int:
        return await self._reader.run(config.version)

    async def configuration(self) -> Configuration:
        return await self._reader.run(lambda c: config.read(c, self._vault))

    async def apply(self, wanted: Wanted, now: int) -> Configuration:
        await self._writer.submit(lambda c: config.apply(c, self._vault, wanted, now))
        return await self.configuration()

    async def cursor(self, partition: int) -> int:
        return await self._reader.run(lambda c: process.cursor(c, partition))

    async def commit(
        self, partition: int, before: int, after: int, events: list[EventRow], now: int
    ) -> Committed:
        return await self._writer.submit(
            lambda c: process.commit(c, partition, before, after, events, now, self._vault)
        )

    async def foresee(self, events: list[EventRow], now: int) -> Committed:
        return await self._writer.trial(lambda c: process.take(c, events, now, self._vault))

    async def replay(
        self, events: list[EventRow], now: int, *, dry: bool, disposition: str | None = None
    ) -> Committed:
        run = self._writer.trial if dry else self._writer.submit
        return await run(lambda c: process.replay(c, events, disposition, now, self._vault))

    async def older_events(self, partition: int, position: int, since: int, until: int) -> int:
        return await self._reader.run(lambda c: process.older_events(c, partition, position, since, until))

    async def turn(
        self, destination_id: int, settled: list[Settled], limit: int, owner: str, now: int, lease_until: int
    ) -> list[Claimed]:
        return await self._writer.submit(
            lambda c: ledger.turn(c, destination_id, settled, limit, owner, now, lease_until)
        )

    async def release(self, claimed: list[Claimed], owner: str, now: int) -> None:
        await self._writer.submit(lambda c: ledger.release(c, claimed, owner, now))

    async def pause(
        self, destination_id: int, reason: str, message: str, now: int, *, version: int = 0
    ) -> None:
        await self._writer.submit(lambda c: ledger.pause(c, destination_id, reason, message, now, version))

    async def resume(self, destination_id: int, reason: str | None) -> None:
        await self._writer.submit(lambda c: ledger.resume(c, destination_id, reason))

    async def unblock(self, destination_id: int, now: int) -> int:
        return await self._writer.submit(lambda c: ledger.unblock(c, destination_id, now))

    async def next_due(self, destination_id: int) -> int | None:
        return await self._reader.run(lambda c: ledger.next_due(c, destination_id))

    async def recover(self, owner: str, *, alone: bool, now: int, resend: list[int]) -> int:
        return await self._writer.submit(lambda c: ledger.recover(c, owner, alone, now, resend))

    async def count(self, **selection: Unpack[Selection]) -> dict[str, int]:
        return await self._reader.run(lambda c: operate.count(c, selection))

    async def decide(
        self,
        decided: Decided,
        *,
        decision: int,
        after: int,
        limit: int,
        now: int,
        **selection: Unpack[Selection],
    ) -> list[int]:
        # Chosen beside the writer, for which others wait; the writer then looks whether it is still so.
        while ids := await self._reader.run(
            partial(operate.selected, decided=decided, after=after, limit=limit, selection=selection)
        ):
            done = await self._writer.submit(
                partial(
                    operate.decide,
                    decided=decided,
                    decision=decision,
                    ids=ids,
                    selection=selection,
                    now=now,
                )
            )
            if done:
                return done
            after = ids[-1]
        return []

    async def undo(
        self, decision: int, *, after: int, limit: int, now: int, dry: bool, only: int | None = None
    ) -> Undone:
        run = self._writer.trial if dry else self._writer.submit
        return await run(lambda c: undo.undo(c, decision, only, after, limit, now, self._vault))

    async def decision(self, id_: int) -> Decision | None:
        return await self._reader.run(lambda c: undo.decision(c, id_))

    async def decisions(self, delivery_id: int) -> list[DecidedView]:
        return await self._reader.run(lambda c: undo.decisions(c, delivery_id))

    async def forget(self, email: str, now: int) -> Forgotten:
        def job(connection: apsw.Connection) -> Forgotten:
            done = operate.forget(connection, email, self._vault.address(email), now)
            done.profiles = profiles.forget(connection, email)
            return done

        return await self._writer.submit(job)

    async def allow(self, email: str) -> bool:
        return await self._writer.submit(lambda c: operate.allow(c, self._vault.address(email)))

    async def invitations(
        self, *, limit: int = 0, before: int | None = None, **selection: Unpack[Selection]
    ) -> list[InvitationView]:
        return await self._reader.run(lambda c: read.invitations(c, selection, limit, before))

    async def invitation(self, id_: int) -> InvitationView | None:
        return await self._reader.run(lambda c: read.invitation(c, id_))

    async def attempts(self, delivery_id: int) -> list[AttemptView]:
        return await self._reader.run(lambda c: read.attempts(c, delivery_id))

    async def events(
        self, *, limit: int = 0, before: int | None = None, **selection: Unpack[EventSelection]
    ) -> list[EventView]:
        return await self._reader.run(lambda c: read.events(c, selection, limit, before))

    async def event(self, id_: int) -> EventView | None:
        return await self._reader.run(lambda c: read.event(c, id_))

    async def tallies(
        self, step: int, since: int, until: int, destination_id: int | None = None
    ) -> list[Tallied]:
        return await self._reader.run(lambda c: tallies.read(c, step, since, until, destination_id))

    async def attention(self, what: str | None = None) -> dict[str, dict[str, int]]:
        return await self._reader.run(lambda c: read.attention(c, what))

    async def waiting(self, destination_id: int, most: int) -> dict[str, int]:
        return await self._reader.run(lambda c: read.waiting(c, destination_id, most))

    async def states(self) -> dict[str, dict[str, int]]:
        return await self._reader.run(read.states)

    async def prune(self, before: int) -> int:
        gone = total = await self._writer.submit(lambda c: process.prune(c, before))
        while gone == process.PRUNE_ROWS:  # small steps, so that nothing else waits long
            gone = await self._writer.submit(lambda c: process.prune(c, before))
            total += gone
        while await self._writer.submit(lambda c: undo.prune(c, before)) == undo.PRUNE_ROWS:
            pass
        return total

    async def join(self, owner: str, role: str, resources: list[str], seconds: float) -> set[str]:
        del owner, role, seconds
        return set(resources)  # one process a role: file locks see to it (app.py)

    async def leave(self, owner: str) -> None:
        """There is nothing to give up."""

    async def listen(self, heard: Callable[[set[int]], None]) -> None:
        """One process does not tell another: lanes look by themselves."""

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()
