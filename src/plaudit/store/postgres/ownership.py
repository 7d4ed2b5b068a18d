"""Which process does what of a role's work: each of its resources is one owner's at a time, by the database's clock.

Invariant: an owner's resource is another's only after its time has passed, or after it was given up. Shares differ by
one at most once everybody has joined twice, none is left over, and nobody gives up more than it must.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from plaudit.store.postgres.sql import Connection, change, queries, rows, value

SQL = queries("ownership")


async def join(
    connection: Connection, owner: str, role: str, resources: list[str], seconds: float
) -> set[str]:
    """One step of `Store.join`: what is more than the share is given up in it, what is free taken."""
    it = {"owner": owner, "role": role}
    for_a_while = it | {"seconds": float(seconds)}
    await rows(connection, SQL["lock_role"], {"role": role})
    if resources:
        await change(connection, SQL["renew_member"], for_a_while)
    else:
        await change(connection, SQL["leave_role"], it)
    await change(connection, SQL["drop_gone"], {"role": role})
    members = await value(connection, SQL["members"], {"role": role})
    owners: dict[str, str] = dict(await rows(connection, SQL["owned"], it))
    keep = choose(owner, resources, owners, members)
    if over := sorted(resource for resource, its in owners.items() if its == owner and resource not in keep):
        await change(connection, SQL["give_up"], {"owner": owner, "resources": over})
    if keep:
        await change(connection, SQL["take"], for_a_while | {"resources": sorted(keep)})
    return keep


def choose(owner: str, resources: Sequence[str], owners: Mapping[str, str], members: int) -> set[str]:
    """What is to be this owner's: as much as is its share, first of what it has, then of what nobody has.

    Where the resources do not divide evenly, some may have one more than the others: whoever has it first.
    """
    least, more = divmod(len(resources), max(members, 1))
    others = Counter(its for its in owners.values() if its != owner)
    share = least + (sum(count > least for count in others.values()) < more)
    have = [resource for resource in resources if owners.get(resource) == owner]
    free = [resource for resource in resources if resource not in owners]
    return set((have + free)[:share])


async def leave(connection: Connection, owner: str) -> None:
    it = {"owner": owner}
    for (role,) in await rows(connection, SQL["roles_of"], it):
        await rows(connection, SQL["lock_role"], {"role": role})
    await change(connection, SQL["leave"], it)
    await change(connection, SQL["leave_resources"], it)
