"""`plaudit.testing`: our own destination keeps the contract, so does the docs' one, and each breach is found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plaudit.destinations.base import (
    Answer,
    Channel,
    Decision,
    Destination,
    Draft,
    Mail,
    Outcome,
    Request,
    Token,
    Verdict,
    WantToken,
    What,
)
from plaudit.destinations.catalog import destinations
from plaudit.destinations.hiding import hidden, secrets
from plaudit.destinations.settings import Setting
from plaudit.spec.order import Order
from plaudit.testing import faults

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES: list[dict[str, Any]] = [
    {"api_key": "secretIntegrationKey"},
    {
        "channel": "invitations_api",
        "client_id": "theClientId",
        "client_secret": "theClientSecret",
        "business_unit_id": "5a" * 12,
        "business_user_id": "5b" * 12,
        "reviews": "both",
        "template_id": "5c" * 12,
        "product_template_id": "5d" * 12,
        "tags": ["shop", "trait:plan"],
    },
    {
        "channel": "afs",
        "afs_address": "shop.example+demo1234@invite.trustpilot.com",
        "mail_from": "orders@shop.example",
        "smtp_host": "localhost",
        "smtp_user": "me",
        "smtp_password": "thePassword",
        "reviews": "both",
    },
    {"channel": "partner", "api_key": "partnerKey1234", "base_url": "https://partner.example/x"},
]


def test_trustpilot_keeps_the_contract() -> None:
    docs = (DOCS / "configuration.md").read_text()
    assert faults(destinations()["trustpilot"], EXAMPLES, docs=docs) == []


def test_the_destination_of_the_docs_keeps_it() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "your-own-destination.md").read_text(), re.DOTALL)
    scope: dict[str, Any] = {"__name__": "your_package"}
    for block in blocks:
        exec(compile(block, "your-own-destination.md", "exec"), scope)
    scope["test_it_keeps_the_contract"]()
    assert faults(scope["reviews"], [{"api_key": "secret-key"}], docs="`api_key`") != []


KEY = "theSecretKey"


def request(url: str = "https://vendor.example/x", **changes: Any) -> Request:
    given: dict[str, Any] = {"method": "POST", "url": url, "shown": url, "headers": {}, "body": b""}
    return Request(**(given | changes))


def judged(answer: Answer) -> Verdict:
    status = answer.status
    if status == 200:
        return Verdict(Outcome.ACCEPTED, "accepted", status=status)
    if status in (408, 425, 429) or status >= 500:
        wait = answer.headers.get("retry-after", "")
        return Verdict(Outcome.RETRY, "later", "later", float(wait) if wait.isdigit() else None, status)
    return Verdict(Outcome.BLOCKED, "bad", "no good", status=status)


def flow(_: Any, __: Any) -> Any:
    answer = yield request()
    return judged(answer)


def decide(event: Any, _: Any) -> Decision:
    if event.name != "Order Completed":
        return Decision("NO_MATCHING_MAPPING")
    return Decision("invited", draft=Draft(What.INVITATION, "o1", Order(order_id="o1", email="a@b.example")))


def kind(channel: dict[str, Any] | None = None, **changes: Any) -> Destination:
    way: dict[str, Any] = {"name": "api", "description": "an API", "flow": flow}
    given: dict[str, Any] = {
        "type": "vendor",
        "title": "Vendor",
        "integrations_name": "Vendor",
        "description": "A vendor.",
        "decide": decide,
        "settings": (Setting(key="key", label="Key", description="a key", required=True, secret=True),),
        "channels": (Channel(**way | (channel or {})),),
    }
    return Destination(**(given | changes))


def found(destination: Destination, *examples: dict[str, Any]) -> list[str]:
    return faults(destination, examples or [{"key": KEY}])


def test_the_least_that_keeps_it() -> None:
    assert found(kind()) == []


def setting(**changes: Any) -> Destination:
    given: dict[str, Any] = {"key": "more", "label": "More", "description": "more"}
    return kind(settings=(*kind().settings, Setting(**(given | changes))))


@pytest.mark.parametrize(
    ("destination", "fault"),
    [
        (kind(type="My Vendor"), "the type 'My Vendor' must have"),
        (kind(title=" "), "has no title"),
        (kind(channels=()), "one channel at least"),
        (kind(channels=kind().channels * 2), "no two of one name"),
        (kind({"description": ""}), "and a description"),
        (kind({"carries": frozenset()}), "carries nothing"),
        (kind({"page": flow, "page_size": 1}), "has pages of 1"),
        (setting(key="key"), "two settings are called key"),
        (setting(key="More"), "the setting More must have"),
        (setting(description=""), "the setting more is not documented"),
        (setting(channels=("mail",)), "names a channel that is not there"),
        (setting(default="x", required=True), "has a default, though"),
        (setting(pattern="x"), "no hint"),
        (setting(fields=kind().settings), "has fields if and only if"),
        (setting(default="x", choices=("a", "b")), "a default is no good: more is 'x'"),
        (
            kind(channels=(*kind().channels, Channel(name="mail", description="m", flow=flow))),
            "a setting 'channel' must offer",
        ),
    ],
)
def test_what_is_wrong_with_a_declaration(destination: Destination, fault: str) -> None:
    assert fault in str(found(destination))


def test_examples_must_be_good_and_choose_every_channel() -> None:
    assert "example 1 is no good: key is missing" in str(found(kind(), {}))
    assert "no good example chooses the channel 'api'" in str(found(kind(), {}))


def by_turns() -> Callable[[Any, Any], Decision]:
    turns = iter(range(10**6))
    return lambda event, _: Decision("NO_MATCHING_MAPPING", str(next(turns)))


def drafting(**draft: Any) -> Callable[[Any, Any], Decision]:
    given: dict[str, Any] = {
        "what": What.INVITATION,
        "key": "o1",
        "order": Order(order_id="o1", email="a@b.example"),
    }
    return lambda event, _: Decision("invited", draft=Draft(**(given | draft)))


@pytest.mark.parametrize(
    ("decides", "fault"),
    [
        (lambda event, _: event.properties["order_id"], "decide fails on"),
        (lambda event, _: None, "decide returns NoneType"),
        (by_turns(), "decide is not pure"),
        (lambda event, _: Decision("my_own_code"), "which nobody knows"),
        (lambda event, _: Decision("NO_MATCHING_MAPPING"), "no event makes a delivery"),
        (lambda event, _: Decision("x", f"not for {event.traits}"), "with the customer's address"),
        (drafting(what=What.IDENTIFY), "which the channel 'api' does not carry"),
        (drafting(key=""), "without a key"),
        (drafting(order=None), "without its order"),
    ],
)
def test_what_is_wrong_with_decisions(decides: Any, fault: str) -> None:
    assert fault in str(found(kind(decide=decides)))


def asking(**changes: Any) -> Callable[[Any, Any], Any]:
    def flow(_: Any, __: Any) -> Any:
        return judged((yield request(**changes)))

    return flow


def saying(to: int | None = None, /, **changes: Any) -> Callable[[Any, Any], Any]:
    """A flow whose verdict is changed, on answers of this status (None: all)."""

    def flow(_: Any, __: Any) -> Any:
        answer = yield request()
        verdict = judged(answer)
        return msgspec.structs.replace(verdict, **changes) if to in (None, answer.status) else verdict

    return flow


def mailing(_: Any, __: Any) -> Any:
    answer = yield Mail(recipient="a@b.example", sender="c@d.example", subject="", html="x")
    return Verdict(
        Outcome.ACCEPTED if answer.status == 250 else Outcome.REFUSED, "x", "x", status=answer.status
    )


def again(_: Any, __: Any) -> Any:
    yield request()
    return judged((yield request()))


def endless(_: Any, __: Any) -> Any:
    while True:
        yield request(method="GET")


def impure() -> Callable[[Any, Any], Any]:
    turns = iter(range(10**6))

    def flow(_: Any, __: Any) -> Any:
        return judged((yield request(f"https://vendor.example/{next(turns)}")))

    return flow


def strict(_: Any, __: Any) -> Any:
    answer = yield request()
    msgspec.json.decode(answer.body)
    return judged(answer)


def silent(_: Any, __: Any) -> Any:
    yield request()


def odd(_: Any, __: Any) -> Any:
    yield "please"


def wanting(_: Any, __: Any) -> Any:
    yield WantToken()
    return judged((yield request()))


def unasked(_: Any, __: Any) -> Any:
    yield from ()
    return Verdict(Outcome.ACCEPTED, "accepted")


def quoting(_: Any, __: Any) -> Any:
    answer = yield request()
    return msgspec.structs.replace(judged(answer), message=answer.body.decode("utf-8", "replace") or "x")


def few(_: Any, __: Any) -> Any:
    answer = yield request()
    return [judged(answer)]


def stale(_: Any) -> Any:
    yield request()
    return Token("", 0)


ACCEPTED = {"outcome": Outcome.ACCEPTED}
REFUSED = {"outcome": Outcome.REFUSED, "message": "no"}


@pytest.mark.parametrize(
    ("channel", "fault"),
    [
        ({"flow": lambda _, __: None}, "it is no generator"),
        ({"flow": odd}, "it yields str"),
        ({"flow": strict}, "it fails (DecodeError) after 200"),
        ({"flow": silent}, "it returns NoneType and no verdict after 200"),
        ({"flow": endless}, "it wants more than"),
        ({"flow": impure()}, "it is not pure"),
        ({"flow": again}, "it goes on after an answer that leaves open"),
        ({"flow": wanting}, "the channel has no token flow"),
        ({"flow": unasked}, "nobody was asked"),
        ({"flow": quoting}, "the customer's address"),
        ({"flow": asking(shown=f"https://vendor.example/{KEY}")}, "it shows a secret"),
        ({"flow": asking(url="vendor.example", shown="x")}, "a whole URL"),
        ({"flow": asking(headers={"a": "b\r\nc: d"})}, "a line break into a header"),
        ({"flow": saying(message=f"bad key {KEY}")}, "tells a secret"),
        ({"flow": saying(reason="Not Good")}, "a reason of small letters"),
        ({"flow": saying(400, message="")}, "says in no word"),
        ({"flow": saying(400, status=200)}, "another status than the last answer"),
        ({"flow": saying(404, **ACCEPTED)}, "no success for one after 404"),
        ({"flow": saying(503, **ACCEPTED)}, "no success for one after 503"),
        ({"flow": saying(425, **REFUSED)}, "does not try again later after 425"),
        ({"flow": saying(502, **REFUSED)}, "takes a broken server"),
        ({"flow": saying(401, **REFUSED)}, "orders be lost to a key that is refused"),
        ({"flow": saying(429, retry_after=None)}, "does not wait as long"),
        ({"flow": mailing}, "what a mail server puts off"),
        ({"page": few}, "the page of the channel 'api': it returns 1 verdicts for 2 deliveries"),
        ({"check": lambda _: silent(_, _)}, "the check of the channel 'api': it returns NoneType"),
        ({"token": stale}, "a token that is empty"),
        ({"forget": silent}, "the forget flow of the channel 'api'"),
    ],
)
def test_what_is_wrong_with_flows(channel: dict[str, Any], fault: str) -> None:
    assert fault in str(found(kind(channel)))


def test_a_secret_that_a_vendor_quotes_is_not_told() -> None:
    trustpilot = destinations()["trustpilot"]
    hide = secrets(trustpilot, {"api_key": "theKey", "webhook_secret": "theKey2", "base_url": "https://x"})
    verdict = hidden(Verdict(Outcome.BLOCKED, "key_refused", "'theKey' is unknown, theKey2 too"), hide)
    assert verdict.message == "'•••' is unknown, ••• too"
