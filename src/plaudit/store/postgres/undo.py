"""Undoing what people decided, a portion at a time, so that lanes go on meanwhile (undoing.py says what comes back).

The lock order is in process.py.
"""

from __future__ import annotations

from plaudit.destinations.base import State
from plaudit.secrets import Vault
from plaudit.store import undoing
from plaudit.store.decisions import DecidedView, Decision, Undone
from plaudit.store.postgres import config, customers
from plaudit.store.postgres.cancel import apply_cancellations
from plaudit.store.postgres.database import AgainError
from plaudit.store.postgres.sql import Connection, change, columns, queries, rows
from plaudit.store.undoing import Kept, Left, Rules

SQL = queries("undo")
PRUNE_ROWS = 1000
_RESTORED = "id state reason message due_at first_attempt_at"


async def undo(
    connection: Connection, decision: int, only: int | None, after: int, limit: int, now: int, vault: Vault
) -> tuple[Undone, set[int]]:
    """See `Store.undo`; and the destinations where something is queued again."""
    portion = {"decision": decision, "only": only, "after": after, "limit": limit}
    seen = [Kept(*row) for row in await rows(connection, SQL["kept"], portion)]
    if not seen:
        return Undone({}, {}), set()
    await rows(connection, SQL["share_destinations"], {"ids": sorted({row.to for row in seen if row.to})})
    rules = undoing.rules(await config.read(connection, vault))
    asking = {row.id for row in undoing.asking(seen, rules)}
    await customers.hold(connection, [(row.to or 0, row.recipient or 0) for row in seen if row.id in asking])
    calls = columns("id definition_id destination_id profile_id", undoing.telling(seen))
    told = {id_ for (id_,) in await rows(connection, SQL["told"], calls)}
    await rows(connection, SQL["lock"], {"ids": [row.id for row in seen]})
    # By the ids that are locked: another undo of it may have been quicker with some, and what comes after waits its turn.
    found = [Kept(*row) for row in await rows(connection, SQL["kept"], portion | {"limit": len(seen)})]
    locked = {row.id for row in seen}
    found = [row for row in found if row.id in locked]
    asked = undoing.asking(found, rules)
    if not {row.id for row in asked} <= asking:
        raise AgainError  # it was cancelled since, and its customer is not held
    given = [(r.id, r.to, r.recipient, rules.get(r.to or 0, Rules()).since(now)) for r in asked]
    others = await rows(connection, SQL["others"], columns("id destination_id recipient since", given))
    back, left = undoing.judge(found, rules, others, told, now)
    await change(connection, SQL["restore"], columns(_RESTORED, back) | {"now": now})
    ids = [row.id for row in back]
    gone = await apply_cancellations(connection, ids, now)
    await change(connection, SQL["undone"], {"decision": decision, "ids": ids, "now": now})
    left |= dict.fromkeys(gone, Left.TAKEN_BACK.value)
    restored = {row.id: row.state for row in back if row.id not in gone}
    to = {row.to for row in found if row.to and restored.get(row.id) in (State.QUEUED, State.HELD)}
    return Undone(restored, left), to


async def decision(connection: Connection, id_: int) -> Decision | None:
    found = await rows(connection, SQL["decision"], {"id": id_})
    return undoing.summary(found[0] if found else None)


async def decisions(connection: Connection, delivery_id: int) -> list[DecidedView]:
    return [
        undoing.view(Kept(*row))
        for row in await rows(connection, SQL["kept_of_delivery"], {"id": delivery_id})
    ]


async def prune(connection: Connection, before: int) -> int:
    return await change(connection, SQL["prune"], {"before": before, "limit": PRUNE_ROWS})
