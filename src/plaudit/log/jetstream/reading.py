"""What is asked of the stream by those who read it. Each is one question, on one connection.

Many messages at once come from any server that has a copy, which may be a moment behind; one at a time, from the
leader. Raises `Trouble` and `Refused`, all of them.
"""

from __future__ import annotations

import asyncio

import msgspec
from nats.aio.msg import Msg

from plaudit.log.jetstream.answers import Answer, Refused, Trouble, status, understood
from plaudit.log.jetstream.session import Session
from plaudit.log.jetstream.settings import Settings

Found = tuple[int, bytes]  # (position, an encoded entry; empty where positions were skipped)
BYTES = 4 * 1024 * 1024  # in one answer, more or less
_NOT_FOUND = 10037
_END, _NONE = 204, 404
_SEQUENCE, _BEFORE = "Nats-Sequence", "Nats-Last-Sequence"


class _Message(msgspec.Struct):
    seq: int


class _Got(Answer):
    message: _Message | None = None


_decode_got = msgspec.json.Decoder(_Got).decode


async def nothing(session: Session, seconds: float) -> Session:
    """For those who want a connection and no more."""
    del seconds
    return session


async def batch(
    session: Session, settings: Settings, partition: int, after: int, limit: int, seconds: float
) -> list[Found]:
    """Messages of a partition after a position, in order: up to `limit`, fewer if they are long."""
    question = {
        "seq": after + 1,
        "next_by_subj": f"{settings.subjects}.events.{partition}",
        "batch": limit,
        "max_bytes": BYTES,
    }
    subject = f"$JS.API.DIRECT.GET.{settings.stream}"
    *messages, end = await session.gather(subject, msgspec.json.encode(question), _last, seconds=seconds)
    if status(end) == _NONE:
        return []
    if status(end) != _END:
        raise Trouble(f"NATS says: {(end.headers or {}).get('Description', 'no')}")
    before = 0
    for message in [*messages, end]:  # each names the one before it, so that none can be missing
        if int((message.headers or {}).get(_BEFORE, "-1")) != before:
            raise Trouble("an answer of NATS had a gap")
        before = position(message)
    return [(position(message), message.data) for message in messages]


def _last(message: Msg) -> bool:
    return status(message) != 0


def position(message: Msg) -> int:
    """Where a message stands, as its headers say; 0: they do not."""
    return int((message.headers or {}).get(_SEQUENCE, "0"))


async def following(session: Session, settings: Settings, partition: int, after: int, seconds: float) -> int:
    """The position of the first message after one, as the leader has it; 0: there is none."""
    subject = f"{settings.subjects}.events.{partition}"
    return await _ask(session, settings, {"seq": after + 1, "next_by_subj": subject}, seconds)


async def last(session: Session, settings: Settings, partition: int, seconds: float) -> int:
    """The position of the newest message; 0: there was never one."""
    subject = f"{settings.subjects}.events.{partition}"
    return await _ask(session, settings, {"last_by_subj": subject}, seconds)


async def _ask(session: Session, settings: Settings, question: dict[str, object], seconds: float) -> int:
    subject = f"$JS.API.STREAM.MSG.GET.{settings.stream}"
    answer = await session.request(subject, msgspec.json.encode(question), seconds=seconds)
    try:
        message = _decode_got(understood(answer).data).message
    except Refused as error:
        if error.err_code == _NOT_FOUND:
            return 0
        raise
    return message.seq if message else 0


async def told(session: Session, settings: Settings, partition: int) -> asyncio.Future[Msg]:
    """Done when the next message of a partition is stored. It may be missed where the leader changes."""
    return await session.once(f"{settings.subjects}.appended.{partition}")
