"""The configuration's tables. Secrets are sealed here, bound to the name that they belong to."""

from __future__ import annotations

import msgspec

from plaudit.secrets import Vault
from plaudit.store.base import Configuration, ConfiguredDestination, Inlet, Source, Wanted
from plaudit.store.postgres.sql import Connection, change, queries, rows, value

SQL = queries("config")


async def version(connection: Connection) -> int:
    return int(await value(connection, SQL["config_version"]))


async def read(connection: Connection, vault: Vault) -> Configuration:
    number = await version(connection)
    sources = [
        Source(id_, name, vault.open(key, f"write key of {name}").decode())
        for id_, name, key in await rows(connection, SQL["sources"])
    ]
    destinations = [
        ConfiguredDestination(
            id_, name, type_, msgspec.json.decode(vault.open(settings, f"settings of {name}")), *paused
        )
        for id_, name, type_, settings, *paused in await rows(connection, SQL["destinations"])
    ]
    inlets = [Inlet(*row) for row in await rows(connection, SQL["inlets"])]
    connections = [(source, to) for source, to in await rows(connection, SQL["connections"])]
    connections += [(inlet.id, inlet.destination_id) for inlet in inlets]
    return Configuration(number, sources, destinations, connections, inlets)


async def touch(connection: Connection) -> None:
    """Have every process look at the configuration."""
    await change(connection, SQL["touch_config"])


async def apply(connection: Connection, vault: Vault, wanted: Wanted, now: int) -> None:
    await rows(connection, SQL["lock_config"])
    sources: dict[str, int] = {}
    for name, key in wanted.sources.items():
        row = {"name": name, "write_key": vault.seal(key.encode(), f"write key of {name}"), "now": now}
        sources[name] = await value(connection, SQL["put_source"], row)
    await change(connection, SQL["retire_sources"], {"names": list(sources)})
    await change(connection, SQL["retire_destinations"], {"names": list(wanted.destinations)})
    await change(connection, SQL["drop_connections"])
    for name, (type_, settings, connected) in wanted.destinations.items():
        sealed = vault.seal(msgspec.json.encode(settings), f"settings of {name}")
        given = {"name": name, "type": type_, "settings": sealed, "now": now}
        destination_id = await value(connection, SQL["put_destination"], given)
        inlet = {"name": f"segment/{name}", "destination_id": destination_id, "now": now}
        await change(connection, SQL["put_inlet"], inlet)
        for source in connected:
            pair = {"source_id": sources[source], "destination_id": destination_id}
            await change(connection, SQL["connect"], pair)
    await touch(connection)
