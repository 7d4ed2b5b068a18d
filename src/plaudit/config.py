"""Configuration as code: a TOML file of sources and destinations, read, checked and written.

`env:NAME` and `file:PATH` stand for secrets, so that a file can be shown to anybody. Every fault names its
place in the file and what exists; all faults are told at once.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from plaudit.definitions import DefinitionConfig, circles, definition_table, exist, not_there, read_definition
from plaudit.destinations.base import Destination
from plaudit.destinations.validate import validate
from plaudit.engage.definitions import Kind
from plaudit.errors import ConfigError
from plaudit.references import resolve

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SECTIONS = ("sources", "destinations", "audiences", "traits")
WRITE_KEY = re.compile(r"[A-Za-z0-9_-]{4,128}")


class SourceConfig(msgspec.Struct):
    write_key: str | None = None  # None: made when it is applied, and kept from then on


class DestinationConfig(msgspec.Struct):
    type: str
    sources: list[str]
    settings: dict[str, Any]


class Config(msgspec.Struct):
    """A whole configuration, with secrets in the clear."""

    sources: dict[str, SourceConfig] = {}
    destinations: dict[str, DestinationConfig] = {}
    audiences: dict[str, DefinitionConfig] = {}
    traits: dict[str, DefinitionConfig] = {}


class FaultsError(ConfigError):
    """Everything that is wrong with a configuration, one line each."""

    def __init__(self, where: str, faults: list[str]) -> None:
        super().__init__("\n".join(f"{where}: {fault}" for fault in faults))
        self.faults = faults


def load(path: Path, kinds: dict[str, Destination]) -> Config:
    """Raises `ConfigError`: no such file, no TOML. Raises `FaultsError`: what it says cannot be used."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None
    return parse(text, kinds, where=str(path), folder=path.parent)


