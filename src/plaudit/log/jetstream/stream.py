"""The stream, and what it and its servers must be, so that a 200 means: on a majority of disks.

Invariant: nothing is appended before all of it was looked at, once in the life of a process. A stream that is not
there is made; one that is there is never changed.

Whether servers sync is in no answer that an ordinary account gets. Their own word for it is in that of
`$SYS.REQ.SERVER.PING.JSZ`, which the system account can export to the log's account (docs/cluster.md). Where it is
not exported, the operator has to say `sync=always`, and that is then all there is to go by.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import msgspec
from nats.aio.msg import Msg

from plaudit.errors import ConfigError
from plaudit.log.jetstream.answers import Refused, Trouble, understood
from plaudit.log.jetstream.session import Session
from plaudit.log.jetstream.settings import Settings

API_SECONDS = 4.0
LOOK_SECONDS = PING_SECONDS = 1.0
DUPLICATES = (
    120  # seconds for which servers know a message again, in memory: an append goes on trying for a few
)
NOT_FOUND = 10059
IN_USE = 10058
EPOCH = 1_767_225_600  # 2026-01-01
_ASK = "$SYS.REQ.SERVER.PING.JSZ"
_LEAST = (2, 11)  # reads of many messages at once came with it


class _Config(msgspec.Struct):
    """The parts of a stream's configuration that the promises hang on."""

    subjects: list[str] = []
    num_replicas: int = 1
    storage: str = "file"
    retention: str = "limits"
    discard: str = "old"
    max_msgs: int = -1
    max_bytes: int = -1
    max_age: int = 0
    max_msgs_per_subject: int = -1
    no_ack: bool = False
    sealed: bool = False
    allow_direct: bool = False
    persist_mode: str = "default"
    republish: dict[str, Any] | None = None
    metadata: dict[str, str] = {}


class _Peer(msgspec.Struct):
    name: str = ""


class _Cluster(msgspec.Struct):
    leader: str = ""
    replicas: list[_Peer] = []


class State(msgspec.Struct):
    """How far a stream has come."""

    last_seq: int = 0


class Info(msgspec.Struct):
    """What JetStream says of a stream."""

    config: _Config
    state: State
    cluster: _Cluster | None = None


class _Durability(msgspec.Struct):
    sync_always: bool = False


class _JetStream(msgspec.Struct):
    disabled: bool = False
    config: _Durability = msgspec.field(default_factory=_Durability)


class _Ping(msgspec.Struct):
    server: _Peer = msgspec.field(default_factory=_Peer)
    data: _JetStream = msgspec.field(default_factory=_JetStream)


_decode_info = msgspec.json.Decoder(Info).decode
_decode_ping = msgspec.json.Decoder(_Ping).decode


async def info(session: Session, settings: Settings, seconds: float = API_SECONDS) -> Info:
    """What JetStream says of the stream. Raises `Refused`, `Trouble`."""
    subject = f"$JS.API.STREAM.INFO.{settings.stream}"
    return _decode_info(understood(await session.request(subject, seconds=seconds)).data)


async def prepare(session: Session, settings: Settings, partitions: int) -> None:
    """Make the stream if it is not there, and look at all that the promises hang on.

    Raises `ConfigError`: it must not be used, and why. `Trouble`: it could not be looked at now.
    """
    if session.version < _LEAST:
        found, least = (".".join(map(str, v)) for v in (session.version, _LEAST))
        raise ConfigError(f"the log needs NATS {least} or newer, and {session.server} is {found}")
    try:
        found_info = await _there(session, settings, partitions)
    except Refused as error:
        raise ConfigError(f"NATS does not give or make the stream {settings.stream}: {error}") from None
    _check(found_info.config, settings, partitions)
    if settings.sync != "lazy":
        await _check_sync(session, settings, found_info)


async def remake(session: Session, settings: Settings, partitions: int) -> None:
    """Make the stream anew if it has gone. Raises `Trouble`, `ConfigError`."""
    try:
        await _there(session, settings, partitions, LOOK_SECONDS)
    except Refused as error:
        raise ConfigError(f"NATS does not give or make the stream {settings.stream}: {error}") from None


async def _there(session: Session, settings: Settings, partitions: int, seconds: float = API_SECONDS) -> Info:
    try:
        return await info(session, settings, seconds)
    except Refused as error:
        if error.err_code != NOT_FOUND:
            raise
    wanted = msgspec.json.encode(_wanted(settings, partitions))
    try:
        subject = f"$JS.API.STREAM.CREATE.{settings.stream}"
        understood(await session.request(subject, wanted, seconds=API_SECONDS * 2))
    except Refused as error:
        if error.err_code != IN_USE:  # another process made it a moment ago
            raise
    return await info(session, settings)


