"""The Automatic Feedback Service channel: the mail's body, and what a mail server's replies mean (trustpilot.md 4)."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deliver.flows import delivery, good, play, the_order
from plaudit.destinations.base import Answer, Mail, Outcome
from plaudit.destinations.trustpilot.afs import afs

SETTINGS = {
    "channel": "afs",
    "afs_address": "shop.example+ab12cd34@invite.trustpilot.com",
    "mail_from": "orders@shop.example",
    "smtp_host": "smtp.shop.example",
}
TEMPLATE = "0a" * 12


class Scripts(HTMLParser):
    """The scripts of a page, as a browser would find them, and all text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.outside = ""
        self._within = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            assert attrs == [("type", "application/json+trustpilot")]
            self.scripts.append("")
            self._within = True

    def handle_endtag(self, tag: str) -> None:
        self._within = self._within and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._within:
            self.scripts[-1] += data
        else:
            self.outside += data


def mail(order: Any = None, **settings: Any) -> Mail:
    (wish,), _ = play(afs.flow(delivery(order), good(**SETTINGS, **settings)))
    assert isinstance(wish, Mail)
    return wish


def told(order: Any = None, **settings: Any) -> Any:
    found = Scripts(mail(order, **settings).html)
    assert len(found.scripts) == 1 and not found.outside.strip()
    return json.loads(found.scripts[0])


def test_the_mail_goes_to_the_service_alone_and_names_nobody_outside_the_snippet() -> None:
    wish = mail()
    assert (wish.recipient, wish.sender) == (SETTINGS["afs_address"], SETTINGS["mail_from"])
    assert "50314b" not in wish.subject and "test@example.com" not in wish.subject
    assert told() == {
        "recipientEmail": "test@example.com",
        "recipientName": "John Johnson",
        "referenceId": "50314b8e9bcf000000000000",
    }


def test_everything_that_can_be_set_is_said() -> None:
    found = told(
        the_order(traits={"vip": True}, locale="de_DE"),
        reviews="both",
        template_id=TEMPLATE,
        product_template_id="0b" * 12,
        tags=["shop", "trait:vip"],
        send_after="2 days",
        product_send_after="5 days",
        sender_name="The Shop",
        sender_email="shop@example.com",
        reply_to="help@example.com",
    )
    assert [product.pop("sku") for product in found.pop("products")] == ["45790-32", "46493-32"]
    assert found == {
        "recipientEmail": "test@example.com",
        "recipientName": "John Johnson",
        "referenceId": "50314b8e9bcf000000000000",
        "templateId": TEMPLATE,
        "productReviewInvitationTemplateId": "0b" * 12,
        "locale": "de-DE",
        "senderEmail": "shop@example.com",
        "senderName": "The Shop",
        "replyTo": "help@example.com",
        "preferredSendTime": "2026-11-25T18:40:00",
        "productReviewInvitationPreferredSendTime": "2026-11-28T18:40:00",
        "tags": ["shop", "vip"],
    }


def test_without_products_nothing_is_said_of_them() -> None:
    settings = {"product_template_id": "0b" * 12, "product_send_after": "5 days"}
    assert not [key for key in told(reviews="service", **settings) if "roduct" in key]
    assert not [key for key in told(the_order(products=[]), reviews="both", **settings) if "roduct" in key]
    assert told(the_order(products=[{"sku": "s1"}]), reviews="both")["productSkus"] == ["s1"]


HOSTILE = [
    "</script><script>alert(1)</script>",
    "</ScRiPt >",
    "<!-- <script>",
    "]]>",
    '"quoted" \\" back\\slash',
    "a&lt;b &amp; &#60;",
    "line\u2028separator\u2029 and \x85",
    "Ædel Ø. Åse 李 🎲",
    "lone \ud800 half".encode("utf-8", "replace").decode(),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    order = the_order()
    order.name = name
    page = mail(order).html
    assert page.isascii() and page.isprintable()
    assert len(re.findall("[<>]", page)) == 12  # html, body, script: opened and closed, and nothing else
    assert told(order)["recipientName"] == name


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_name_comes_back_as_it_was(name: str, sku: str) -> None:
    order = the_order(products=[{"sku": "x", "name": "y"}])
    order.name, order.products[0].name = name or "n", sku or "s"
    found = told(order, reviews="both")
    assert (found["recipientName"], found["products"][0]["name"]) == (name or "n", sku or "s")


TABLE: list[tuple[str, int, Outcome, str]] = [
    ("sent", 250, Outcome.ACCEPTED, "accepted"),
    ("sent", 251, Outcome.UNCERTAIN, "unexpected_answer"),
    ("sent", 354, Outcome.UNCERTAIN, "unexpected_answer"),
    ("sent", 421, Outcome.RETRY, "mail_later"),
    ("sent", 451, Outcome.RETRY, "mail_later"),
    ("sent", 452, Outcome.RETRY, "mail_later"),
    ("sent", 530, Outcome.REFUSED, "refused"),
    ("sent", 552, Outcome.REFUSED, "refused"),
    ("sent", 554, Outcome.REFUSED, "refused"),
    ("data", 250, Outcome.RETRY, "mail_later"),
    ("data", 451, Outcome.RETRY, "mail_later"),
    ("data", 554, Outcome.REFUSED, "refused"),
    ("recipient", 450, Outcome.RETRY, "mail_later"),
    ("recipient", 530, Outcome.BLOCKED, "mail_login"),
    ("recipient", 550, Outcome.BLOCKED, "mail_recipient"),
    ("recipient", 552, Outcome.RETRY, "mail_later"),
    ("sender", 451, Outcome.RETRY, "mail_later"),
    ("sender", 530, Outcome.BLOCKED, "mail_login"),
    ("sender", 550, Outcome.BLOCKED, "mail_sender"),
    ("login", 454, Outcome.RETRY, "mail_later"),
    ("login", 535, Outcome.BLOCKED, "mail_login"),
    ("login", 334, Outcome.RETRY, "mail_later"),
    ("tls", 454, Outcome.RETRY, "mail_later"),
    ("tls", 501, Outcome.BLOCKED, "mail_tls"),
    ("greeting", 421, Outcome.RETRY, "mail_later"),
    ("greeting", 554, Outcome.BLOCKED, "mail_server"),
]


@pytest.mark.parametrize(("stage", "code", "outcome", "reason"), TABLE)
def test_what_each_reply_means(stage: str, code: int, outcome: Outcome, reason: str) -> None:
    answer = Answer(code, {"stage": stage}, b"5.1.1 <test@example.com>: \xff says\nno")
    _, verdict = play(afs.flow(delivery(), good(**SETTINGS)), answer)
    assert (verdict.outcome, verdict.reason, verdict.status) == (outcome, reason, code)
    assert "test@example.com" not in verdict.message
    if outcome is not Outcome.ACCEPTED:
        assert "says no" in verdict.message


def test_a_check_only_logs_in() -> None:
    assert afs.check is not None
    (wish,), verdict = play(afs.check(good(**SETTINGS)), Answer(250, {"stage": "login"}))
    assert wish.html == ""
    assert verdict.outcome is Outcome.ACCEPTED and "first invitation" in verdict.message
    _, verdict = play(afs.check(good(**SETTINGS)), Answer(535, {"stage": "login"}))
    assert (verdict.outcome, verdict.reason) == (Outcome.BLOCKED, "mail_login")
