"""What can go wrong on request: which faults exist, how one is spelled, and which of them hit a request.

A fault is spelled `NAME[xCOUNT][:RATE][@KEY][=VALUE]`: `slow=2`, `429:0.1`, `503x3=30`,
`251@demokey12=shop.example.com`. The value stands last, so that no value can be mistaken for a count. A
fault befalls the channels that know it, and passes the others by.

Invariant: a counted fault hits exactly `count` times. `slow` and `202-first` go with every other fault;
of the rest, the first that hits answers. What a fault does to an answer is the channel's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from plaudit.clock import Clock, SystemClock
from plaudit.errors import UsageError

HTTP = ("integration_key", "invitations_api", "partner")
CHANNELS = (*HTTP, "afs")


class Kind(NamedTuple):
    """What a fault's name means. `value` names the kind of value it takes; empty: none.

    `channels` are those that it can befall at all.
    """

    meaning: str
    value: str = ""
    default: str = ""
    channels: tuple[str, ...] = HTTP


def _blocked() -> Kind:
    meaning = "The key is blocked; the answer lists the blocked domains."
    return Kind(meaning, "domains", "shop.example.com", ("integration_key",))


def _api(meaning: str, value: str = "") -> Kind:
    return Kind(meaning, value, channels=("invitations_api",))


def _mail(meaning: str) -> Kind:
    return Kind(meaning, channels=("afs",))


KINDS: dict[str, Kind] = {
    "slow": Kind("The answer comes late; the request counts at once.", "seconds", "2", CHANNELS),
    "429": Kind("Too many requests, with Retry-After.", "whole seconds", "1"),
    "503": Kind("Not available, with Retry-After when a value is given.", "whole seconds"),
    "500": Kind("An error inside Trustpilot."),
    "reset": Kind("The connection breaks before anything is recorded.", channels=CHANNELS),
    "reset-after": Kind("The invitation is recorded, then the connection breaks.", channels=CHANNELS),
    "202-first": Kind("Asks for products until the post has them.", channels=("integration_key",)),
    "251": _blocked(),
    "252": _blocked(),
    "253": _blocked(),
    "401": Kind("The key is refused."),
    "400": Kind("The data are refused."),
    "403": Kind("The key may not do this."),
    "403-html": _api("A server in front refuses the client, with a page in HTML."),
    "1014": _api("The business user may not do this: a 403 with errorCode 1014."),
    "token-expired": _api("The token that the request carries is no longer valid: a 401 until a new one."),
    "rate-limit": _api("Calls beyond the recommended rate are answered 429.", "whole seconds"),
    "501": Kind("Calls of this type are not supported.", channels=("partner",)),
    "421": _mail("The mail server has no time: it says so and closes the connection."),
    "451": _mail("The mail server has an error that will pass."),
    "535": _mail("User or password is refused."),
    "550": _mail("The address is refused."),
    "554": _mail("The mail is refused."),
}
SPELLING = "NAME[xCOUNT][:RATE][@KEY][=VALUE], such as slow=2, 429:0.1, 503x3=30"
ALL = frozenset(KINDS)
BLOCKED = frozenset({"251", "252", "253"})

_MODIFIERS = frozenset({"slow", "202-first"})
_HEAD = re.compile(
    r"(?P<name>[a-z0-9-]*?)(?:x(?P<count>[0-9]{1,9}))?(?::(?P<rate>[0-9.eE-]+))?(?:@(?P<key>[A-Za-z0-9]+))?"
)
_VALUES = {
    "seconds": re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?"),
    "whole seconds": re.compile(r"[0-9]{1,6}"),
    "domains": re.compile(r"[A-Za-z0-9.-]{1,253}(,[A-Za-z0-9.-]{1,253})*"),
    "": re.compile(""),
}


def of(channel: str) -> frozenset[str]:
    """The names of the faults that can befall this channel."""
    return frozenset(name for name, kind in KINDS.items() if channel in kind.channels)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One fault that is on. `rate` is in (0, 1]; `count` is how many hits are left, None: no end."""

    name: str
    value: str = ""
    rate: float = 1.0
    count: int | None = None
    key: str = ""

    def __str__(self) -> str:
        count = "" if self.count is None else f"x{self.count}"
        rate = "" if self.rate == 1 else f":{self.rate}"
        key = f"@{self.key}" if self.key else ""
        value = f"={self.value}" if self.value else ""
        return f"{self.name}{count}{rate}{key}{value}"


