"""The vocabulary of a destination: a declaration, and flows that do no I/O.

A `Destination` is data (settings, channels) and pure functions. A flow is a generator: it yields what it wants
done (a `Request`, a `Mail`, a token), receives the `Answer`, and returns a `Verdict`; whoever drives it does
the I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from enum import StrEnum
from typing import Any

import msgspec

from plaudit.destinations.settings import Setting, Settings
from plaudit.spec.cancellation import Cancellation
from plaudit.spec.event import Event
from plaudit.spec.order import Order


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request that a flow wants sent. The URL may hold a secret: show `shown` instead."""

    method: str
    url: str
    shown: str
    headers: dict[str, str]
    body: bytes


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mail that a flow wants sent by SMTP, to this one recipient. Without `html` only the login is tried."""

    recipient: str
    sender: str
    subject: str
    html: str


class WantToken(msgspec.Struct, frozen=True):
    """A flow wants an access token; with `refused`, another one than that. Its answer is a `str`."""

    refused: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What came back: status, headers with lower-case names, and the body's first 64 KB.

    To a `Mail`: the SMTP reply's code and text, and as the header `stage` how far the conversation had come.
    """

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class State(StrEnum):
    """Where a delivery is in its life (docs/invitations.md draws it)."""

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
    """What one attempt means for its delivery."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # it surely did nothing, and may work later
    REFUSED = "refused"  # the data is bad: it will never work
    BLOCKED = "blocked"  # the settings are bad: nothing will work until they are mended
    UNCERTAIN = "uncertain"  # it may or may not have done its work


class Fault(StrEnum):
    """Whose fault it is that an attempt must be repeated."""

    VENDOR = "vendor"
    OURS = "ours"  # the name does not resolve, no route: the vendor cannot know of it


class Verdict(msgspec.Struct, frozen=True):
    """The outcome with its reason: a stable code, and a sentence for people (no secret, no address)."""

    outcome: Outcome
    reason: str = ""
    message: str = ""
    retry_after: float | None = None  # seconds that the vendor asked us to wait
    status: int = 0  # of the last answer; 0: none
    fault: Fault = Fault.VENDOR


class Token(msgspec.Struct, frozen=True):
    """An access token, and for how many seconds it may be used."""

    value: str
    seconds: float


class What(StrEnum):
    """What a delivery tells the destination."""

    INVITATION = "invitation"  # its key is the order's id
    IDENTIFY = "identify"  # its key is the call's message id


class Draft(msgspec.Struct, frozen=True):
    """A delivery that a destination wants made. There is one per (destination, what, key), for ever."""

    what: What
    key: str
    order: Order | None = None
    call: bytes = b""  # the event as JSON, where the channel passes that on
    not_before: int = 0  # ms since 1970 UTC: held until then
    once_per: int = 0  # ms: none if the customer had an invitation this short a time before
    email: str = ""  # of whom a call is about, if it says so: an order has its customer's


class Delivery(msgspec.Struct, frozen=True):
    """What a flow is given: the draft's content, and the id that names it for ever."""

    id: int
    what: What = What.INVITATION
    order: Order | None = None
    call: bytes = b""
    now: int = 0  # ms: the time of this attempt, since flows have no clock; 0: not known


Wish = Request | Mail | WantToken
Flow = Generator[Wish, Any, Verdict]
# A verdict for each delivery, in their order; or one on the page as a whole.
PageFlow = Generator[Wish, Any, list[Verdict] | Verdict]
TokenFlow = Generator[Request, Answer, Token | Verdict]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One way of reaching the vendor."""

    name: str
    description: str
    flow: Callable[[Delivery, Settings], Flow]
    default_base_url: str = ""  # none: `base_url` is required, or the channel is no HTTP
    carries: frozenset[What] = frozenset({What.INVITATION})
    passes_on: bool = False  # it sends the event itself
    dedupes: bool = False  # sending twice is known to be harmless there: an uncertain attempt is repeated
    rate: int = 0  # the most requests a minute unless the settings say otherwise; 0: no limit is known
    page: Callable[[list[Delivery], Settings], PageFlow] | None = None  # for backlogs
    page_size: int = 20
    token: Callable[[Settings], TokenFlow] | None = None  # what answers a `WantToken`
    check: Callable[[Settings], Flow] | None = None  # whether the settings work, with no other effect
    forget: Callable[[list[str], Settings], Flow] | None = (
        None  # delete what the vendor has of these addresses
    )


class Asked(msgspec.Struct, frozen=True):
    """What settings want to know of customers beside the event. `audiences`: by name in the configuration, or by key."""

    traits: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.traits or self.audiences)


class Decision(msgspec.Struct, frozen=True):
    """What a destination makes of an event: something to deliver, to cancel, or a disposition code why neither."""

    code: str
    detail: str | None = None
    draft: Draft | None = None
    cancellation: Cancellation | None = None
    order_id: str | None = None


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of destination. `integrations_name` is how events name it in their `integrations` object."""

    type: str
    title: str
    integrations_name: str
    description: str
    decide: Callable[[Event, Settings], Decision]
    settings: tuple[Setting, ...]
    channels: tuple[Channel, ...]
    examine: Callable[[Settings], list[str]] | None = None  # faults that no single setting shows
    asks: Callable[[Settings], Asked] | None = (
        None  # what `decide` finds of orders' customers in `Event.customer`
    )

    def setting(self, key: str) -> Setting | None:
        return next((s for s in self.settings if s.key == key), None)

    def channel(self, settings: Settings) -> Channel:
        """The channel that `settings` choose; they have been validated."""
        name = settings.get("channel") or self.channels[0].name
        return next(c for c in self.channels if c.name == name)

    def base_url(self, settings: Settings) -> str:
        return str(settings.get("base_url") or self.channel(settings).default_base_url).rstrip("/")

    def resends(self, settings: Settings) -> bool:
        """Whether an uncertain attempt is repeated rather than held for a person."""
        policy = settings.get("uncertain")
        return self.channel(settings).dedupes if policy is None else policy == "resend"
