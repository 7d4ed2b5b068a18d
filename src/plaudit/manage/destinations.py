"""Destinations: what kinds there are, their settings with secrets masked, pauses, and whether they would work."""

from __future__ import annotations

from typing import Any

import msgspec

from plaudit.clock import iso
from plaudit.config import Config, DestinationConfig
from plaudit.deliver.gate import Waits
from plaudit.deliver.sender import Sender
from plaudit.deliver.transport import transport_for
from plaudit.destinations.base import Destination, Outcome, What
from plaudit.destinations.settings import Setting
from plaudit.destinations.validate import validate
from plaudit.manage.configuring import change
from plaudit.manage.context import Context
from plaudit.manage.given import Given, Name, Nothing, OfName, not_found
from plaudit.manage.problems import ProblemError
from plaudit.store.access import Who
from plaudit.store.base import BY_HAND, ConfiguredDestination

MASK = "•••"


class Field(msgspec.Struct):
    """One setting, for a form."""

    key: str
    label: str
    description: str
    kind: str
    required: bool
    secret: bool
    channels: list[str]
    choices: list[str]
    default: str | bool | int | None
    fields: list[Field] = []


class Kind(msgspec.Struct):
    """What can be a destination."""

    type: str
    title: str
    description: str
    channels: dict[str, str]
    settings: list[Field]


class Catalog(msgspec.Struct):
    data: list[Kind]


class Pause(msgspec.Struct):
    reason: str
    message: str
    at: str


class Waiting(msgspec.Struct):
    """Why nothing is sent just now: the last answer (`status` 0: there was none), and when it is tried again."""

    message: str
    status: int
    at: str
    until: str


class DestinationView(msgspec.Struct):
    """A destination. Secret settings that are set say `•••`. `attention`: how many invitations wait for a person, by
    state; `calls`: how many calls about people do. `waits`: as far as the process that is asked delivers there.
    """

    id: int
    name: str
    type: str
    channel: str
    sources: list[str]
    settings: dict[str, Any]
    paused: Pause | None
    attention: dict[str, int]
    calls: dict[str, int]
    waits: Waiting | None = None


class Destinations(msgspec.Struct):
    data: list[DestinationView]


class PutDestination(Given, kw_only=True):
    """All of its settings. A secret one that says `•••` stays as it is."""

    name: Name
    type: str
    sources: list[str]
    settings: dict[str, Any]


class PauseGiven(Given, kw_only=True):
    name: Name
    message: str = "paused by hand"


class Tested(msgspec.Struct):
    """Whether it would work, found out with no effect. `works` null: the channel has no way to ask."""

    works: bool | None
    outcome: str
    reason: str
    message: str


async def catalog(context: Context, who: Who, given: Nothing) -> Catalog:
    del who, given
    return Catalog(
        [
            Kind(
                kind.type,
                kind.title,
                kind.description,
                {channel.name: channel.description for channel in kind.channels},
                [_field(setting) for setting in kind.settings],
            )
            for kind in context.kinds.values()
        ]
    )


async def find(context: Context, who: Who, given: Nothing) -> Destinations:
    del who, given
    there = await context.store.configuration()
    attention, calls = [await context.store.attention(what) for what in (What.INVITATION, What.IDENTIFY)]
    names = {source.id: source.name for source in there.sources}
    return Destinations(
        [
            _view(
                context,
                row,
                sorted(names[from_] for from_, to in there.connections if to == row.id and from_ in names),
                *(
                    {state: n for state, n in each.get(row.name, {}).items() if n}
                    for each in (attention, calls)
                ),
            )
            for row in there.destinations
        ]
    )


async def one(context: Context, who: Who, given: OfName) -> DestinationView:
    for view in (await find(context, who, Nothing())).data:
        if view.name == given.name:
            return view
    raise not_found("destination", given.name)


