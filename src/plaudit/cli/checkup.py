"""What `doctor` looks at, in the order of an event's path: disk, store, configuration, ledger, the way out, the server."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw

from plaudit import __version__
from plaudit.clock import SystemClock
from plaudit.deliver.address import ForbiddenAddressError, ResolveError, resolve
from plaudit.deliver.sender import Sender
from plaudit.deliver.transport import transport_for
from plaudit.destinations.base import Fault, Outcome
from plaudit.destinations.catalog import destinations
from plaudit.errors import PlauditError
from plaudit.installation import Place, open_log, open_store
from plaudit.manage.audiences import Listed, listed
from plaudit.store.base import BY_HAND, UNREACHABLE, Configuration, Store

LOW_DISK = 1024**3
MEANINGS = {
    "blocked": "they wait for mended settings: see 'plaudit invitations --state blocked'",
    "failed": "given up after hours of trying: 'plaudit retry --state failed' sends them again",
    "refused": "the vendor says that their data are bad: see 'plaudit invitations --state refused'",
    "uncertain": "they may or may not have been sent: look them up, then 'plaudit resolve'",
}

Check = dict[str, Any]


async def run(data: Place, url: str) -> list[Check]:
    """All checks: `check`, `result` (ok, note, fault), `message`."""
    checks = [_check("version", "ok", f"Plaudit {__version__}, SQLite {apsw.sqlite_lib_version()}")]
    try:
        store = open_store(data)
    except PlauditError as error:
        return [*checks, _check("data", "fault", str(error))]
    try:
        if not data.shared:
            checks.append(_disk(data.data))
        checks += [check async for check in _installation(store, data)]
    except PlauditError as error:
        checks.append(_check("store", "fault", str(error)))
    finally:
        await store.close()
    return [*checks, await _server(url)]


def _disk(data: Path) -> Check:
    free = shutil.disk_usage(data).free
    return _check("disk", "fault" if free < LOW_DISK else "ok", f"{free / 1024**3:.1f} GB free in {data}")


async def _installation(store: Store, data: Place) -> AsyncIterator[Check]:
    configuration = await store.configuration()
    for check in _configured(configuration):
        yield check
    yield await _log(store, data)
    states = await store.states()
    for destination in configuration.destinations:
        if destination.paused_at is not None:
            unreachable = destination.paused_reason == UNREACHABLE
            how = "gets a probe an hour" if unreachable else "is paused"
            then = "try at once by" if unreachable else "then run"
            message = f"{destination.name} {how}: {destination.paused_message}; {then} 'plaudit apply'"
            if destination.paused_reason == BY_HAND:
                message = (
                    f"{destination.name} is paused by hand: {destination.paused_message}; resume it there"
                )
            yield _check("destination", "fault", message)
        counts = states.get(destination.name, {})
        said = (
            ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no invitations yet"
        )
        yield _check("ledger", "ok", f"{destination.name}: {said}")
        for state, meaning in MEANINGS.items():
            if counts.get(state):
                yield _check("ledger", "note", f"{destination.name}: {counts[state]} {state}: {meaning}")
        yield await _way_out(destination.type, destination.name, destination.settings)
    for each in await listed(store, destinations()):
        yield _definition(each)


def _definition(each: Listed) -> Check:
    """An audience or a trait."""
    if each.fault:
        return _check(each.kind, "fault", f"{each.name} is not evaluated: {each.fault}")
    stuck = [f"{sync.failed:,} calls to {sync.destination}" for sync in each.syncs if sync.failed]
    if stuck:
        message = f"{each.name}: {' and '.join(stuck)} failed: see 'plaudit invitations --calls'"
        return _check(each.kind, "note", message)
    return _check(each.kind, "ok", f"{each.name}: {each.state}, {each.size:,} in it")


def _configured(configuration: Configuration) -> list[Check]:
    if not configuration.sources:
        return [
            _check("configuration", "fault", "no source: apply a configuration with 'plaudit apply FILE'")
        ]
    if not configuration.connections:
        return [
            _check("configuration", "fault", "no destination has a source, so no order makes an invitation")
        ]
    names = ", ".join(source.name for source in configuration.sources)
    return [
        _check(
            "configuration",
            "ok",
            f"sources: {names}; destinations: {', '.join(d.name for d in configuration.destinations)}",
        )
    ]


async def _log(store: Store, place: Place) -> Check:
    try:
        log = open_log(place)
    except PlauditError as error:
        return _check("log", "note", str(error))
    waiting, older = 0, False
    try:
        for partition in range(log.partitions):
            behind = await log.head(partition) - await store.cursor(partition)
            waiting, older = waiting + max(behind, 0), older or behind < 0
    except PlauditError as error:
        return _check("log", "fault", str(error))
    finally:
        await log.close()
    if older:
        return _check(
            "log", "note", "the log is older than the store: 'plaudit serve' goes on after what was processed"
        )
    return _check("log", "ok" if waiting < 1000 else "note", f"requests that wait to be processed: {waiting}")


async def _way_out(type_: str, name: str, settings: dict[str, Any]) -> Check:
    """Would it work? Asked in the channel's own way, which has no effect; else whether its host is there."""
    kind = destinations()[type_]
    sender = Sender(kind, settings, transport_for(kind, settings), SystemClock())
    try:
        verdict = await sender.check()
    finally:
        await sender.close()
    if verdict is not None:
        later = verdict.outcome is Outcome.RETRY and verdict.fault is Fault.VENDOR
        result = "ok" if verdict.outcome is Outcome.ACCEPTED else "note" if later else "fault"
        return _check("settings", result, f"{name}: {verdict.message or verdict.reason}")
    base_url = kind.base_url(settings)
    try:
        endpoint = await resolve(base_url, allow_private=bool(settings.get("allow_private")))
    except (ResolveError, ForbiddenAddressError) as error:
        return _check("network", "fault", f"{name}: {error}")
    return _check("network", "ok", f"{name}: {base_url} is at {endpoint.addresses[0]}")


async def _server(url: str) -> Check:
    from pyreqwest.client import ClientBuilder
    from pyreqwest.exceptions import PyreqwestError

    try:
        async with ClientBuilder().no_proxy().build() as client:
            response = await client.get(f"{url.rstrip('/')}/readyz").build().send()
            faults = (await response.json()).get("faults", [])
    except (PyreqwestError, ValueError, AttributeError):
        return _check(
            "server", "note", f"none answers at {url}: start it with 'plaudit serve', or name it with --url"
        )
    if faults:
        return _check("server", "fault", "; ".join(faults))
    return _check("server", "ok", f"ready at {url}")


def _check(name: str, result: str, message: str) -> Check:
    return {"check": name, "result": result, "message": message}
