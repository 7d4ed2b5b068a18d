"""What the sandbox was sent: one record per (key, reference), one per call, and counts of everything.

Channels translate their own wire format into `Received` and `Call`; this module knows none of them. Records
are bounded (the oldest go), counts are not: they run until `clear`. A reference that was dropped for age and
comes again counts as new.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal, TypeVar

import msgspec

from plaudit.clock import Clock, SystemClock

KEEP = 200_000

V = TypeVar("V")
Count = Literal["tokens", "over_rate", "unsent"]


class Wishes(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the richer channels say of the mail itself. Times are as they were sent: UTC, without an offset.

    `invites` are the kinds of review asked for, `service` and `product`. `note` is what the vendor would not
    say: why no mail will come of it.
    """

    invites: tuple[str, ...] = ()
    locale: str = ""
    template_id: str = ""
    product_template_id: str = ""
    tags: tuple[str, ...] = ()
    preferred_send_time: str = ""
    product_preferred_send_time: str = ""
    sender_email: str = ""
    sender_name: str = ""
    reply_to: str = ""
    redirect_uri: str = ""
    product_redirect_uri: str = ""
    location_id: str = ""
    note: str = ""


NO_WISHES = Wishes()


class Received(msgspec.Struct, frozen=True, gc=False):
    """An invitation as any channel sends it.

    `products` is the JSON array, empty when there are none: one bytes object is smaller than its parts, and
    most records are never looked at. `wishes` is one object for all that have none, for the same reason.
    """

    channel: str
    key: str
    reference_id: str
    recipient_email: str
    recipient_name: str
    source: str = ""
    total_cost: str | int | float | None = None
    currency: str = ""
    products: bytes = b""
    wishes: Wishes = NO_WISHES


def as_products(items: Sequence[object] | None, skus: Sequence[str] | None) -> bytes:
    """The products as `Received` has them; of bare SKUs no more is known."""
    known = items or [{"sku": sku} for sku in skus or ()]
    return msgspec.json.encode(known) if known else b""


class Record(msgspec.Struct):
    """One reference of one key. `received_at` is its first arrival in milliseconds, `answer` the last one."""

    received: Received
    received_at: int
    posts: int = 0
    accepted: int = 0
    updates: int = 0
    answer: str = ""


class Call(msgspec.Struct):
    """One call about a person, known by its message id. `traits`, `context` and `properties` are JSON objects.

    `event` is the name of a track call, such as Audience Entered.
    """

    channel: str
    key: str
    type: str
    message_id: str
    user_id: str
    anonymous_id: str
    traits: bytes
    context: bytes
    event: str = ""
    properties: bytes = b"{}"
    received_at: int = 0
    posts: int = 0
    accepted: int = 0
    answer: str = ""


class Stats(msgspec.Struct):
    """`invitations`, `accepted` and `twice` count references, not posts: 20,000 orders make 20,000.

    `calls` and `repeated` count message ids that were accepted, and again; `tokens` those that were given
    out, `over_rate` calls beyond the vendor's recommended rate, `unsent` accepted posts that the vendor would
    drop in silence, `forgotten` records that were deleted on request.
    """

    requests: int = 0
    invitations: int = 0
    accepted: int = 0
    twice: int = 0
    updates: int = 0
    log_calls: int = 0
    kept: int = 0
    by_status: dict[str, int] = msgspec.field(default_factory=Counter)
    calls: int = 0
    repeated: int = 0
    tokens: int = 0
    over_rate: int = 0
    unsent: int = 0
    forgotten: int = 0


class Recorder:
    """Everything that was received, newest last."""

    def __init__(self, clock: Clock | None = None, keep: int = KEEP) -> None:
        self._clock = clock or SystemClock()
        self._keep = keep
        self._records: OrderedDict[tuple[str, str], Record] = OrderedDict()
        self._calls: OrderedDict[tuple[str, str], Call] = OrderedDict()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._stats = Stats()
        self.revision = 0

    def post(self, received: Received, answer: str, *, accepted: bool) -> None:
        """A well-formed invitation came and was given this answer."""
        record = self._record(received)
        record.posts += 1
        record.accepted += accepted
        record.received = received
        record.answer = answer
        self._stats.invitations += record.posts == 1
        self._stats.accepted += accepted and record.accepted == 1
        self._stats.twice += accepted and record.accepted == 2

    def update(self, received: Received, answer: str) -> None:
        """Information about an order came: shown, but no invitation."""
        record = self._record(received)
        record.updates += 1
        record.answer = record.answer or answer
        self._stats.updates += 1

    def call(self, call: Call, answer: str, *, accepted: bool) -> None:
        """A well-formed call about a person came and was given this answer."""
        at = (call.key, call.message_id)
        kept = self._calls.get(at)
        if kept is None:
            call.received_at = self._clock.now()
            kept = _put(self._calls, at, call, self._keep)
        kept.posts += 1
        kept.accepted += accepted
        kept.answer = answer
        self._stats.calls += accepted

    def repeats(self, key: str, message_id: str) -> bool:
        """Whether this message id was accepted before; counted if so."""
        found = (key, message_id) in self._seen
        self._stats.repeated += found
        return found

    def remember(self, key: str, message_id: str) -> None:
        """A message id was accepted."""
        _put(self._seen, (key, message_id), None, self._keep)

    def forget(self, key: str, unwanted: Callable[[Record], bool]) -> int:
        """Delete the key's records that are unwanted; how many there were."""
        found = [at for at, record in self._records.items() if at[0] == key and unwanted(record)]
        for at in found:
            del self._records[at]
        self._stats.forgotten += len(found)
        return len(found)

    def count(self, what: Count) -> None:
        setattr(self._stats, what, getattr(self._stats, what) + 1)

    def answered(self, status: str, *, log: bool = False) -> None:
        """A request to a channel was given this answer: a status code, `reset` or `reset-after`."""
        self._stats.requests += 1
        self._stats.log_calls += log
        self._stats.by_status[status] = self._stats.by_status.get(status, 0) + 1
        self.revision += 1

    def newest(self, limit: int | None = None, reference_id: str | None = None) -> Iterator[Record]:
        """Newest first; only this reference's (one a key) when given."""
        found = (
            record
            for record in reversed(self._records.values())
            if reference_id is None or record.received.reference_id == reference_id
        )
        return islice(found, limit)

    def newest_calls(self, limit: int | None = None, user_id: str | None = None) -> Iterator[Call]:
        """Newest first; only this user's when given."""
        found = (
            call for call in reversed(self._calls.values()) if user_id is None or call.user_id == user_id
        )
        return islice(found, limit)

    def get(self, key: str, reference_id: str) -> Record | None:
        return self._records.get((key, reference_id))

    def stats(self) -> Stats:
        return msgspec.structs.replace(
            self._stats, kept=len(self._records), by_status=dict(sorted(self._stats.by_status.items()))
        )

    def clear(self) -> None:
        self._records.clear()
        self._calls.clear()
        self._seen.clear()
        self._stats = Stats()
        self.revision += 1

    def _record(self, received: Received) -> Record:
        at = (received.key, received.reference_id)
        record = self._records.get(at)
        if record is None:
            record = _put(self._records, at, Record(received, self._clock.now()), self._keep)
        return record


def _put(kept: OrderedDict[tuple[str, str], V], at: tuple[str, str], value: V, most: int) -> V:
    kept[at] = value
    if len(kept) > most:
        kept.popitem(last=False)
    return value
