"""Where an installation is, and the ways in: its store, its log, its configuration.

Embedded, that is a directory with two files. In a cluster the store is a PostgreSQL database and the log a
JetStream stream, which many processes share.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import IO

import msgspec

from plaudit import config as files
from plaudit.clock import write_key
from plaudit.config import Config
from plaudit.definitions import DefinitionConfig
from plaudit.engage.definitions import Kind
from plaudit.errors import DataError, InUseError, UsageError
from plaudit.log.base import Log
from plaudit.log.sqlite import SqliteLog
from plaudit.secrets import vault
from plaudit.store.base import Configuration, Store, Wanted, WantedDefinition
from plaudit.store.sqlite import SqliteStore

DATA = Path("plaudit-data")
STORES = ("postgresql://", "postgres://")
LOGS = ("nats://", "tls://")


class Place(msgspec.Struct, frozen=True):
    """A directory; or the URL of a store, and of the log that goes with it."""

    data: Path = DATA
    store: str = ""
    log: str = ""

    @property
    def shared(self) -> bool:
        """Whether it is a cluster's."""
        return bool(self.store)

    def __str__(self) -> str:
        """For people: without the password of a URL."""
        if not self.store:
            return str(self.data)
        scheme, _, rest = self.store.partition("?")[0].partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"


def place(written: str) -> Place:
    """A place as `--data DIR` or `--store URL` names it. The log's URL is PLAUDIT_LOG's, where one is needed."""
    if "://" not in written:
        return Place(Path(written))
    return checked(Place(store=written, log=os.environ.get("PLAUDIT_LOG", "")), log=False)


def checked(where: Place, *, log: bool = True) -> Place:
    """The place, if its URLs can be. Raises `UsageError`."""
    if where.store and not where.store.startswith(STORES):
        raise UsageError(
            f"--store must look like postgresql://user@host/database, not {Place(store=where.store)}"
        )
    if where.log and not where.log.startswith(LOGS):
        raise UsageError("--log must look like nats://host:4222")
    if log and bool(where.store) != bool(where.log):
        raise UsageError(
            "--store and --log go together: several machines share both, or one machine has files"
        )
    return where


def installed(where: Place | Path) -> bool:
    """Whether there is an installation."""
    where = _place(where)
    return where.shared or (where.data / "store.db").exists()


def open_store(where: Place | Path, *, create: bool = False) -> Store:
    """The store of an installation. Raises `DataError`: there is none."""
    where = _place(where)
    if not create and not installed(where):
        raise DataError(
            f"there is no installation in {where.data}: name its directory with --data, or make one with 'plaudit serve'"
        )
    if where.shared and not (os.environ.get("PLAUDIT_SECRET_KEY") or (where.data / "secret.key").exists()):
        raise DataError(
            "set PLAUDIT_SECRET_KEY, the same for every process that shares the store: it seals keys and settings "
            "(make one by: openssl rand -base64 32)"
        )
    if where.shared:
        try:
            from plaudit.store.postgres import PostgresStore  # noqa: PLC0415 - an extra
        except ImportError:
            raise DataError("for a PostgreSQL store install plaudit[cluster]") from None
        return PostgresStore(where.store, vault(where.data))
    _directory(where.data)
    if create:
        _stayed(where.data)
    return SqliteStore(where.data / "store.db", vault(where.data))


def open_log(where: Place | Path, *, quiet: float = 0.1) -> Log:
    """The log of an installation. `quiet`: s between two looks for what other processes append to a file."""
    where = _place(where)
    if not where.shared:
        _stayed(where.data)
        return SqliteLog(where.data / "log.db", quiet=quiet)
    if not where.log:
        raise UsageError("name the log with PLAUDIT_LOG, such as nats://host:4222")
    try:
        from plaudit.log.jetstream import JetStreamLog  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataError("for a JetStream log install plaudit[cluster]") from None
    return JetStreamLog(where.log)


def _place(where: Place | Path) -> Place:
    return where if isinstance(where, Place) else Place(where)


def _stayed(data: Path) -> None:
    """Raises `DataError`: it has moved to a cluster, and both of them would invite."""
    with contextlib.suppress(FileNotFoundError):
        moved = msgspec.json.decode((data / "moved.json").read_bytes())
        if moved["done"]:
            raise DataError(
                f"this installation has moved to {moved['to']}: name that one with --store and --log"
                f" (only if that one is given up for good: remove {data / 'moved.json'})"
            )


def _directory(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DataError(f"cannot make the directory {data}: {error.strerror}") from None


def lock(data: Path, role: str) -> IO[bytes]:
    """Hold a role on the data directory for this process. Raises `InUseError`."""
    _directory(data)
    try:
        file = (data / f"{role}.lock").open("ab")
    except OSError as error:
        raise DataError(f"cannot use {data}: {error.strerror}") from None
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    file.close()
    raise InUseError(
        f"another 'plaudit serve' works on {data} (role {role}): stop it, choose another --data, or another --role"
    )


async def readable(store: Store) -> Configuration | None:
    """The configuration in place; None when the key that it was sealed with is lost, which applying one mends."""
    try:
        return await store.configuration()
    except DataError:
        return None


async def apply(store: Store, config: Config, now: int) -> Configuration:
    """Put a configuration in place. A source without a write key keeps the one it has, or gets a new one."""
    now_there = await readable(store)
    known = {source.name: source.write_key for source in now_there.sources} if now_there else {}
    return await store.apply(
        Wanted(
            sources={
                name: s.write_key or known.get(name) or write_key() for name, s in config.sources.items()
            },
            destinations={name: (d.type, d.settings, d.sources) for name, d in config.destinations.items()},
            definitions=[
                WantedDefinition(kind, name, d.name or name, d.query, d.options, d.enabled, d.destinations)
                for _, kind, found in files.sections(config)
                for name, d in found.items()
            ],
        ),
        now,
    )


def exported(configuration: Configuration) -> Config:
    """The configuration of an installation, as a file would say it."""
    names = {source.id: source.name for source in configuration.sources}
    return Config(
        sources={source.name: files.SourceConfig(source.write_key) for source in configuration.sources},
        destinations={
            d.name: files.DestinationConfig(
                d.type,
                sorted(names[s] for s, to in configuration.connections if to == d.id and s in names),
                d.settings,
            )
            for d in configuration.destinations
        },
        audiences=_exported(configuration, "audience"),
        traits=_exported(configuration, "trait"),
    )


def _exported(configuration: Configuration, kind: Kind) -> dict[str, DefinitionConfig]:
    names = {d.id: d.name for d in configuration.destinations}
    return {
        d.name: DefinitionConfig(
            d.title, d.query, sorted(names[to] for to in d.destinations if to in names), d.options, d.enabled
        )
        for d in configuration.definitions
        if d.kind == kind
    }
