"""What a channel's flows make of answers: verdicts that keep an order from being lost, or sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from plaudit.destinations.base import (
    Answer,
    Channel,
    Delivery,
    Destination,
    Mail,
    Outcome,
    Request,
    Token,
    Verdict,
    WantToken,
    What,
)
from plaudit.destinations.hiding import secrets
from plaudit.destinations.settings import Settings
from plaudit.spec.order import Order, Product
from plaudit.testing.deciding import ADDRESS, NOW, events
from plaudit.testing.playing import TOKENS, Play, played, plays

READING = frozenset({"GET", "HEAD"})
LATER = frozenset({408, 425, 429})  # statuses that say: nothing was done, ask again
BROKEN = frozenset({500, 502, 504})  # statuses that leave open what was done
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_HOST = re.compile(r"https?://[^/\s?#]+")


def delivering(destination: Destination, settings: Settings) -> Iterator[str]:
    """What is wrong with the flows of the channel that these settings choose."""
    channel = destination.channel(settings)
    hide = [*secrets(destination, settings), *TOKENS]
    for name, make, many in _flows(destination, channel, settings):
        where = f"the {name} of the channel {channel.name!r}"
        for play in plays(make):
            for fault in _faults(name, make, play, many, hide, channel):
                yield f"{where}: {fault}"


def _flows(
    destination: Destination, channel: Channel, settings: Settings
) -> Iterator[tuple[str, Callable[[], Any], int]]:
    """(what to call it, how to make one, how many verdicts it owes)."""
    deliveries = _deliveries(destination, channel, settings)
    for delivery in deliveries:
        yield f"flow for an {delivery.what.value}", partial(channel.flow, delivery, settings), 0
    if (page := channel.page) is not None:
        orders = [each for each in deliveries if each.what is What.INVITATION] * 2
        yield "page", partial(page, orders, settings), len(orders)
    if (check := channel.check) is not None:
        yield "check", partial(check, settings), 0
    if (token := channel.token) is not None:
        yield "token flow", partial(token, settings), 0
    if (forget := channel.forget) is not None:
        yield "forget flow", partial(forget, [ADDRESS], settings), 0


def _deliveries(destination: Destination, channel: Channel, settings: Settings) -> list[Delivery]:
    """One of each kind that the channel carries, made of an event where that gives one."""
    found: dict[What, Delivery] = {}
    for _, event in events():
        draft = destination.decide(event, settings).draft
        if draft is not None and draft.what not in found:
            found[draft.what] = Delivery(1, draft.what, draft.order, draft.call, NOW)
    if What.INVITATION in channel.carries and What.INVITATION not in found:
        order = Order(order_id="order-1", email=ADDRESS, products=[Product(sku="s1", name="Thing")])
        found[What.INVITATION] = Delivery(1, order=order, now=NOW)
    return list(found.values())


def _faults(
    name: str, make: Callable[[], Any], play: Play, many: int, hide: list[str], channel: Channel
) -> Iterator[str]:
    if play.problem:
        yield f"{play.problem} after {_told(play)}"
        return
    again = played(make, play.answers)
    if (again.wishes, again.result) != (play.wishes, play.result):
        yield "it is not pure: the same answers lead it one way and another"
    for number, wish in enumerate(play.wishes):
        yield from _wish(wish, hide, channel)
        if number and _was_open(play.wishes[number - 1], play.answers[number - 1]):
            yield "it goes on after an answer that leaves open whether the request did its work"
    result = play.result
    if name == "token flow" and isinstance(result, Token):
        if not result.value or result.seconds <= 0:
            yield "it returns a token that is empty or at its end"
        return
    verdicts = result if many and isinstance(result, list) else [result]
    if any(not isinstance(each, Verdict) for each in verdicts):
        yield f"it returns {type(result).__name__} and no verdict after {_told(play)}"
    elif many and isinstance(result, list) and len(result) != many:
        yield f"it returns {len(result)} verdicts for {many} deliveries"
    else:
        for verdict in verdicts:
            yield from (f"{fault} after {_told(play)}" for fault in _verdict(verdict, play, hide))


def _wish(wish: Any, hide: list[str], channel: Channel) -> Iterator[str]:
    if isinstance(wish, WantToken):
        if channel.token is None:
            yield "it wants a token, and the channel has no token flow"
        return
    if isinstance(wish, Mail):
        return
    if not _HOST.match(wish.url) or not wish.shown or not wish.method.isupper():
        yield "it wants a request without a method, a whole URL, or something to show for it"
    if any(secret in wish.shown for secret in hide) or ADDRESS in wish.shown:
        yield "it shows a secret, or the customer's address, in `shown`"
    if any(character in f"{key}{value}" for key, value in wish.headers.items() for character in "\r\n\0"):
        yield "it puts a line break into a header"


def _was_open(wish: Any, answer: Any) -> bool:
    doing = isinstance(wish, Mail) or (isinstance(wish, Request) and wish.method not in READING)
    return doing and isinstance(answer, Answer) and answer.status in BROKEN


def _verdict(verdict: Verdict, play: Play, hide: list[str]) -> Iterator[str]:
    """The rules that hold for every vendor; what its other statuses mean is the destination's to say."""
    outcome, last = verdict.outcome, play.last
    said = f"{verdict.reason} {verdict.message}"
    if any(secret in said for secret in hide) or ADDRESS in said:
        yield "its verdict tells a secret, or the customer's address,"
    if not _CODE.fullmatch(verdict.reason) or "\n" in verdict.message:
        yield "its verdict needs a reason of small letters, digits and _, and a message of one line"
    if outcome is not Outcome.ACCEPTED and not verdict.message:
        yield "its verdict says in no word what went wrong"
    if verdict.status not in (0, last.status if last else 0):
        yield "its verdict has another status than the last answer"
    if last is not None:
        yield from _judged(verdict, play, last)
    elif outcome is Outcome.ACCEPTED:
        yield "it is accepted, and nobody was asked"


def _judged(verdict: Verdict, play: Play, last: Answer) -> Iterator[str]:
    """The rules about the last answer."""
    outcome, status = verdict.outcome, last.status
    if outcome is Outcome.ACCEPTED and not (200 <= status < 300 or status == 409):
        yield "it takes what is no success for one"
    if isinstance(play.wishes[-1], Mail):
        if 400 <= status < 500 and outcome is not Outcome.RETRY:
            yield "it does not try again what a mail server puts off"
        return
    if status in LATER | {503} and outcome is not Outcome.RETRY:
        yield "it does not try again later"
    if status in BROKEN and outcome not in (Outcome.RETRY, Outcome.UNCERTAIN):
        yield "it takes a broken server for an answer about the order or the settings"
    if status == 401 and outcome not in (Outcome.BLOCKED, Outcome.RETRY):
        yield "it lets orders be lost to a key that is refused"
    if status in (429, 503) and last.headers.get("retry-after") == "7" and verdict.retry_after != 7:
        yield "it does not wait as long as the vendor asks (Retry-After)"


def _told(play: Play) -> str:
    """The answers, in a few words."""
    told = [str(each.status) if isinstance(each, Answer) else "a token" for each in play.answers]
    return " then ".join(told) or "nothing"
