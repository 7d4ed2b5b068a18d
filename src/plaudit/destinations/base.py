"""The vocabulary of a destination: a declaration, and flows that do no I/O.

A `Destination` is data (settings, channels) and pure functions. A flow is a generator: it yields a
`Request`, receives the `Answer`, and returns a `Verdict`; whoever drives it does the I/O. Form,
validation and docs of the settings derive from the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from plaudit.spec.event import Event
from plaudit.spec.order import Order

Settings = Mapping[str, Any]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a destination's settings."""

    key: str
    label: str
    description: str
    type: type[str] | type[bool] = str
    required: bool = False
    secret: bool = False  # sealed at rest, masked wherever it is shown
    default: str | bool | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""  # a value that does not match is refused, with `hint`
    hint: str = ""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request that a flow wants sent. The URL may hold a secret: show `shown` instead."""

    method: str
    url: str
    shown: str
    headers: dict[str, str]
    body: bytes


class Answer(msgspec.Struct, frozen=True):
    """What came back: status, headers with lower-case names, and the body's first 64 KB."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class State(StrEnum):
    """Where an invitation is in its life (docs/invitations.md draws it)."""

    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"
    BLOCKED = "blocked"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


# The states that wait for a person.
ATTENTION = (State.BLOCKED, State.FAILED, State.REFUSED, State.UNCERTAIN)


class Outcome(StrEnum):
    """What one attempt means for its invitation."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # it surely made no invitation, and may work later
    REFUSED = "refused"  # the data is bad: it will never work
    BLOCKED = "blocked"  # the settings are bad: nothing will work until they are mended
    UNCERTAIN = "uncertain"  # it may or may not have made an invitation


class Verdict(msgspec.Struct, frozen=True):
    """The outcome with its reason: a stable code, and a sentence for people (no secret, no address)."""

    outcome: Outcome
    reason: str = ""
    message: str = ""
    retry_after: float | None = None  # seconds that the vendor asked us to wait
    status: int = 0  # of the last answer; 0: none


Flow = Generator[Request, Answer, Verdict]


class Invitation(msgspec.Struct, frozen=True):
    """What a flow is given: the order, and what names this invitation for ever."""

    id: int
    order: Order


class Channel(msgspec.Struct, frozen=True):
    """One way of reaching the vendor: its flow, and whether sending twice is harmless there."""

    name: str
    description: str
    flow: Callable[[Invitation, Settings], Flow]
    default_base_url: str


class Decision(msgspec.Struct, frozen=True):
    """What a destination makes of an event: an order to invite for, or a disposition code why none."""

    code: str
    detail: str | None = None
    order: Order | None = None
    order_id: str | None = None


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of destination. `integrations_name` is how events name it in their `integrations` object."""

    type: str
    title: str
    integrations_name: str
    description: str
    decide: Callable[[Event], Decision]
    settings: tuple[Setting, ...]
    channels: tuple[Channel, ...]

    def setting(self, key: str) -> Setting | None:
        return next((s for s in self.settings if s.key == key), None)

    def channel(self, settings: Settings) -> Channel:
        """The channel that `settings` choose; they have been validated."""
        name = settings.get("channel") or self.channels[0].name
        return next(c for c in self.channels if c.name == name)

    def base_url(self, settings: Settings) -> str:
        return str(settings.get("base_url") or self.channel(settings).default_base_url).rstrip("/")
