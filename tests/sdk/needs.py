"""What must be on the machine: npm's packages, Chromium, curl. Missing: skipped with words, in CI a failure."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
_LOCK = HERE / "package-lock.json"
_STAMP = MODULES / ".plaudit-installed"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OLDEST_NODE = 20  # of @segment/analytics-node
SECONDS = 240  # for an install; below pytest's own limit, so that the reason is told


def missing(words: str) -> NoReturn:
    """Skip the test and say what it needs; in CI, where everything must run, fail."""
    if os.environ.get("CI"):
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


def node() -> str:
    """The path of a node that has the SDKs: package-lock.json is installed if it is not yet."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None or _major(found) < OLDEST_NODE:
        missing(f"needs node ({OLDEST_NODE} or newer) and npm")
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    with _LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs in one tree must not install into each other
        if not _STAMP.exists() or _STAMP.read_text() != wanted:
            problem = _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
            if problem:
                missing(f"needs tests/sdk/node_modules, but 'npm ci' failed: {problem}")
            _STAMP.write_text(wanted)
    return found


def chromium() -> str:
    """The path of Chromium; in CI it is installed from Debian when it is not there."""
    found = _browser()
    if found is None and os.environ.get("CI") and os.geteuid() == 0:
        install = ("apt-get", "install", "-y", "-q", "chromium")
        problem = _run(*install) and (_run("apt-get", "update", "-q") or _run(*install))
        if problem:
            missing(f"needs Chromium, but 'apt-get install chromium' failed: {problem}")
        found = _browser()
    if found is None:
        missing("needs Chromium: apt-get install chromium")
    return found


def curl() -> str:
    found = shutil.which("curl")
    if found is None:
        missing("needs curl: apt-get install curl")
    return found


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.strip().removeprefix("v").partition(".")[0])


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def _run(*command: str) -> str:
    """Nothing if the command succeeds, else its last words."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, cwd=HERE, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-2000:] or "no words"