def _wanted(settings: Settings, partitions: int) -> dict[str, Any]:
    """A new stream. It begins at the time, in 1/100 s, so that one that was lost and is made again goes on after it.

    So cursors and events' ids of the one before stay apart from those of the new one, at up to 100 messages a
    second on average over the life of the one before; past that, `first=` says where.
    """
    return {
        "name": settings.stream,
        "description": "Plaudit's log: accepted events",
        "subjects": [f"{settings.subjects}.events.*", f"{settings.subjects}.skipped"],
        "num_replicas": settings.replicas,
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "allow_direct": True,
        "duplicate_window": DUPLICATES * 1_000_000_000,
        "first_seq": settings.first or max(int((time.time() - EPOCH) * 100), 1),
        "republish": _republish(settings),
        "metadata": {"plaudit.partitions": str(partitions)},
    }


def _republish(settings: Settings) -> dict[str, Any]:
    """Readers that wait are told of a message as soon as it is stored."""
    return {
        "src": f"{settings.subjects}.events.*",
        "dest": f"{settings.subjects}.appended.{{{{wildcard(1)}}}}",
        "headers_only": True,
    }


def _check(config: _Config, settings: Settings, partitions: int) -> None:
    """Whether this stream keeps the promises. Raises `ConfigError`."""
    name = settings.stream
    if config.num_replicas < settings.replicas:
        raise ConfigError(
            f"the stream {name} has {_copies(config.num_replicas)}, so that one lost disk could lose accepted events:"
            f" raise it with 'nats stream edit {name} --replicas {settings.replicas}', or accept that with"
            f" replicas={config.num_replicas} in the log's URL"
        )
    if config.metadata.get("plaudit.partitions", str(partitions)) != str(partitions):
        there = config.metadata["plaudit.partitions"]
        raise ConfigError(
            f"the stream {name} was made for {there} partitions, and this process wants {partitions}"
        )
    limits = (config.max_msgs, config.max_bytes, config.max_msgs_per_subject)
    republished = config.republish or {}
    faults = {
        "storage must be file": config.storage != "file",
        "retention must be limits": config.retention != "limits",
        "max_age must be 0, Plaudit itself lets old events go": config.max_age != 0,
        "discard must be new, or old events would go unread": config.discard != "new" and max(limits) > 0,
        "max_msgs_per_subject must be unset": config.max_msgs_per_subject > 0,
        "no_ack must be off": config.no_ack,
        "it is sealed": config.sealed,
        "persist_mode must not be async": config.persist_mode == "async",
        "allow_direct must be on": not config.allow_direct,
        f"subjects must have {settings.subjects}.events.*": f"{settings.subjects}.events.*"
        not in config.subjects,
        f"republish must be to {settings.subjects}.appended.*": republished.get("dest")
        != _republish(settings)["dest"],
    }
    if wrong := [words for words, is_so in faults.items() if is_so]:
        raise ConfigError(f"the stream {name} cannot be used as it is: {'; '.join(wrong)}")


def _copies(count: int) -> str:
    return "one copy" if count == 1 else f"{count} copies"


async def _check_sync(session: Session, settings: Settings, found: Info) -> None:
    """Whether the servers sync before they acknowledge. Raises `ConfigError`."""
    cluster = found.cluster or _Cluster()
    peers = {cluster.leader, *(peer.name for peer in cluster.replicas)} - {""}
    answers = await _ask(session, peers)
    lazy = sorted(answer.server.name for answer in answers if not answer.data.config.sync_always)
    if lazy:
        raise ConfigError(
            f"the NATS server {lazy[0]} does not sync each write to its disk, so that a power failure could lose"
            " events that were answered with 200: set 'sync_interval: always' in its jetstream block, or accept that"
            " with sync=lazy in the log's URL"
        )
    seen = {answer.server.name for answer in answers}
    if settings.sync != "always" and (not seen or (peers and 2 * len(peers & seen) <= len(peers))):
        raise ConfigError(
            "it cannot be seen whether the NATS servers sync each write to their disks: export"
            f" {_ASK} from their system account to the log's account, or, if you know that all of them have"
            " 'sync_interval: always', say so with sync=always in the log's URL (or sync=lazy, if a power failure may"
            " lose events that were answered with 200)"
        )


async def _ask(session: Session, peers: set[str]) -> list[_Ping]:
    """What the servers say that can be asked, and answer in time. One that stands still is not waited for."""
    answers: list[_Ping] = []

    def whole(message: Msg) -> bool:
        try:
            answer = _decode_ping(message.data)
        except msgspec.DecodeError:
            return False  # an error of that server's
        if not answer.data.disabled:
            answers.append(answer)
        return peers <= {each.server.name for each in answers}

    with contextlib.suppress(Trouble):  # nobody may answer, or not all do
        await session.gather(_ASK, b"", whole, seconds=PING_SECONDS)
    return answers