class Drawn(NamedTuple):
    """What hits one request: seconds of delay, whether products are asked for, the fault that answers."""

    delay: float = 0.0
    ask_products: bool = False
    fault: Fault | None = None


def parse(text: str) -> Fault:
    """The fault that `text` spells; UsageError says what is wrong and what exists."""
    head, _, value = text.strip().partition("=")
    found = _HEAD.fullmatch(head)
    if found is None:
        raise UsageError(f"the fault {text!r} cannot be read: write {SPELLING}; there are {', '.join(KINDS)}")
    try:
        rate = float(found["rate"] or 1)
    except ValueError:
        raise UsageError(f"the fault {text!r}: {found['rate']!r} is no rate; write e.g. :0.1") from None
    count = None if found["count"] is None else int(found["count"])
    return checked(Fault(found["name"], value, rate, count, found["key"] or ""))


def checked(fault: Fault) -> Fault:
    """The fault with its default value filled in; UsageError if there is no such fault."""
    kind = KINDS.get(fault.name)
    if kind is None:
        raise UsageError(f"there is no fault {fault.name!r}: there are {', '.join(KINDS)}")
    value = fault.value or kind.default
    if value and not _VALUES[kind.value].fullmatch(value):
        wants = f"takes {kind.value}, not {value!r}" if kind.value else "takes no value"
        raise UsageError(f"the fault {fault.name} {wants}; write {SPELLING}")
    if not 0 < fault.rate <= 1:
        raise UsageError(f"the fault {fault.name}: the rate must be above 0 and at most 1")
    if fault.count is not None and fault.count < 1:
        raise UsageError(f"the fault {fault.name}: the count must be 1 or more")
    return msgspec.structs.replace(fault, value=value)


class Faults:
    """The faults that are on, in the order they were set."""

    def __init__(self, faults: Iterable[Fault] = (), clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._on: dict[int, Fault] = {}
        self._next = 0
        self.revision = 0
        self.replace(faults)

    @property
    def on(self) -> dict[int, Fault]:
        """Those that are on by their number, with the counts that are left."""
        return dict(self._on)

    def replace(self, faults: Iterable[Fault]) -> None:
        self._on.clear()
        self.revision += 1
        for fault in faults:
            self._put(checked(fault))

    def add(self, fault: Fault) -> None:
        """One more; it takes the place of those with the same name and key."""
        fault = checked(fault)
        for number, other in self.on.items():
            if (other.name, other.key) == (fault.name, fault.key):
                self.remove(number)
        self._put(fault)

    def remove(self, number: int) -> None:
        self._on.pop(number, None)
        self.revision += 1

    def draw(self, key: str, names: frozenset[str] = ALL) -> Drawn:
        """What hits this request. `names` are the faults that can befall such a request at all."""
        if not self._on:
            return Drawn()
        delay, ask_products, answer = 0.0, False, None
        for number, fault in self.on.items():
            if fault.name not in names or fault.key not in ("", key):
                continue
            if (answer is not None and fault.name not in _MODIFIERS) or self._clock.jitter() >= fault.rate:
                continue
            self._spend(number, fault)
            if fault.name == "slow":
                delay += float(fault.value)
            elif fault.name == "202-first":
                ask_products = True
            else:
                answer = fault
        return Drawn(delay, ask_products, answer)

    def _put(self, fault: Fault) -> None:
        self._next += 1
        self._on[self._next] = fault
        self.revision += 1

    def _spend(self, number: int, fault: Fault) -> None:
        if fault.count == 1:
            self.remove(number)
        elif fault.count is not None:
            self._on[number] = msgspec.structs.replace(fault, count=fault.count - 1)
            self.revision += 1
