"""A mail to the Automatic Feedback Service, read strictly: bytes in, its snippet out, or a reason in words.

The snippet is JSON in a script element of the HTML. The real service takes any mail and fails later, out of
sight; here a mail that it could not use is refused at once. Without a snippet it would guess the name from To
and the order from the subject: that too is refused, since nobody means it. Pure.
"""

# ruff: noqa: N815 - the fields have the wire's names
from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Annotated

import msgspec

from plaudit.sandbox.reading import ContractError, Reader

SCRIPT = "application/json+trustpilot"

_Some = msgspec.Meta(min_length=1)


class Product(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    productUrl: str = ""
    imageUrl: str = ""
    name: str = ""
    sku: str = ""
    gtin: str = ""
    mpn: str = ""
    brand: str = ""
    productCategoryGoogleId: str = ""


class Snippet(msgspec.Struct, forbid_unknown_fields=True):
    recipientEmail: str
    referenceId: str
    recipientName: str | msgspec.UnsetType = msgspec.UNSET
    templateId: str | msgspec.UnsetType = msgspec.UNSET
    productReviewInvitationTemplateId: str | msgspec.UnsetType = msgspec.UNSET
    locale: str | msgspec.UnsetType = msgspec.UNSET
    senderEmail: str | msgspec.UnsetType = msgspec.UNSET
    senderName: str | msgspec.UnsetType = msgspec.UNSET
    replyTo: str | msgspec.UnsetType = msgspec.UNSET
    preferredSendTime: str | msgspec.UnsetType = msgspec.UNSET
    productReviewInvitationPreferredSendTime: str | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    products: Annotated[list[Product], _Some] | msgspec.UnsetType = msgspec.UNSET
    productSkus: Annotated[list[str], _Some] | msgspec.UnsetType = msgspec.UNSET


class Mail(msgspec.Struct, frozen=True):
    """What was sent: the snippet, and the program that says it made the mail."""

    snippet: Snippet
    mailer: str


_TIME = "YYYY-MM-DDTHH:MM:SS, such as 2026-11-30T09:00:00"
_TEMPLATE = "an id out of the account's templates, or leave it out for its default"
_snippet = Reader(
    Snippet,
    {
        "": "one JSON object",
        "recipientEmail": "the customer's e-mail address, such as ada@example.com",
        "recipientName": "the customer's name as a string, or leave it out",
        "referenceId": "the order's number as a non-empty string",
        "templateId": _TEMPLATE,
        "productReviewInvitationTemplateId": _TEMPLATE,
        "locale": "a language and a country, such as en-US",
        "senderEmail": "an e-mail address, or leave it out for the account's own",
        "replyTo": "an e-mail address, or leave it out for the account's own",
        "preferredSendTime": _TIME,
        "productReviewInvitationPreferredSendTime": _TIME,
        "tags": "an array of words",
        "products": "an array of one or more objects",
        "productSkus": "an array of one or more SKUs",
    },
    {"products[]": Product},
)


def read_mail(content: bytes) -> Mail:
    """The one snippet that the mail holds; ContractError says what is wrong."""
    message = message_from_bytes(content, policy=policy.default)
    try:
        texts = {kind: "\n".join(_texts(message, kind)) for kind in ("text/html", "text/plain")}
        mailer = str(message.get("X-Mailer", ""))
    except (LookupError, ValueError, TypeError, AttributeError):
        # The library's parser stumbles in these ways over mails that are none.
        raise ContractError("the mail cannot be read: its parts or charsets are broken") from None
    found = _scripts(texts["text/html"])
    if not found:
        raise ContractError(
            "the snippet stands in text/plain; send it as text/html"
            if SCRIPT in texts["text/plain"]
            else f'the mail has no <script type="{SCRIPT}">; add one'
        )
    if len(found) > 1:
        raise ContractError(f"the mail has {len(found)} snippets; send one order a mail")
    return Mail(_read_snippet(found[0]), mailer)


def _read_snippet(text: str) -> Snippet:
    if "<" in text:
        raise ContractError("the snippet holds a <, which HTML may take for a tag; write it as \\u003c")
    snippet = _snippet.read(text)
    check, given = _snippet, _given
    check.check_address("recipientEmail", snippet.recipientEmail)
    check.require(snippet.referenceId.strip(), "referenceId: empty")
    check.check_locale("locale", given(snippet.locale))
    for field in ("senderEmail", "replyTo"):
        address = given(getattr(snippet, field))
        if address is not None:
            check.check_address(field, address)
    for field in ("templateId", "productReviewInvitationTemplateId"):
        template = given(getattr(snippet, field))
        check.require(template is None or template.strip(), f"{field}: empty")
    for field in ("preferredSendTime", "productReviewInvitationPreferredSendTime"):
        check.check_send_time(field, given(getattr(snippet, field)))
    check.check_words("tags", snippet.tags or None)
    check.check_words("productSkus", snippet.productSkus or None)
    check.require(not (snippet.products and snippet.productSkus), "products: either this or productSkus")
    for at, product in enumerate(snippet.products or ()):
        check.require(product.sku.strip(), f"products[{at}].sku: missing or empty; send the SKU")
    return snippet


def _texts(message: EmailMessage, kind: str) -> list[str]:
    return [
        str(part.get_content())
        for part in message.walk()
        if isinstance(part, EmailMessage) and part.get_content_type() == kind and not part.is_attachment()
    ]


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and (dict(attrs).get("type") or "").strip().lower() == SCRIPT:
            self.is_open = True
            self.found.append("")

    def handle_data(self, data: str) -> None:
        if self.is_open:
            self.found[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.is_open = False


def _scripts(html: str) -> list[str]:
    scripts = _Scripts()
    scripts.feed(html)
    scripts.close()
    if scripts.is_open:
        raise ContractError("the snippet's script is not closed; add </script>")
    return scripts.found


def _given(value: str | msgspec.UnsetType) -> str | None:
    return None if value is msgspec.UNSET else value
