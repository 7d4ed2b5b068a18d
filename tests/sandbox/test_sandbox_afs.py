"""Mails to the Automatic Feedback Service, row by row (trustpilot.md 4): read without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plaudit.sandbox.afs.channel import key_of
from plaudit.sandbox.afs.contract import read_mail
from plaudit.sandbox.reading import ContractError
from plaudit.sandbox.review_templates import PRODUCT, SERVICE, TEMPLATES

from .client import AFS, SNIPPET, Client, mail

SERVICE_ID = next(template.id for template in TEMPLATES if template.type == SERVICE)
PRODUCT_ID = next(template.id for template in TEMPLATES if template.type == PRODUCT)
SCRIPT = f'<script type="application/json+trustpilot">{json.dumps(SNIPPET)}</script>'


def sent(client: Client, message: Any) -> str:
    return client.app.afs.mail(AFS, bytes(message)).text


async def test_the_least_mail_is_taken() -> None:
    client = Client()
    assert sent(client, mail()).startswith("250 ")
    [row] = await client.rows()
    assert (row["channel"], row["key"], row["reference_id"]) == ("afs", "abc…", "1001")
    assert (row["source"], row["accepted"], row["answer"]) == ("Plaudit/0.2", 1, "250")


async def test_everything_that_a_snippet_can_say_is_recorded() -> None:
    client = Client()
    product = {
        "productUrl": "https://s.example/p", "imageUrl": "https://s.example/i", "name": "Engine <3", "sku": "AE-1",
        "gtin": "1", "mpn": "2", "brand": "B", "productCategoryGoogleId": "3",
    }  # fmt: skip
    message = mail(
        recipientName="Ada Lövelace",
        templateId=SERVICE_ID,
        productReviewInvitationTemplateId=PRODUCT_ID,
        locale="en-GB",
        senderEmail="shop@example.com",
        senderName="The Shop",
        replyTo="care@example.com",
        preferredSendTime="2026-12-01T09:00:00",
        productReviewInvitationPreferredSendTime="2026-12-08T09:00:00",
        tags=["web"],
        products=[product],
    )
    assert sent(client, message).startswith("250 ")
    [row] = await client.rows()
    wanted = {
        "recipient_name": "Ada Lövelace",
        "products": [product],
        "invites": ["service", "product"],
        "locale": "en-GB",
        "template_id": SERVICE_ID,
        "product_template_id": PRODUCT_ID,
        "tags": ["web"],
        "preferred_send_time": "2026-12-01T09:00:00",
        "product_preferred_send_time": "2026-12-08T09:00:00",
        "sender_email": "shop@example.com",
        "sender_name": "The Shop",
        "reply_to": "care@example.com",
        "note": "",
    }
    assert {name: row[name] for name in wanted} == wanted
    html = (await client.get("/")).body.decode()
    for text in (
        "Mail (AFS)",
        "en-GB",
        "Service review, optimized (en-US)",
        "1 December 2026, 09:00 UTC",
        "web",
    ):
        assert text in html


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"recipientEmail": ...}, "recipientEmail: missing"),
        ({"recipientEmail": "ada"}, "recipientEmail: not an e-mail address"),
        ({"referenceId": ...}, "referenceId: missing"),
        ({"referenceId": ""}, "referenceId: empty"),
        ({"referenceId": 1001}, "referenceId: Expected `str`"),
        ({"recipientName": None}, "recipientName: Expected `str`"),
        ({"consumerEmail": "ada@example.com"}, "consumerEmail: the contract has no such field"),
        ({"locale": "en_US"}, "locale: not a locale with a hyphen"),
        ({"templateId": ""}, "templateId: empty"),
        ({"senderEmail": "me"}, "senderEmail: not an e-mail address"),
        ({"replyTo": ""}, "replyTo: not an e-mail address"),
        ({"preferredSendTime": "2026-12-01T09:00:00Z"}, "preferredSendTime: not a time without an offset"),
        (
            {"productReviewInvitationPreferredSendTime": "soon"},
            "productReviewInvitationPreferredSendTime: not",
        ),
        ({"tags": "web"}, "tags: Expected `array`"),
        ({"tags": [" "]}, "tags: holds an empty one"),
        ({"products": []}, "products: Expected `array`"),
        ({"products": [{"name": "Engine"}]}, "products[0].sku: missing or empty"),
        ({"products": [{"sku": "a", "quantity": 1}]}, "products[0].quantity: the contract has no such field"),
        ({"products": [{"sku": "a"}], "productSkus": ["a"]}, "products: either this or productSkus"),
        ({"productSkus": [""]}, "productSkus: holds an empty one"),
    ],
)
async def test_what_is_wrong_is_named_with_its_mend(fields: dict[str, Any], says: str) -> None:
    client = Client("451")
    reply = sent(client, mail(**fields))
    assert reply.startswith(f"554 5.6.0 {says}")
    assert not await client.rows()
    assert (await client.stats())["by_status"] == {"554": 1}


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<p>Thank you</p>", 'the mail has no <script type="application/json+trustpilot">'),
        ("<script>{}</script>", "the mail has no <script"),
        (SCRIPT + SCRIPT, "the mail has 2 snippets"),
        (SCRIPT.removesuffix("</script>"), "the snippet's script is not closed"),
        (SCRIPT.replace("1001", "<b>"), "the snippet holds a <"),
        (SCRIPT.replace("1001", "</script>"), "the body is not JSON"),
        (SCRIPT.replace("}", ""), "the body is not JSON"),
    ],
)
def test_there_must_be_one_snippet(html: str, says: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_mail(bytes(mail(html)))
    assert str(caught.value).startswith(says)


def test_a_snippet_stands_in_html_and_nothing_else() -> None:
    with pytest.raises(ContractError, match="text/plain; send it as text/html"):
        read_mail(bytes(mail(SCRIPT, "plain")))
    assert read_mail(bytes(mail(SCRIPT))).snippet.referenceId == "1001"
    latin = f"Content-Type: text/html; charset=latin-1\r\n\r\n{SCRIPT.replace('1001', 'é')}".encode("latin-1")
    assert read_mail(latin).snippet.referenceId == "é"


@pytest.mark.parametrize("fields", [{"templateId": "x"}, {"productReviewInvitationTemplateId": SERVICE_ID}])
async def test_an_unknown_template_is_taken_and_never_sent(fields: dict[str, str]) -> None:
    client = Client()
    assert sent(client, mail(**fields)).startswith("250 ")
    assert (await client.stats())["unsent"] == 1
    assert (await client.rows())[0]["note"].startswith("Never sent")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (AFS, "abc123def456"),
        ("Shop.Example+ABCDEF12@Invite.Trustpilot.com", "ABCDEF12"),
        ("abc123def456@invite.trustpilot.com", None),
        ("shop.example.com+@invite.trustpilot.com", None),
        ("shop.example.com+abc123@trustpilot.com", None),
        ("shop.example.com+abc123@invite.trustpilot.com.evil.example", None),
        ("ada@example.com", None),
    ],
)
def test_addresses_of_the_service(address: str, key: str | None) -> None:
    assert key_of(address) == key


async def test_an_answer_is_one_line_of_ascii_and_repeats_no_value() -> None:
    client = Client()
    reply = sent(client, mail(recipientEmail="secret@example@com", **{"é" * 60: "secret"}))
    assert reply.isascii() and "\n" not in reply and "secret" not in reply and len(reply) < 510


@pytest.mark.parametrize(("spelled", "accepted"), [("421", 0), ("451", 0), ("554", 0), ("reset-after", 1)])
async def test_a_fault_answers(spelled: str, accepted: int) -> None:
    client = Client(spelled)
    reply = client.app.afs.mail(AFS, bytes(mail()))
    assert (
        reply.broken
        if spelled == "reset-after"
        else reply.text.startswith(f"{spelled} 4" if spelled[0] == "4" else "554 5")
    )
    [row] = await client.rows()
    assert (row["posts"], row["accepted"], row["answer"]) == (1, accepted, spelled)


@settings(max_examples=300, deadline=None)
@given(
    content=st.binary()
    | st.tuples(
        st.sampled_from(
            ["text/html", "text/plain", "multipart/mixed", "multipart/alternative; boundary=x", "x/y/z"]
        ),
        st.sampled_from(["utf-8", "latin-1", "nonsense", "utf-16", "\x00"]),
        st.sampled_from(["7bit", "base64", "quoted-printable", "nonsense"]),
        st.text() | st.just(SCRIPT),
    ).map(
        lambda t: (
            f"Content-Type: {t[0]}; charset={t[1]}\r\nContent-Transfer-Encoding: {t[2]}\r\n\r\n{t[3]}"
        ).encode("utf-8", "replace")
    )
)
@example(content=b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n<script")
@example(content=b"X-Mailer: =?utf-8?b?\xff?=\r\nContent-Type: text/html\r\n\r\n" + SCRIPT.encode())
@example(content=b"Content-Type: text/html; charset*=x''y\r\n\r\n" + SCRIPT.encode())
def test_no_bytes_make_it_stumble(content: bytes) -> None:
    client = Client()
    assert client.app.afs.mail(AFS, content).text[:4] in ("250 ", "554 ")
