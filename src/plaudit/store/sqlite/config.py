"""The configuration's tables. Secrets are sealed here, bound to the name that they belong to."""

from __future__ import annotations

import apsw
import msgspec

from plaudit.queries import load
from plaudit.secrets import Vault
from plaudit.sqlite import rows, savepoint
from plaudit.store.base import Configuration, ConfiguredDestination, Inlet, Source, Wanted

SQL = load("plaudit.store", "sql", "sqlite", "config.sql")


def version(connection: apsw.Connection) -> int:
    return int(connection.execute(SQL["config_version"]).get)


def read(connection: apsw.Connection, vault: Vault) -> Configuration:
    with savepoint(connection):
        number = version(connection)
        sources = [
            Source(id_, name, vault.open(key, f"write key of {name}").decode())
            for id_, name, key in rows(connection, SQL["sources"])
        ]
        destinations = [
            ConfiguredDestination(
                id_, name, type_, msgspec.json.decode(vault.open(settings, f"settings of {name}")), *paused
            )
            for id_, name, type_, settings, *paused in rows(connection, SQL["destinations"])
        ]
        inlets = [Inlet(*row) for row in rows(connection, SQL["inlets"])]
        connections = list(rows(connection, SQL["connections"]))
    connections += [(inlet.id, inlet.destination_id) for inlet in inlets]
    return Configuration(number, sources, destinations, connections, inlets)


def touch(connection: apsw.Connection) -> None:
    """Have every process look at the configuration."""
    connection.execute(SQL["touch_config"])


def apply(connection: apsw.Connection, vault: Vault, wanted: Wanted, now: int) -> None:
    sources = {
        name: connection.execute(
            SQL["put_source"],
            {"name": name, "write_key": vault.seal(key.encode(), f"write key of {name}"), "now": now},
        ).get
        for name, key in wanted.sources.items()
    }
    connection.execute(SQL["retire_sources"], (msgspec.json.encode(list(sources)).decode(),))
    connection.execute(SQL["retire_destinations"], (msgspec.json.encode(list(wanted.destinations)).decode(),))
    connection.execute(SQL["drop_connections"])
    for name, (type_, settings, connected) in wanted.destinations.items():
        sealed = vault.seal(msgspec.json.encode(settings), f"settings of {name}")
        row = {"name": name, "type": type_, "settings": sealed, "now": now}
        destination_id = connection.execute(SQL["put_destination"], row).get
        inlet = {"name": f"segment/{name}", "destination_id": destination_id, "now": now}
        connection.execute(SQL["put_inlet"], inlet)
        for source in connected:
            connection.execute(SQL["connect"], (sources[source], destination_id))
    touch(connection)
