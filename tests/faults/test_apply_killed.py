"""kill -9 while a configuration is applied: the old one is in place or the new one, whole, with its secrets."""

from __future__ import annotations

import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest

from plaudit import installation
from plaudit.destinations.catalog import destinations
from properties.forked import _CONTEXT, _plaudit

from . import THOROUGH, told

KILLS = 16 * max(THOROUGH, 1)
LONGEST = 0.015  # seconds that it works with the store, or less


def text(number: int) -> str:
    """All of it says which one it is."""
    parts = [f'[sources.shop]\nwrite_key = "key{number}"\n']
    parts += [
        f'[sources.{name}]\nwrite_key = "{name}{number}"\n[destinations.{name}]\ntype = "trustpilot"\n'
        f'sources = ["{name}"]\n[destinations.{name}.settings]\napi_key = "api{name}{number}"\n'
        for name in ("one", "two", "three")
    ]
    return "".join(parts)


def kill_at_work(process: BaseProcess, file: Path, seconds: float) -> None:
    """So long after it has begun with the store."""
    while process.is_alive() and not file.exists():
        time.sleep(0)
    time.sleep(seconds)
    process.kill()


async def test_killed_while_a_configuration_is_applied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, file, chance = tmp_path / "data", tmp_path / "plaudit.toml", Random(1)
    data.mkdir()
    store = installation.open_store(data, create=True)
    await store.close()
    now, version, tried = -1, 0, Counter[str]()
    for number in range(KILLS):
        file.write_text(text(number))
        words = ["apply", str(file), "--data", str(data)]
        process = _CONTEXT.Process(target=_plaudit, args=(words, str(tmp_path / "apply.log")))
        process.start()
        if number:  # the first one ends: it says that the command is right
            kill_at_work(process, data / "store.db-wal", chance.uniform(0, LONGEST))
        process.join(20)
        ended = process.exitcode == 0
        process.close()
        store = installation.open_store(data)
        found = await store.configuration()
        await store.close()
        keys = {source.write_key for source in found.sources} | {
            str(destination.settings["api_key"]) for destination in found.destinations
        }
        numbers = {int(key.lstrip("abcdefghijklmnopqrstuvwxyz")) for key in keys}
        assert len(numbers) == 1, "a part of a configuration"
        (new,) = numbers
        assert new in (now, number) and (not ended or new == number)
        assert (len(found.sources), len(found.destinations), len(found.connections)) == (4, 3, 6)
        assert (found.version > version) is (new != now)
        tried["the new one" if new == number else "the one before"] += 1
        now, version = new, found.version
        assert installation.exported(found).destinations.keys() == {"one", "two", "three"}
        assert destinations().keys() >= {found.destinations[0].type}
    told(capsys, f"{KILLS} configurations applied, killed at any time", tried)
