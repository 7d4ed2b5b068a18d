"""What a log's URL says. A URL and an environment in, settings out; files are looked at when they are used.

    nats://[user:password@|token@]host:4222[,host:4222…][?stream=NAME&replicas=3&sync=always|lazy&first=N
        &creds=FILE&nkey=FILE&ca=FILE&cert=FILE&key=FILE]

`tls://` asks for TLS; with `nats://` it is used where the server requires it. Invariant: no password and no token
is in any message, nor in what `repr` shows.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from plaudit.errors import ConfigError

_SCHEMES = ("nats", "tls")
_FILES = ("creds", "nkey", "ca", "cert", "key")
_KNOWN = ("stream", "replicas", "sync", "first", *_FILES)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USER, _PASSWORD, _TOKEN = "PLAUDIT_LOG_USER", "PLAUDIT_LOG_PASSWORD", "PLAUDIT_LOG_TOKEN"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log is, who asks, and what it must be."""

    servers: tuple[str, ...]  # each nats://host:port or tls://host:port, without who asks
    stream: str = "PLAUDIT"
    replicas: int = 3
    sync: str = ""  # '': seen with our eyes; 'always': the operator's word for it; 'lazy': accepted
    first: int = 0  # where a new stream begins; 0: after all streams before it
    user: str = ""
    password: str = ""
    token: str = ""
    creds: str = ""
    nkey: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""

    @property
    def subjects(self) -> str:
        """What the names of its subjects begin with."""
        return self.stream.lower()

    @property
    def where(self) -> str:
        """For people."""
        return ", ".join(server.partition("://")[2] for server in self.servers)

    def __repr__(self) -> str:
        return f"Settings({self.where}, {self.stream})"


def parse(url: str, environment: Mapping[str, str]) -> Settings:
    """Read a log's URL. Raises `ConfigError`: what is wrong with it, without its secrets."""
    split = urlsplit(url)
    if split.scheme not in _SCHEMES or not split.netloc or split.path.strip("/"):
        raise ConfigError("the log's URL must look like nats://host:4222,host:4222?replicas=3")
    said = dict(parse_qsl(split.query, keep_blank_values=True))
    if unknown := sorted(set(said) - set(_KNOWN)):
        raise ConfigError(f"the log's URL has no parameter '{unknown[0]}': it may have {', '.join(_KNOWN)}")
    if not _NAME.fullmatch(said.get("stream", "PLAUDIT")):
        raise ConfigError("the log's stream=NAME may have letters, digits, '-' and '_'")
    if said.get("sync", "always") not in ("always", "lazy"):
        raise ConfigError("the log's sync=… must be 'always' or 'lazy'")
    return Settings(
        servers=tuple(_server(split.scheme, part) for part in split.netloc.split(",")),
        stream=said.get("stream", "PLAUDIT"),
        replicas=_number(said, "replicas", 3, 5),
        sync=said.get("sync", ""),
        first=_number(said, "first", 0, 1 << 40),
        **_who(split.netloc, environment),
        **{name: said.get(name, "") for name in _FILES},
    )


def _server(scheme: str, part: str) -> str:
    """One server's address. A part may repeat the scheme and who asks."""
    place = part.rpartition("@")[2].removesuffix("/")
    try:
        split = urlsplit(f"{scheme}://{place}")
        host, port = split.hostname, split.port or 4222
    except ValueError:
        host, port = None, 0
    if not host:
        raise ConfigError(f"the log's URL has a server '{place}', which is no host:port")
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _who(netloc: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Who asks: as the URL says, or else as the environment says."""
    for part in netloc.split(","):
        info, there, _ = part.rpartition("@")
        if there:
            user, both, password = info.partition(":")
            return (
                {"user": unquote(user), "password": unquote(password)} if both else {"token": unquote(user)}
            )
    return {
        "user": environment.get(_USER, ""),
        "password": environment.get(_PASSWORD, ""),
        "token": environment.get(_TOKEN, ""),
    }


def _number(said: dict[str, str], name: str, default: int, most: int) -> int:
    text = said.get(name, str(default))
    least = 0 if name == "first" else 1
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ConfigError(f"the log's {name}=… must be a number from {least} to {most}")
    return int(text)


def look_for_keys(said: Settings) -> None:
    """Raises `ConfigError`: a file with keys is not there, or may not be read."""
    for name in filter(None, (said.creds, said.nkey)):
        try:
            Path(name).open("rb").close()
        except OSError as error:
            raise ConfigError(f"the log's keys cannot be read: {name}: {error.strerror}") from None


def tls(said: Settings) -> ssl.SSLContext:
    """What TLS goes by. Raises `ConfigError`: a file of it cannot be used."""
    try:
        context = ssl.create_default_context(cafile=said.ca or None)
        if said.cert:
            context.load_cert_chain(said.cert, said.key or None)
    except OSError as error:  # ssl.SSLError among them
        raise ConfigError(f"the log's certificates cannot be used: {error.strerror or error}") from None
    return context
