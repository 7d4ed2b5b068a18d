"""What an attempt sent and what came back, in the form in which it is kept beside the ledger.

Neither secrets nor customers are in it. What the delivery's own row says of its customer (the address, the name, the
traits, the event that is passed on) leaves a blank here, and is put back from there when somebody looks. So a customer
stands in one place, is masked there, and is forgotten there; of the others in a page nothing is seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from urllib.parse import quote

import msgspec

from plaudit.destinations.base import Answer, Delivery, Mail, Request
from plaudit.spec.email import IN_TEXT
from plaudit.spec.order import Order

SENT_CHARACTERS = 16_384  # of a body: more is cut off
CAME_CHARACTERS = 4_096
HIDDEN = "•••"
UNKNOWN = "…"  # another customer's, or of one who was forgotten
# A blank: whose and what it is, and how that was written. Private characters, which no text has by right.
_OPEN, _CLOSE = "\ue000", "\ue001"
_BLANK = re.compile(f"{_OPEN}([^|]*)\\|([0-9]){_CLOSE}")
_PLAIN = re.compile(r"[A-Za-z0-9 @._+-]*")  # written the same in every way but in a URL
_PASSED_ON = re.compile(f"{_OPEN}[^|]*[0-9]c")
_SHORT = 4  # characters: less than that is looked for as a whole word only
_SECRET = re.compile(r"auth|key|token|secret|cookie|signature|password", re.IGNORECASE)
_ESCAPES: tuple[Callable[[str], str], ...] = (
    str,
    lambda value: msgspec.json.encode(value).decode()[1:-1],
    lambda value: json.dumps(value)[1:-1],  # as the mail channel writes it
    partial(quote, safe=""),
)


class SentRequest(msgspec.Struct, omit_defaults=True):
    """A request, or a mail (its method is MAIL). No header says a secret."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: str = ""


class CameBack(msgspec.Struct, omit_defaults=True):
    """The answer to it."""

    status: int
    headers: dict[str, str] = {}
    body: str = ""


class Exchange(msgspec.Struct, omit_defaults=True):
    """A request with its answer, or why none came, and after how long (ms)."""

    sent: SentRequest
    came: CameBack | None = None
    lost: str = ""
    took: int = 0


class _Kept(msgspec.Struct):
    """`of`: the deliveries that it was about, which the blanks count from 0."""

    of: list[int]
    exchanges: list[Exchange]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode


class Taken(msgspec.Struct):
    """One wish as it was carried out: `came` is the answer, or words why there was none."""

    wish: Request | Mail
    came: Answer | str
    took: int


def kept(of: Sequence[Delivery], taken: Sequence[Taken], secrets: Sequence[str]) -> bytes:
    """What to keep of an attempt on these deliveries. `secrets`: what must be shown nowhere (hiding.py)."""
    blanks = _blanks(of, quoted=any(map(_quotes, taken)))
    passed_on = any(delivery.call for delivery in of)
    clean = partial(_clean, blanks=blanks, secrets=secrets)
    exchanges = [
        Exchange(
            _sent(each.wish, clean, passed_on=passed_on),
            _came(each.came, clean) if isinstance(each.came, Answer) else None,
            each.came if isinstance(each.came, str) else "",
            each.took,
        )
        for each in taken
    ]
    return _encode(_Kept([delivery.id for delivery in of], exchanges))


def read(content: bytes | str, id_: int, order: Order | None, call: str | None) -> list[Exchange]:
    """What was kept, with what this delivery's row says now in its blanks: masked, if it is masked there."""
    found = _decode(content)
    place = found.of.index(id_) if id_ in found.of else -1
    known = dict(_values(order, call or ""))
    fill = partial(_BLANK.sub, lambda blank: _filled(blank, place, known))
    for each in found.exchanges:
        each.sent.body = fill(each.sent.body)
        each.sent.url = fill(each.sent.url)
        if each.came is not None:
            each.came.body = fill(each.came.body)
    return found.exchanges


def _quotes(taken: Taken) -> bool:
    """Whether something may be written as in a URL: rarely, and it takes time to look for that."""
    wish, came = taken.wish, taken.came
    sent = "%" in wish.html if isinstance(wish, Mail) else b"%" in wish.body or "%" in wish.shown
    return sent or (isinstance(came, Answer) and b"%" in came.body)


