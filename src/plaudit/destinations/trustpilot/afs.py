"""The Automatic Feedback Service channel: a mail to the account's own address, on every plan (trustpilot.md 4).

The mail goes to that address alone, and its body is nothing but a script element with JSON, which Trustpilot
reads. So the JSON is written in ASCII without any character that HTML could take for its own.
"""

from __future__ import annotations

import json

import msgspec

from plaudit.destinations.base import Answer, Channel, Delivery, Fault, Flow, Mail, Outcome, Verdict
from plaudit.destinations.settings import Settings
from plaudit.destinations.trustpilot import answers, terms
from plaudit.spec.lookup import text
from plaudit.spec.order import Order

# Without a snippet that can be read, Trustpilot would take the order's number from here: so there is none.
SUBJECT = "Review invitation"
SENT = "sent"

# By the stage of the conversation whose reply was a 5xx: who has to mend what (RFC 5321, 4.2).
SETTINGS = {
    "greeting": ("mail_server", "the mail server does not want to talk to this machine: ask who runs it"),
    "tls": ("mail_tls", "the mail server does not begin TLS: check smtp_port and smtp_security"),
    "login": ("mail_login", "the mail server does not accept the login: check smtp_user and smtp_password"),
    "sender": ("mail_sender", "the mail server takes no mail from this sender: check mail_from"),
    # All mails have this one recipient, so it is no order's fault.
    "recipient": ("mail_recipient", "the mail server takes no mail to this address: check afs_address"),
}
LOGIN_FIRST = frozenset({530, 534, 535, 538})  # RFC 4954: whatever was asked, it wants another login


class Snippet(msgspec.Struct, rename="camel", omit_defaults=True):
    """What Trustpilot reads. Times count as UTC, as everywhere else at Trustpilot; the service's page names no zone."""

    recipient_email: str
    reference_id: str
    recipient_name: str = ""
    template_id: str = ""
    product_review_invitation_template_id: str = ""
    locale: str = ""
    sender_email: str = ""
    sender_name: str = ""
    reply_to: str = ""
    preferred_send_time: str = ""
    product_review_invitation_preferred_send_time: str = ""
    tags: list[str] = []
    products: list[terms.CatalogueProduct] = []
    product_skus: list[str] = []


def flow(delivery: Delivery, settings: Settings) -> Flow:
    """One invitation, one mail."""
    if delivery.order is None:
        raise TypeError("this channel carries orders only")
    answer: Answer = yield _mail(settings, html(snippet(delivery.order, settings, delivery.now)))
    return verdict(answer)


def check(settings: Settings) -> Flow:
    """Log in at the mail server, and send nothing."""
    answer: Answer = yield _mail(settings, "")
    found = verdict(answer)
    if found.outcome is Outcome.ACCEPTED:
        message = "the mail server lets us in; only a first invitation can show whether Trustpilot knows afs_address"
        return msgspec.structs.replace(found, message=message)
    return found


def snippet(order: Order, settings: Settings, now: int) -> Snippet:
    """What to tell of an order. The service cannot be asked for a product review alone: the account decides that."""
    wanted = settings.get("reviews") or "service"
    products, skus = terms.catalogue(order, settings) if wanted != "service" else ([], [])
    about_products = bool(products or skus)
    return Snippet(
        recipient_email=order.email,
        reference_id=order.order_id,
        recipient_name=order.name,
        template_id=terms.choice(order, settings, "template_id") or "",
        product_review_invitation_template_id=(
            (terms.choice(order, settings, "product_template_id") or "") if about_products else ""
        ),
        locale=terms.locale(order, settings),
        sender_email=settings.get("sender_email") or "",
        sender_name=settings.get("sender_name") or "",
        reply_to=settings.get("reply_to") or "",
        preferred_send_time=terms.service_time(order, settings, now),
        product_review_invitation_preferred_send_time=(
            terms.product_time(order, settings, now) if about_products else ""
        ),
        tags=terms.tags(order, settings),
        products=products,
        product_skus=skus,
    )


def html(told: Snippet) -> str:
    """The mail's body. `json.dumps` leaves ASCII only, so U+2028 is escaped as well; the rest is done here."""
    data = json.dumps(msgspec.to_builtins(told), separators=(",", ":"))
    for character in "<>&":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return f'<html><body><script type="application/json+trustpilot">{data}</script></body></html>'


def verdict(answer: Answer) -> Verdict:
    """What a mail server's reply means, one row a kind."""
    code, stage = answer.status, answer.headers.get("stage", SENT)
    words = answers.without_addresses(text(answer.body.decode("utf-8", "replace"), 200))
    said = f": {words!r}" if words else ""
    if code == 250 and stage == "login":
        return Verdict(Outcome.ACCEPTED, "accepted", "", status=code)
    if code == 250 and stage == SENT:
        return Verdict(Outcome.ACCEPTED, "accepted", "taken by the mail server", status=code)
    if (
        code == 421 or 400 <= code < 500
    ):  # "try again later", at every stage; also a full mailbox, a grey list
        return Verdict(Outcome.RETRY, "mail_later", f"the mail server answered {code}{said}", status=code)
    if code < 400:
        if stage == SENT:
            message = f"the mail server answered {code} to the mail{said}"
            return Verdict(Outcome.UNCERTAIN, "unexpected_answer", message, status=code)
        # Not what the protocol has at this place: but there was no mail yet.
        message = f"the mail server answered {code} to '{stage}'{said}"
        return Verdict(Outcome.RETRY, "mail_later", message, status=code)
    if code in LOGIN_FIRST and stage != SENT:
        return _blocked(code, "mail_login", f"{SETTINGS['login'][1]}{said}")
    if code == 552 and stage == "recipient":  # RFC 5321, 4.5.3.1.10: a full mailbox, in old servers' numbers
        return Verdict(Outcome.RETRY, "mail_later", f"the mail server answered {code}{said}", status=code)
    if stage in SETTINGS:
        reason, message = SETTINGS[stage]
        return _blocked(code, reason, f"{message}{said}")
    # The mail itself: too large, or it looks like something that the server does not pass on.
    return Verdict(
        Outcome.REFUSED, "refused", f"the mail server refuses the mail (answer {code}){said}", status=code
    )


def _blocked(code: int, reason: str, message: str) -> Verdict:
    return Verdict(Outcome.BLOCKED, reason, message, status=code, fault=Fault.OURS)


def _mail(settings: Settings, body: str) -> Mail:
    return Mail(
        recipient=str(settings["afs_address"]), sender=str(settings["mail_from"]), subject=SUBJECT, html=body
    )


afs = Channel(
    name="afs",
    description="a mail to your account's address for automatic feedback: languages, templates and send times on every plan",
    flow=flow,
    check=check,
)
