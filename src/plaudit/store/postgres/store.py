"""`Store` in one PostgreSQL database, which any number of processes share: each verb is one transaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Unpack

from plaudit.errors import UnavailableError
from plaudit.secrets import Vault
from plaudit.store.access import Access
from plaudit.store.base import Claimed, Committed, Configuration, EventRow, Settled, Wanted
from plaudit.store.decisions import Decided, DecidedView, Decision, Forgotten, Selection, Undone
from plaudit.store.postgres import (
    config,
    ledger,
    listen,
    operate,
    ownership,
    process,
    profiles,
    read,
    tallies,
    undo,
)
from plaudit.store.postgres.access import PostgresAccess
from plaudit.store.postgres.database import Database
from plaudit.store.postgres.schema import migrate
from plaudit.store.postgres.sql import Connection
from plaudit.store.tallies import Tallied
from plaudit.store.views import AttemptView, EventSelection, EventView, InvitationView


class PostgresStore:
    """See `Store`. It connects at its first use, and again whenever the server is back."""

    def __init__(self, url: str, vault: Vault) -> None:
        """Raises `DataError`: `url` is no address of a database."""
        self._vault = vault
        self._database = Database(url, migrate)
        self.profiles = profiles.PostgresProfiles(self._database, vault)
        self.access: Access = PostgresAccess(self._database, vault)
        # Claimed in turns of whose end nobody knows, by destination and owner.
        self._unsure: dict[tuple[int, str], list[Claimed]] = {}

    async def config_version(self) -> int:
        return await self._database.once(config.version)

    async def configuration(self) -> Configuration:
        return await self._database.look(lambda c: config.read(c, self._vault))

    async def apply(self, wanted: Wanted, now: int) -> Configuration:
        await self._database.run(lambda c: config.apply(c, self._vault, wanted, now))
        return await self.configuration()

    async def cursor(self, partition: int) -> int:
        return await self._database.once(lambda c: process.cursor(c, partition))

    async def commit(
        self, partition: int, before: int, after: int, events: list[EventRow], now: int
    ) -> Committed:
        done = await self._database.run(
            lambda c: process.commit(c, partition, before, after, events, now, self._vault)
        )
        await listen.tell(self._database, done.made)
        return done

    async def foresee(self, events: list[EventRow], now: int) -> Committed:
        return await self._database.trial(lambda c: process.take(c, events, now, self._vault))

    async def replay(
        self, events: list[EventRow], now: int, *, dry: bool, disposition: str | None = None
    ) -> Committed:
        run = self._database.trial if dry else self._database.run
        done = await run(lambda c: process.replay(c, events, disposition, now, self._vault))
        if not dry:
            await listen.tell(self._database, done.made)
        return done

    async def older_events(self, partition: int, position: int, since: int, until: int) -> int:
        return await self._database.look(lambda c: process.older_events(c, partition, position, since, until))

    async def turn(
        self, destination_id: int, settled: list[Settled], limit: int, owner: str, now: int, lease_until: int
    ) -> list[Claimed]:
        lane = (destination_id, owner)
        unsure = list(self._unsure.get(lane, []))
        claimed: list[Claimed] = []

        async def job(connection: Connection) -> list[Claimed]:
            # What an earlier turn may have claimed before the connection broke was never handed out.
            await ledger.release(connection, unsure, owner, now)
            found = await ledger.turn(connection, destination_id, settled, limit, owner, now, lease_until)
            claimed[:] = found
            return found

        try:
            found = await self._database.run(job)
        except UnavailableError:
            self._unsure[lane] = self._unsure.get(lane, []) + claimed
            raise
        if unsure:
            self._unsure[lane] = [each for each in self._unsure[lane] if each not in unsure]
        return found

    async def release(self, claimed: list[Claimed], owner: str, now: int) -> None:
        await self._database.run(lambda c: ledger.release(c, claimed, owner, now))

    async def pause(
        self, destination_id: int, reason: str, message: str, now: int, *, version: int = 0
    ) -> None:
        await self._database.run(lambda c: ledger.pause(c, destination_id, reason, message, now, version))

    async def resume(self, destination_id: int, reason: str | None) -> None:
        await self._database.run(lambda c: ledger.resume(c, destination_id, reason))

    async def unblock(self, destination_id: int, now: int) -> int:
        count = await self._database.run(lambda c: ledger.unblock(c, destination_id, now))
        await listen.tell(self._database, {destination_id} if count else ())
        return count

    async def next_due(self, destination_id: int) -> int | None:
        return await self._database.once(lambda c: ledger.next_due(c, destination_id))

    async def recover(self, owner: str, *, alone: bool, now: int, resend: list[int]) -> int:
        return await self._database.run(lambda c: ledger.recover(c, owner, alone, now, resend))

    async def count(self, **selection: Unpack[Selection]) -> dict[str, int]:
        return await self._database.look(lambda c: operate.count(c, selection))

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
        # Chosen without locks; then it is seen whether it is still so.
        while ids := await self._database.look(
            partial(operate.selected, decided=decided, after=after, limit=limit, selection=selection)
        ):
            done, to = await self._database.run(
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
                await listen.tell(self._database, to)
                return done
            after = ids[-1]
        return []

    async def undo(
        self, decision: int, *, after: int, limit: int, now: int, dry: bool, only: int | None = None
    ) -> Undone:
        run = self._database.trial if dry else self._database.run
        done, to = await run(lambda c: undo.undo(c, decision, only, after, limit, now, self._vault))
        if not dry:
            await listen.tell(self._database, to)
        return done

    async def decision(self, id_: int) -> Decision | None:
        return await self._database.once(lambda c: undo.decision(c, id_))

    async def decisions(self, delivery_id: int) -> list[DecidedView]:
        return await self._database.once(lambda c: undo.decisions(c, delivery_id))

    async def forget(self, email: str, now: int) -> Forgotten:
        async def job(connection: Connection) -> Forgotten:
            gone = await profiles.forget(connection, email)
            done = await operate.forget(connection, email, now)
            done.profiles = gone
            return done

        await self._database.run(lambda c: operate.suppress(c, self._vault.address(email), now))
        return await self._database.run(job)

    async def allow(self, email: str) -> bool:
        return await self._database.run(lambda c: operate.allow(c, self._vault.address(email)))

    async def invitations(
        self, *, limit: int = 0, before: int | None = None, **selection: Unpack[Selection]
    ) -> list[InvitationView]:
        return await self._database.look(lambda c: read.invitations(c, selection, limit, before))

    async def invitation(self, id_: int) -> InvitationView | None:
        return await self._database.look(lambda c: read.invitation(c, id_))

    async def attempts(self, delivery_id: int) -> list[AttemptView]:
        return await self._database.once(lambda c: read.attempts(c, delivery_id))

    async def events(
        self, *, limit: int = 0, before: int | None = None, **selection: Unpack[EventSelection]
    ) -> list[EventView]:
        return await self._database.look(lambda c: read.events(c, selection, limit, before))

    async def event(self, id_: int) -> EventView | None:
        return await self._database.look(lambda c: read.event(c, id_))

    async def tallies(
        self, step: int, since: int, until: int, destination_id: int | None = None
    ) -> list[Tallied]:
        return await self._database.look(lambda c: tallies.read(c, step, since, until, destination_id))

    async def attention(self, what: str | None = None) -> dict[str, dict[str, int]]:
        return await self._database.once(lambda c: read.attention(c, what))

    async def waiting(self, destination_id: int, most: int) -> dict[str, int]:
        return await self._database.look(lambda c: read.waiting(c, destination_id, most))

    async def states(self) -> dict[str, dict[str, int]]:
        return await self._database.look(read.states)

    async def prune(self, before: int) -> int:
        gone = total = await self._database.run(lambda c: process.prune(c, before))
        while gone == process.PRUNE_ROWS:  # small steps, so that nothing else waits long
            gone = await self._database.run(lambda c: process.prune(c, before))
            total += gone
        while await self._database.run(lambda c: undo.prune(c, before)) == undo.PRUNE_ROWS:
            pass
        return total

    async def join(self, owner: str, role: str, resources: list[str], seconds: float) -> set[str]:
        return await self._database.run(lambda c: ownership.join(c, owner, role, resources, seconds))

    async def leave(self, owner: str) -> None:
        await self._database.run(lambda c: ownership.leave(c, owner))

    async def listen(self, heard: Callable[[set[int]], None]) -> None:
        await listen.listen(self._database, heard)

    async def close(self) -> None:
        await self._database.close()
