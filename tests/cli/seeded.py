"""An installation whose ledger has an invitation in each state, made without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conformance.rows import ended, event, order, wanted
from plaudit.destinations.base import Outcome, State
from plaudit.installation import open_store
from plaudit.store.views import InvitationView

ENDS = {
    "1": (Outcome.RETRY, State.FAILED),
    "2": (Outcome.REFUSED, State.REFUSED),
    "3": (Outcome.UNCERTAIN, State.UNCERTAIN),
    "4": (Outcome.RETRY, State.QUEUED),
    "5": (Outcome.ACCEPTED, State.ACCEPTED),
}


def seed(data: Path, times: int = 1) -> Path:
    """Orders 1 to 5: failed, refused, uncertain, queued, accepted; then as many again as `times` says."""

    async def main() -> None:
        store = open_store(data, create=True)
        await store.apply(wanted(), now=500)
        count = 5 * times
        rows = [event(1, n, orders={1: order(n + 1)}) for n in range(count)]
        await store.commit(0, 0, 1, rows, now=1000)
        for claimed in await store.turn(1, [], count, "me", now=2000, lease_until=99_000):
            assert claimed.order is not None
            ends = ENDS[str((int(claimed.order.order_id) - 1) % 5 + 1)]
            await store.turn(1, [ended(claimed, *ends)], 0, "me", now=3000, lease_until=99_000)
        await store.close()

    asyncio.run(main())
    return data


def ledger(data: Path) -> list[InvitationView]:
    async def main() -> list[InvitationView]:
        store = open_store(data)
        try:
            return await store.invitations()
        finally:
            await store.close()

    return asyncio.run(main())


def states(data: Path) -> dict[str, str]:
    return {row.order_id: row.state for row in ledger(data)}
