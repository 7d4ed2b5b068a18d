"""What NATS answers: content, a status, or no; and what kind of no that is.

`Trouble` passes by itself, so that trying again is right. `Refused` does not.
"""

from __future__ import annotations

import msgspec
from nats.aio.msg import Msg


class Trouble(Exception):  # noqa: N818 - it is nobody's error: the server is away, or slow, or has no leader
    """No answer, for a reason that may pass. The message says which."""


class Stuck(Trouble):
    """Nothing came in time. `heard`: the server said other things meanwhile."""

    def __init__(self, message: str, *, heard: bool) -> None:
        super().__init__(message)
        self.heard = heard


class _Refusal(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class Answer(msgspec.Struct):
    """What every answer of the JetStream API may have."""

    error: _Refusal | None = None


class Refused(Exception):  # noqa: N818 - what it means is decided where it is known
    """JetStream says no."""

    def __init__(self, refusal: _Refusal) -> None:
        super().__init__(refusal.description)
        self.code, self.err_code = refusal.code, refusal.err_code


_decode_answer = msgspec.json.Decoder(Answer).decode
_PASSING = frozenset((10158,))  # the same message is being stored at this moment
_LASTING = frozenset(
    (10023, 10076, 10039, 10077)
)  # resources, JetStream off, off for this account, store failed


def status(message: Msg) -> int:
    """The status in a message's first header line; 0 for a message with content."""
    return int(message.headers.get("Status", "0")) if message.headers else 0


def understood(message: Msg) -> Msg:
    """An answer that is no refusal. Raises `Refused`, or `Trouble` for what passes by itself."""
    error = _decode_answer(message.data).error
    if error is None:
        return message
    passing = error.code in (429, 503) or error.err_code in _PASSING
    if passing and error.err_code not in _LASTING:
        raise Trouble(f"NATS says: {error.description}")
    raise Refused(error)
