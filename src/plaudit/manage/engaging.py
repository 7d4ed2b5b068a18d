"""Audiences, computed traits and profiles in the API: what audiences.py, preview.py and profiles.py say, as JSON.

An address is never part of a URL: who asks about a person does it with a POST. Looking a person up is recorded.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from plaudit.clock import iso
from plaudit.engage.definitions import Kind
from plaudit.engage.explain import Reason
from plaudit.manage import audiences, defining, preview, profiles
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Limit, Name, Nothing, OfId, OfName, Text, not_found
from plaudit.manage.masking import masked_name, masked_reason, masked_value
from plaudit.store.access import Who

Query = Annotated[str, Meta(min_length=1, max_length=20_000)]


class Definitions(msgspec.Struct):
    data: list[audiences.Listed]


class FindMembers(Given, kw_only=True):
    name: Name
    limit: Limit = 50
    cursor: Annotated[
        str, Meta(max_length=18, pattern="^[0-9]+$", description="`next` of the page before")
    ] = "0"


class Member(msgspec.Struct):
    """A profile with its value; what says of whom it is is masked."""

    profile: int
    value: Any
    since: str
    until: str | None
    identifiers: list[str]


class Members(msgspec.Struct):
    data: list[Member]
    next: str | None


class Ask(Given, kw_only=True):
    """About whom: an e-mail address, a user id, an anonymous id, TYPE:VALUE, or #PROFILE."""

    name: Name
    who: Text


class Explanation(msgspec.Struct):
    """Why a person is in, or is not; values that say of whom are masked. Times of events are ms since 1970."""

    key: str
    profile: int
    value: Any
    since: str | None
    until: str | None
    reason: Reason


class Try(Given, kw_only=True):
    query: Query
    kind: Kind = "audience"


class Leave(Given, kw_only=True):
    name: Name
    dry_run: bool = False


class Left(msgspec.Struct):
    """How many members each destination believes in."""

    dry_run: bool
    told: dict[str, int]


class Find(Given, kw_only=True):
    """See `Ask`."""

    who: Text


class Remove(Given, kw_only=True):
    name: Name


async def find(context: Context, who: Who, given: Nothing) -> Definitions:
    del who, given
    return Definitions(await audiences.listed(context.store, context.kinds))


async def one(context: Context, who: Who, given: OfName) -> audiences.Listed:
    del who
    found = audiences.called(await audiences.listed(context.store, context.kinds), given.name)
    if found is None:
        raise not_found("audience or trait", given.name)
    return await audiences.with_runs(context.store, found)


async def put(context: Context, who: Who, given: defining.PutDefinition) -> audiences.Listed:
    there = {each.name for each in await audiences.listed(context.store, context.kinds, given.kind)}
    await defining.put(context, who, msgspec.structs.replace(given, new=given.new or given.name not in there))
    return await one(context, who, OfName(name=given.name))


async def remove(context: Context, who: Who, given: Remove) -> None:
    found = await one(context, who, OfName(name=given.name))
    await defining.remove(context, who, found.kind, found.name)


async def members(context: Context, who: Who, given: FindMembers) -> Members:
    query = (await one(context, who, OfName(name=given.name))).query
    found = await audiences.members(
        context.store, context.kinds, given.name, after=int(given.cursor), limit=given.limit + 1
    )
    data = [
        Member(
            each.profile_id,
            masked_value(each.value, query),
            iso(each.since),
            None if each.until is None else iso(each.until),
            [": ".join(masked_name(name)) for name in each.identifiers],
        )
        for each in found[: given.limit]
    ]
    return Members(data, str(data[-1].profile) if len(found) > given.limit else None)


async def explain(context: Context, who: Who, given: Ask) -> Explanation:
    query = (await one(context, who, OfName(name=given.name))).query
    now = context.clock.now()
    found = await audiences.explained(context.store, context.kinds, given.name, given.who, now)
    return Explanation(
        found.key,
        found.profile,
        masked_value(found.value, query),
        None if found.since is None else iso(found.since),
        None if found.until is None else iso(found.until),
        masked_reason(found.reason),
    )


async def estimate(context: Context, who: Who, given: Try) -> preview.Estimate:
    """The exact number, once all profiles have been looked at."""
    del who
    last = preview.Estimate(0, 0, 0, 0, exact=True)
    async for each in preview.preview(context.store, context.kinds, given.query, given.kind, context.clock):
        last = each
    return last


async def leave(context: Context, who: Who, given: Leave) -> Left:
    await one(context, who, OfName(name=given.name))
    now = context.clock.now()
    told = await audiences.leave(context.store, context.kinds, given.name, now, dry=True)
    if not given.dry_run and any(told.values()):
        await context.record(who, "leave", f"audience {given.name}")
        told = await audiences.leave(context.store, context.kinds, given.name, now, dry=False)
    return Left(given.dry_run, told)


async def profile(context: Context, who: Who, given: OfId) -> profiles.Known:
    """What says of whom it is is masked."""
    del who
    return await profiles.masked(context.store, await profiles.of_id(context, given.id))


async def person(context: Context, who: Who, given: Find) -> profiles.Known:
    """All that is known of a person; the asking is recorded before it is answered."""
    found = await profiles.person(context.store, context.kinds, given.who, context.clock.now())
    await context.record(who, "reveal", f"profile {found.id}")
    return found
