"""What npm installs is pinned to the byte, and the lock says nothing of where it was found."""

from __future__ import annotations

import json
import re

from .needs import HERE

LOCK = json.loads((HERE / "package-lock.json").read_text())


def test_versions_are_exact_and_locked() -> None:
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: LOCK["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_lock_has_hashes_and_no_addresses() -> None:
    packages = [package for place, package in LOCK["packages"].items() if place]
    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)