def parse(
    text: str,
    kinds: dict[str, Destination],
    *,
    where: str = "configuration",
    folder: Path = Path(),
    known: dict[str, str] | None = None,
) -> Config:
    """See `load`. `file:` paths are relative to `folder`.

    With `known`, for text from afar: what `env:` names stand for, and neither this machine's environment nor its
    files are looked at.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}") from None
    except (RecursionError, ValueError):
        raise ConfigError(
            f"{where} cannot be read: something in it is nested too deeply, or is a number with too many digits"
        ) from None
    reader = _Reader(kinds, folder, known)
    config = reader.config(raw)
    if reader.faults:
        raise FaultsError(where, reader.faults)
    return config


def dump(config: Config, kinds: dict[str, Destination], *, secrets: bool) -> str:
    """The TOML of a configuration; without `secrets`, each is an `env:` name to be set."""
    sources = {
        name: {"write_key": source.write_key if secrets else _env(name, "write_key")}
        for name, source in config.sources.items()
    }
    destinations: dict[str, Any] = {}
    for name, destination in config.destinations.items():
        settings = {
            key: _env(name, key) if is_secret and not secrets else destination.settings[key]
            for key, (is_secret, default) in _declared(destination, kinds).items()
            if destination.settings.get(key) not in (None, default)
        }
        destinations[name] = {"type": destination.type, "sources": destination.sources, "settings": settings}
    whole: dict[str, Any] = {"sources": sources, "destinations": destinations}
    for section, _, found in sections(config):
        if found:
            whole[section] = {name: definition_table(name, each) for name, each in found.items()}
    return tomli_w.dumps(whole)


def sections(config: Config) -> list[tuple[str, Kind, dict[str, DefinitionConfig]]]:
    """(section, kind, what it has) of those that hold definitions."""
    return [("audiences", "audience", config.audiences), ("traits", "trait", config.traits)]


def secrets(config: Config, kinds: dict[str, Destination]) -> dict[str, str]:
    """What the `env:` names of `dump` stand for."""
    found = {_env(name, "write_key")[4:]: source.write_key or "" for name, source in config.sources.items()}
    for name, destination in config.destinations.items():
        for key, (is_secret, _) in _declared(destination, kinds).items():
            if is_secret and destination.settings.get(key) is not None:
                found[_env(name, key)[4:]] = str(destination.settings[key])
    return found


def _declared(destination: DestinationConfig, kinds: dict[str, Destination]) -> dict[str, tuple[bool, Any]]:
    """Whether each setting is a secret, and its default; of a kind that is not installed any more, all may be secrets."""
    kind = kinds.get(destination.type)
    if kind is None:
        return dict.fromkeys(destination.settings, (True, None))
    return {setting.key: (setting.secret, setting.default) for setting in kind.settings}


def _env(name: str, key: str) -> str:
    return "env:" + re.sub(r"[^A-Z0-9]", "_", f"{name}_{key}".upper())


class _Reader:
    """Turns raw TOML into a `Config`, and collects faults on the way."""

    def __init__(
        self, kinds: dict[str, Destination], folder: Path, known: dict[str, str] | None = None
    ) -> None:
        self._kinds = kinds
        self._folder = folder
        self._known = known
        self.faults: list[str] = []

    def config(self, raw: dict[str, Any]) -> Config:
        for key in raw:
            if key not in SECTIONS:
                there = [f"[{section}.NAME]" for section in SECTIONS]
                self.faults.append(
                    f"unknown section [{key}]: there are {', '.join(there[:-1])} and {there[-1]}"
                )
        config = Config()
        for name, table in self._tables(raw, "sources"):
            config.sources[name] = self._source(name, table)
        self._same_keys(config)
        for name, table in self._tables(raw, "destinations"):
            destination = self._destination(name, table, list(config.sources))
            if destination is not None:
                config.destinations[name] = destination
        self._same_secrets(config)
        for section, kind, into in sections(config):
            for name, table in self._tables(raw, section):
                found, faults = read_definition(
                    f"[{section}.{name}]", kind, name, table, list(config.destinations)
                )
                self.faults += faults
                if found is not None:
                    into[name] = found
        self.faults += [
            f"[traits.{name}]: there is [audiences.{name}] too; take another name for one of them"
            for name in config.traits
            if name in config.audiences
        ]
        self.faults += circles(config.audiences, config.traits)
        for name, destination in config.destinations.items():
            asks = self._kinds[destination.type].asks
            asked = asks(destination.settings).audiences if asks is not None else ()
            strangers = not_there(asked, config.audiences, raw.get("audiences"))
            self.faults += [f"[destinations.{name}.settings]: {fault}" for fault in strangers]
        return config

    def _tables(self, raw: dict[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
        tables = raw.get(section, {})
        if not isinstance(tables, dict):
            self.faults.append(f"[{section}] must be tables: [{section}.NAME]")
            return []
        found = []
        for name, table in tables.items():
            if not isinstance(table, dict):
                self.faults.append(f"[{section}] holds {name!r}, but must hold tables: [{section}.NAME]")
            elif not NAME.fullmatch(name):
                self.faults.append(
                    f"[{section}.{name}]: a name has letters, digits, - and _ only, at most 64"
                )
            else:
                found.append((name, table))
        return found

    def _source(self, name: str, table: dict[str, Any]) -> SourceConfig:
        where = f"[sources.{name}]"
        self._unknown(where, table, ["write_key"])
        key = self._secret(where, "write_key", table.get("write_key"))
        if key is not None and not (isinstance(key, str) and WRITE_KEY.fullmatch(key)):
            self.faults.append(f"{where}: write_key must be a string of 4 to 128 letters, digits, - or _")
            key = None
        return SourceConfig(key)

    def _same_secrets(self, config: Config) -> None:
        """Two destinations that lead to one account, with a source in common, would invite each of its orders twice."""
        first: dict[tuple[str, str, str], str] = {}
        for name, destination in config.destinations.items():
            for setting in self._kinds[destination.type].settings:
                value = destination.settings.get(setting.key)
                for source in destination.sources if setting.identity and value else ():
                    other = first.setdefault((source, setting.key, str(value)), name)
                    if other != name:
                        self.faults.append(
                            f"[destinations.{name}]: has the {setting.key} of [destinations.{other}] and the same source "
                            f"{source!r}, so each order would be invited twice; take one of them out"
                        )

    def _same_keys(self, config: Config) -> None:
        first: dict[str, str] = {}
        for name, source in config.sources.items():
            if source.write_key is None:
                continue
            if source.write_key in first:
                other = first[source.write_key]
                self.faults.append(
                    f"[sources.{name}]: has the same write_key as [sources.{other}]; each needs its own"
                )
            first.setdefault(source.write_key, name)

    def _destination(self, name: str, table: dict[str, Any], sources: list[str]) -> DestinationConfig | None:
        where = f"[destinations.{name}]"
        self._unknown(where, table, ["type", "sources", "settings"])
        type_ = table.get("type")
        if not isinstance(type_, str) or type_ not in self._kinds:
            said = "type is missing" if type_ is None else f"unknown type {type_!r}"
            self.faults.append(f"{where}: {said}; there is {', '.join(sorted(self._kinds))}")
            return None
        connected = table.get("sources", [])
        if not isinstance(connected, list) or not all(isinstance(s, str) for s in connected):
            self.faults.append(f'{where}: sources must be a list of names: sources = ["shop"]')
            connected = []
        for source in connected:
            if source not in sources:
                self.faults.append(f"{where}: no source is called {source!r}; {exist(source, sources)}")
        given = table.get("settings", {})
        if not isinstance(given, dict):
            self.faults.append(f"{where}: settings must be a table: [destinations.{name}.settings]")
            given = {}
        before = len(self.faults)
        read = {
            key: self._secret(f"[destinations.{name}.settings]", key, value) for key, value in given.items()
        }
        if len(self.faults) > before:
            return None
        settings, faults = validate(self._kinds[type_], read)
        self.faults += [f"[destinations.{name}.settings]: {fault}" for fault in faults]
        return DestinationConfig(type_, list(dict.fromkeys(connected)), settings)

    def _unknown(self, where: str, table: dict[str, Any], known: list[str]) -> None:
        for key in table:
            if key not in known:
                self.faults.append(f"{where}: unknown key {key!r}; {exist(key, known)}")

    def _secret(self, where: str, key: str, value: Any) -> Any:
        """The value, or what an `env:` or `file:` in its place leads to."""
        found, fault = resolve(key, value, self._folder, self._known)
        if fault:
            self.faults.append(f"{where}: {fault}")
        return found
