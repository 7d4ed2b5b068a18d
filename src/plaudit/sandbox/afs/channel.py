"""What the mail server says to each command: users, addresses, mails. Knows no sockets; `server.py` does.

A mail is judged in the order of all channels: authentication, contract, faults, record. The fault `reset` is
the exception: it breaks the connection at DATA, before the mail is there, so that the sender can know that
nothing was sent. Its answers are one line of ASCII and repeat no value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from plaudit.sandbox import faults
from plaudit.sandbox.afs import contract
from plaudit.sandbox.afs.contract import Mail
from plaudit.sandbox.faults import KINDS, Fault, Faults
from plaudit.sandbox.reading import ContractError
from plaudit.sandbox.recorder import Received, Recorder, Wishes, as_products
from plaudit.sandbox.review_templates import PRODUCT, SERVICE, note_on

CHANNEL = "afs"

_ADDRESS = re.compile(
    r"(?P<domain>[a-z0-9.-]{1,253})\+(?P<key>[a-z0-9]{4,64})@invite\.trustpilot\.com", re.IGNORECASE
)
_AT_DATA = frozenset({"reset"})
_AT_LOGIN = frozenset({"535"})
_AT_ADDRESS = frozenset({"550"})
_AFTER_DATA = faults.of(CHANNEL) - _AT_DATA - _AT_LOGIN - _AT_ADDRESS
_LINE = 400  # of 512 bytes that an answer may have


class Reply(NamedTuple):
    """What to answer. `broken`: break the connection instead, after `delay` seconds."""

    text: str
    delay: float = 0.0
    broken: bool = False


class Afs:
    """The channel. `users`: names with their passwords, who alone may send mail; None: anybody, logged in or not."""

    def __init__(self, recorder: Recorder, active: Faults, users: Mapping[str, str] | None = None) -> None:
        self._recorder = recorder
        self._faults = active
        self._users = users

    @property
    def wants_login(self) -> bool:
        return self._users is not None

    def login(self, user: str, password: str) -> bool:
        """Whether these are let in; counted when not."""
        good = self._users is None or self._users.get(user) == password
        if good and self._faults.draw(user, _AT_LOGIN).fault is None:
            return True
        self._recorder.answered("535")
        return False

    def address(self, address: str, already: int) -> Reply:
        """May a mail, which has `already` so many recipients, go to this address?"""
        key = key_of(address)
        if key is None:
            reply = "550 5.1.1 no such address: send to <domain>+<hash>@invite.trustpilot.com"
        elif (fault := self._faults.draw(key, _AT_ADDRESS).fault) is not None:
            reply = f"550 5.1.1 {_because(fault)}"
        elif already:
            reply = "452 4.5.3 one address a mail: send each order on its own"
        else:
            return Reply("250 2.1.5 OK")
        self._recorder.answered(reply[:3])
        return Reply(_line(reply))

    def breaks(self, address: str) -> bool:
        """Whether the connection shall break before the mail is there."""
        if self._faults.draw(key_of(address) or "", _AT_DATA).fault is None:
            return False
        self._recorder.answered("reset")
        return True

    def mail(self, address: str, content: bytes) -> Reply:
        """A mail came to this address, which `address` has let pass; what is to be recorded has been."""
        key = key_of(address) or ""
        try:
            mail = contract.read_mail(content)
        except ContractError as error:
            self._recorder.answered("554")
            return Reply(_line(f"554 5.6.0 {error}"))
        drawn = self._faults.draw(key, _AFTER_DATA)
        reply = _reply(drawn.fault)
        answer = "reset-after" if reply.broken else reply.text[:3]
        received = _received(key, mail)
        taken = drawn.fault is None or reply.broken
        self._recorder.post(received, answer, accepted=taken)
        if taken and received.wishes.note:
            self._recorder.count("unsent")
        self._recorder.answered(answer)
        return reply._replace(delay=drawn.delay)


def key_of(address: str) -> str | None:
    """The secret part of an address of the service; None if it is none."""
    found = _ADDRESS.fullmatch(address)
    return found["key"] if found else None


def _reply(fault: Fault | None) -> Reply:
    if fault is None:
        return Reply("250 2.0.0 OK: queued")
    if fault.name == "reset-after":
        return Reply("", broken=True)
    codes = {"421": "4.3.2", "451": "4.3.0", "554": "5.6.0"}
    return Reply(_line(f"{fault.name} {codes[fault.name]} {_because(fault)}"))


def _because(fault: Fault) -> str:
    return f"the sandbox's fault {fault.name} is on: {KINDS[fault.name].meaning}"


def _line(text: str) -> str:
    return " ".join(text.encode("ascii", "backslashreplace").decode().split())[:_LINE]


def _received(key: str, mail: Mail) -> Received:
    snippet = mail.snippet
    asks_products = bool(snippet.products or snippet.productSkus)
    template, product_template = snippet.templateId or "", snippet.productReviewInvitationTemplateId or ""
    wishes = Wishes(
        invites=("service", "product") if asks_products else ("service",),
        locale=snippet.locale or "",
        template_id=template,
        product_template_id=product_template,
        tags=tuple(snippet.tags or ()),
        preferred_send_time=snippet.preferredSendTime or "",
        product_preferred_send_time=snippet.productReviewInvitationPreferredSendTime or "",
        sender_email=snippet.senderEmail or "",
        sender_name=snippet.senderName or "",
        reply_to=snippet.replyTo or "",
        note=note_on(((template, SERVICE), (product_template, PRODUCT))),
    )
    return Received(
        channel=CHANNEL,
        key=key,
        reference_id=snippet.referenceId,
        recipient_email=snippet.recipientEmail,
        recipient_name=snippet.recipientName or "",
        source=mail.mailer,
        products=as_products(snippet.products or None, snippet.productSkus or None),
        wishes=wishes,
    )