def headers(given: dict[str, str]) -> dict[str, str]:
    """With no secret's value, but with an authorization's kind."""
    return {name: _header(name, value) if _is_secret(name) else value for name, value in given.items()}


@cache  # there are few names
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def _header(name: str, value: str) -> str:
    kind, space, _ = value.partition(" ")
    return f"{kind} {HIDDEN}" if name.lower() == "authorization" and space else HIDDEN


def _sent(wish: Request | Mail, clean: Callable[[str], str], *, passed_on: bool) -> SentRequest:
    if isinstance(wish, Mail):
        return SentRequest(
            "MAIL", clean(wish.recipient), {"subject": wish.subject}, _cut(clean(wish.html), SENT_CHARACTERS)
        )
    body = clean(wish.body.decode("utf-8", "replace"))
    if passed_on and body and not _PASSED_ON.search(body):
        body = HIDDEN  # the event, written in another way: whatever it says of a person would stay
    shown = {name: clean(value) for name, value in headers(wish.headers).items()}
    return SentRequest(wish.method, clean(wish.shown), shown, _cut(body, SENT_CHARACTERS))


def _came(answer: Answer, clean: Callable[[str], str]) -> CameBack:
    return CameBack(
        answer.status, answer.headers, _cut(clean(answer.body.decode("utf-8", "replace")), CAME_CHARACTERS)
    )


def _cut(text: str, most: int) -> str:
    """Never through a blank: half of one would be shown as it is."""
    if len(text) <= most:
        return text
    start = text[:most]
    if start.rfind(_OPEN) > start.rfind(_CLOSE):
        start = start[: start.rfind(_OPEN)]
    return f"{start}… ({len(text) - len(start):,} more characters)"


def _clean(text: str, blanks: list[tuple[str, str]], secrets: Sequence[str]) -> str:
    if _OPEN in text or _CLOSE in text:
        text = text.replace(_OPEN, "\ufffd").replace(_CLOSE, "\ufffd")
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for value, blank in blanks:
        if len(value) >= _SHORT:
            text = text.replace(value, blank)
        elif value in text:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", blank, text)
    return IN_TEXT.sub(HIDDEN, text) if "@" in text or "%40" in text else text


def _blanks(of: Sequence[Delivery], quoted: bool) -> list[tuple[str, str]]:
    """What is replaced by what: the longest first, since an address may hold the name."""
    whose: dict[tuple[str, int], str] = {}
    for place, delivery in enumerate(of):
        for field, value in _values(delivery.order, delivery.call.decode("utf-8", "replace")):
            for way in _ways(field, value, quoted):
                key = (_ESCAPES[way](value) if way else value, way)
                token = f"{place}{field}"
                whose[key] = f"{whose[key]},{token}" if key in whose else token
    found: dict[str, str] = {}
    for (written, way), tokens in whose.items():
        found.setdefault(written, f"{_OPEN}{tokens}|{way}{_CLOSE}")
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def _ways(field: str, value: str, quoted: bool) -> tuple[int, ...]:
    """In which ways (`_ESCAPES`) it may have been written; `quoted`: there is something written as in a URL."""
    if field == "c":
        return (0,)  # an event is passed on as it is
    if len(value) < 2:
        return ()  # it stands everywhere
    if not _PLAIN.fullmatch(value):
        return (0, 1, 2, 3)
    return (0, 3) if quoted else (0,)


def _values(order: Order | None, call: str) -> list[tuple[str, str]]:
    """What a delivery's row says of its customer, with the letter that stands for it in a blank."""
    found = [("c", call)] if call else []
    if order is not None:
        found += [("e", order.email), ("n", order.name)]
        if order.traits:
            traits = enumerate(order.traits.values())
            found += [(f"t{number}", value) for number, value in traits if isinstance(value, str)]
    return found


def _filled(blank: re.Match[str], place: int, known: dict[str, str]) -> str:
    for token in blank[1].split(","):
        number = re.match("[0-9]+", token)
        if number is not None and int(number[0]) == place and (value := known.get(token[number.end() :])):
            return _ESCAPES[int(blank[2])](value)
    return UNKNOWN
