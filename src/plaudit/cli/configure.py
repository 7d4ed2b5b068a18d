"""`plaudit apply`, `validate`, `export`: configuration as code."""

from __future__ import annotations

from typing import Annotated

import typer

from plaudit.cli.options import DATA, Data, File
from plaudit.cli.output import run, say


def validate(file: File) -> None:
    """Check a configuration file."""
    from plaudit.config import load
    from plaudit.destinations.catalog import destinations

    config = load(file, destinations())
    say(
        f"{file} is good: {_count(len(config.sources), 'source')}, {_count(len(config.destinations), 'destination')}"
    )
    for name, destination in config.destinations.items():
        if not destination.sources:
            say(f"  note: [destinations.{name}] has no sources, so nothing goes there")
    for name in config.sources:
        if not any(name in destination.sources for destination in config.destinations.values()):
            say(f"  note: [sources.{name}] is connected to no destination, so its orders make no invitations")


def apply(file: File, data: Data = DATA) -> None:
    """Put a configuration file in place.

    A running server follows within a second.
    """
    from plaudit import installation
    from plaudit.clock import SystemClock
    from plaudit.config import load
    from plaudit.destinations.catalog import destinations
    from plaudit.manage.configuring import said
    from plaudit.store.access import COMMAND

    config = load(file, destinations())

    async def main() -> None:
        store = installation.open_store(data, create=True)
        try:
            there = await installation.readable(store)
            before = {destination.name for destination in there.destinations} if there else set()
            now = SystemClock().now()
            await store.access.record(COMMAND, "apply", "configuration", said(config), now)
            configuration = await installation.apply(store, config, now)
            ledger = await store.states()
        finally:
            await store.close()
        say(f"applied {file} to {data}")
        for name in sorted(before - set(config.destinations)):
            kept = sum(ledger.get(name, {}).values())
            say(f"  destination {name} is taken out; its {_count(kept, 'invitation')} stay in the ledger")
        for source in configuration.sources:
            made = config.sources[source.name].write_key is None
            say(f"  source {source.name}" + (f", write key {source.write_key}" if made else ""))
        for destination in configuration.destinations:
            new = ", new: its ledger is its own" if before and destination.name not in before else ""
            say(f"  destination {destination.name} ({destination.type}){new}")

    run(main)


def export(
    data: Data = DATA,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Show secrets in the clear, not as env: names.")
    ] = False,
) -> None:
    """Print the configuration in place, as a file."""
    from plaudit import installation
    from plaudit.clock import SystemClock
    from plaudit.config import dump
    from plaudit.destinations.catalog import destinations
    from plaudit.store.access import COMMAND

    async def main() -> None:
        store = installation.open_store(data)
        try:
            if secrets:
                await store.access.record(COMMAND, "export_secrets", "configuration", "", SystemClock().now())
            configuration = await store.configuration()
        finally:
            await store.close()
        say(dump(installation.exported(configuration), destinations(), secrets=secrets).rstrip())

    run(main)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
