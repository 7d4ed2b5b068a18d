"""Sources: their write keys, what they are connected to, and events sent or tried as if they came from one."""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit import installation
from plaudit.clock import message_id, write_key
from plaudit.config import Config, SourceConfig
from plaudit.errors import RefusedError
from plaudit.manage import dry
from plaudit.manage.configuring import change
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Name, Nothing, OfName, not_found
from plaudit.manage.problems import ProblemError
from plaudit.spec import wire
from plaudit.spec.envelope import Entry, event_id, partition
from plaudit.store.access import Who

SHOWN_FROM = (
    12  # characters of a write key, of which three are shown; a shorter one could be guessed from them
)


class Source(msgspec.Struct):
    """A source; its write key is masked."""

    id: int
    name: str
    write_key: str
    destinations: list[str]


class Sources(msgspec.Struct):
    data: list[Source]


class WriteKey(msgspec.Struct):
    """A write key in the clear."""

    name: str
    write_key: str


class TryEvent(Given, kw_only=True):
    """An event as an SDK would send it, with `type`. With `destination`: only what that makes of it."""

    name: Name
    event: dict[str, Any]
    destination: Name | None = None


class Finding(msgspec.Struct):
    """What becomes of the event at a destination, with the requests that it would cause."""

    event: int
    destination: str | None
    order_id: str | None
    disposition: str
    message: str
    requests: list[dict[str, Any]]


class Findings(msgspec.Struct):
    data: list[Finding]


class Sent(msgspec.Struct):
    """It is in the log. `id` is the event's own: what becomes of it is found there as soon as it is processed."""

    id: int
    message_id: str


async def find(context: Context, who: Who, given: Nothing) -> Sources:
    del who, given
    there = await context.store.configuration()
    names = {d.id: d.name for d in there.destinations}
    return Sources(
        [
            Source(
                source.id,
                source.name,
                f"{source.write_key[:3]}…" if len(source.write_key) >= SHOWN_FROM else "…",
                sorted(names[to] for from_, to in there.connections if from_ == source.id and to in names),
            )
            for source in there.sources
        ]
    )


async def add(context: Context, who: Who, given: OfName) -> WriteKey:
    """With a new write key."""

    def edit(config: Config) -> None:
        if given.name in config.sources:
            raise ProblemError(409, "exists", f"there is a source {given.name} already")
        config.sources[given.name] = SourceConfig(write_key())

    await change(context, who, "add", f"source {given.name}", edit)
    return await _key(context, given.name)


async def remove(context: Context, who: Who, given: OfName) -> None:
    """Its events and invitations stay; what comes with its write key is refused from then on."""

    def edit(config: Config) -> None:
        if config.sources.pop(given.name, None) is None:
            raise not_found("source", given.name)
        for destination in config.destinations.values():
            destination.sources = [name for name in destination.sources if name != given.name]

    await change(context, who, "remove", f"source {given.name}", edit)


async def reveal(context: Context, who: Who, given: OfName) -> WriteKey:
    """The asking is recorded before it is answered."""
    found = await _key(context, given.name)
    await context.record(who, "reveal", f"write key of source {given.name}")
    return found


async def rotate(context: Context, who: Who, given: OfName) -> WriteKey:
    """A new write key; the old one is refused from now on."""

    def edit(config: Config) -> None:
        if given.name not in config.sources:
            raise not_found("source", given.name)
        config.sources[given.name].write_key = write_key()

    await change(context, who, "rotate", f"write key of source {given.name}", edit)
    return await _key(context, given.name)


async def check(context: Context, who: Who, given: TryEvent) -> Findings:
    """A dry run: nothing is sent and nothing is kept."""
    del who
    there = await context.store.configuration()
    if given.name not in {source.name for source in there.sources}:
        raise not_found("source", given.name)
    wanted = installation.exported(there)
    found = await dry.findings(
        [given.event], wanted, context.kinds, context.store, given.name, given.destination
    )
    return Findings([Finding(**each) for each in found])


async def send(context: Context, who: Who, given: TryEvent) -> Sent:
    """For real: the event takes the road of any other."""
    there = await context.store.configuration()
    ids = {source.name: source.id for source in there.sources}
    if given.name not in ids:
        raise not_found("source", given.name)
    if context.log is None:
        raise ProblemError(503, "unavailable", "this process has no log to put the event into")
    body, now = msgspec.json.encode(given.event), context.clock.now()
    try:
        kind = str(given.event.get("type") or "")
        envelope = wire.single(kind, wire.decode_single(body), body, now, message_id)
    except RefusedError as error:
        raise ProblemError(422, error.code, error.message) from None
    if envelope.refused:
        raise ProblemError(422, envelope.refused, envelope.reason or "the event is refused")
    await context.record(who, "send_event", f"source {given.name}", f"message {envelope.message_id[:100]}")
    position = await context.log.append(Entry(ids[given.name], now, [envelope]))
    return Sent(event_id(partition(envelope, context.log.partitions), position, 0), envelope.message_id)


async def _key(context: Context, name: str) -> WriteKey:
    for source in (await context.store.configuration()).sources:
        if source.name == name:
            return WriteKey(name, source.write_key)
    raise not_found("source", name)