async def put(context: Context, who: Who, given: PutDestination) -> DestinationView:
    """Make one, or change it; that also ends a pause that was not made by hand."""
    kind = context.kinds.get(given.type)
    if kind is None:
        raise ProblemError(422, "bad_configuration", f"type must be one of {', '.join(context.kinds)}")

    def edit(config: Config) -> None:
        there = config.destinations.get(given.name)
        before = there.settings if there is not None and there.type == given.type else {}
        settings = {
            key: before.get(key) if _is_masked(kind, key, value) else value
            for key, value in given.settings.items()
        }
        left = {key: value for key, value in settings.items() if value is not None}
        good, faults = validate(kind, left)
        faults += [f"no source is called {name!r}" for name in given.sources if name not in config.sources]
        if faults:
            raise ProblemError(422, "bad_configuration", "; ".join(faults), errors=faults)
        config.destinations[given.name] = DestinationConfig(given.type, given.sources, good)

    await change(context, who, "put", f"destination {given.name}", edit)
    return await one(context, who, OfName(name=given.name))


async def remove(context: Context, who: Who, given: OfName) -> None:
    """Nothing goes there any more; its ledger stays."""

    def edit(config: Config) -> None:
        if config.destinations.pop(given.name, None) is None:
            raise not_found("destination", given.name)

    await change(context, who, "remove", f"destination {given.name}", edit)


async def pause(context: Context, who: Who, given: PauseGiven) -> DestinationView:
    """Nothing is sent there until somebody resumes it; orders become invitations that wait."""
    row = await _row(context, given.name)
    message = given.message.strip()[:500] or "paused by hand"
    await context.record(who, "pause", f"destination {row.name}")
    await context.store.pause(row.id, BY_HAND, message, context.clock.now())
    return await one(context, who, OfName(name=row.name))


async def resume(context: Context, who: Who, given: OfName) -> DestinationView:
    """End whatever pause there is; what was blocked is queued."""
    row = await _row(context, given.name)
    if row.paused_at is None:
        raise ProblemError(409, "wrong_state", f"destination {row.name} is not paused")
    await context.record(who, "resume", f"destination {row.name}", f"was paused: {row.paused_reason}")
    await context.store.resume(row.id, None)
    return await one(context, who, OfName(name=row.name))


async def test(context: Context, who: Who, given: OfName) -> Tested:
    """Ask the vendor, in the channel's own way, which has no effect."""
    row = await _row(context, given.name)
    kind = context.kinds.get(row.type)
    if kind is None:
        raise ProblemError(409, "wrong_state", f"there is no destination of the type {row.type} any more")
    await context.record(who, "test", f"destination {row.name}")
    sender = Sender(kind, row.settings, transport_for(kind, row.settings), context.clock)
    try:
        verdict = await sender.check()
    finally:
        await sender.close()
    if verdict is None:
        return Tested(None, "", "", "this channel has no way to ask without an effect: send one event")
    works = verdict.outcome is Outcome.ACCEPTED
    return Tested(works, verdict.outcome, verdict.reason, verdict.message)


async def _row(context: Context, name: str) -> ConfiguredDestination:
    for row in (await context.store.configuration()).destinations:
        if row.name == name:
            return row
    raise not_found("destination", name)


def _view(
    context: Context,
    row: ConfiguredDestination,
    sources: list[str],
    attention: dict[str, int],
    calls: dict[str, int],
) -> DestinationView:
    kind = context.kinds.get(row.type)
    settings = {
        key: MASK if kind is None or _is_secret(kind, key) else value
        for key, value in row.settings.items()
        if value is not None
    }
    paused = None
    if row.paused_at is not None:
        paused = Pause(row.paused_reason or "", row.paused_message or "", iso(row.paused_at))
    channel = kind.channel(row.settings).name if kind is not None else ""
    waits = context.waits(row.id) if paused is None else None
    return DestinationView(
        *(row.id, row.name, row.type, channel, sources, settings, paused, attention, calls),
        waits=None if waits is None else _waiting(waits),
    )


def _waiting(waits: Waits) -> Waiting:
    verdict = waits.verdict
    return Waiting(verdict.message, verdict.status, iso(waits.came_at), iso(waits.until))


def _is_secret(kind: Destination, key: str) -> bool:
    setting = kind.setting(key)
    return setting is None or setting.secret


def _is_masked(kind: Destination, key: str, value: Any) -> bool:
    return bool(_is_secret(kind, key) and value == MASK)


def _field(setting: Setting) -> Field:
    return Field(
        setting.key,
        setting.label,
        setting.description,
        setting.kind,
        setting.required,
        setting.secret,
        list(setting.channels),
        list(setting.choices),
        setting.default,
        [_field(each) for each in setting.fields],
    )
