"""The page: escaped, self-contained, and switching faults with plain forms."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from plaudit.sandbox.cards import ago, money

from .client import API_INVITATION, EVENT, PRODUCTS, Client

EVIL = "<script>alert('\"&</script>"


async def page(client: Client) -> str:
    reply = await client.get("/")
    assert reply.status == 200
    return reply.body.decode()


async def switch(client: Client, **form: str) -> int:
    return (await client.send("POST", "/sandbox/page/faults", urlencode(form).encode())).status


class Links(HTMLParser):
    """Collects what the page would load, and tags and attributes that a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in ("src", "href", "action") if name in given]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


async def test_the_empty_page_says_what_to_do_and_that_nothing_is_sent() -> None:
    html = await page(Client())
    assert "Waiting for the first invitation" in html
    assert "Nothing here is sent to anybody" in html
    assert "curl http://127.0.0.1:8711/api/demokey12/invitation" in html
    assert "python send.py &lt;order&gt;" in await page(Client(hint="python send.py <order>"))


async def test_an_invitation_is_shown_as_a_shop_knows_it() -> None:
    client = Client()
    await client.invite(totalCost=1249.5, currency="EUR", **PRODUCTS)
    client.clock.time += 200_000
    html = await page(client)
    for text in ("Ada Lovelace", "ada@example.com", "1001", "1,249.50 EUR", "Engine", "AE-1", "3 min ago"):
        assert text in html
    assert 'title="23 November 2026, 18:40:00 UTC"' in html
    assert "demokey12" not in html


async def test_everything_is_escaped() -> None:
    client = Client()
    await client.invite(
        recipientName=EVIL,
        referenceId=EVIL,
        source=EVIL,
        totalCost=EVIL,
        products=[{"name": EVIL, "sku": EVIL, "imageUrl": "https://evil.example/x.png"}],
        productSkus=[EVIL],
    )
    html = await page(client)
    assert EVIL not in html and "<script>" not in html and "evil.example" not in html
    assert html.count("&lt;script&gt;alert(&#39;&#34;&amp;&lt;/script&gt;") >= 5


async def test_what_the_other_channels_send_is_escaped_too() -> None:
    client = Client()
    service = {"templateId": EVIL, "tags": [EVIL], "redirectUri": "https://evil.example/"}
    await client.api(
        value={**API_INVITATION, "senderName": EVIL, "locationId": EVIL, "serviceReviewInvitation": service}
    )
    await client.partner(event={**EVENT, "userId": EVIL, "traits": {EVIL: EVIL, "n": {EVIL: 1}}})
    html = await page(client)
    assert "<script>" not in html and html.count("&lt;script&gt;") >= 6
    assert 'href="https://evil' not in html


async def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline() -> None:
    client = Client("429", "slow")
    await client.invite(**PRODUCTS)
    reply = await client.get("/")
    links = Links()
    links.feed(reply.body.decode())
    assert links.links and not links.inline
    assert all(link.startswith("/") and not link.startswith("//") for link in links.links)
    for link in {link for link in links.links if link.startswith("/static/")}:
        static = await client.get(link)
        assert static.status == 200
        assert not re.search(rb"https?://(?!www\.w3\.org/2000/svg)", static.body)
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")


async def test_the_rows_are_fetched_again_only_when_changed() -> None:
    client = Client()
    first = await client.get("/sandbox/page/rows")
    same = {"if-none-match": first.headers["etag"]}
    assert (await client.get("/sandbox/page/rows", **same)).status == 304
    await client.invite()
    assert (await client.get("/sandbox/page/rows", **same)).status == 200
    same = {"if-none-match": (await client.get("/sandbox/page/rows")).headers["etag"]}
    await switch(client, on="429")
    assert (await client.get("/sandbox/page/rows", **same)).status == 200


async def test_faults_are_switched_with_forms() -> None:
    client = Client()
    assert await switch(client, on="503x3=30") == 303
    assert await switch(client, on="429@demokey12") == 303
    html = await page(client)
    assert "2 faults on" in html and "429@dem…=1" in html
    [number, _] = client.app.faults.on
    assert await switch(client, off=str(number)) == 303
    assert [fault.name for fault in client.app.faults.on.values()] == ["429"]
    assert await switch(client, clear="1") == 303
    assert not client.app.faults.on


async def test_a_wrong_fault_is_told_beside_its_field() -> None:
    client = Client()
    reply = await client.send("POST", "/sandbox/page/faults", b"on=<b>")
    assert reply.status == 400
    assert b'role="alert"' in reply.body and b"<b>" not in reply.body


async def test_another_site_cannot_switch_faults() -> None:
    client = Client()
    headers = {"sec-fetch-site": "cross-site"}
    reply = await client.send("POST", "/sandbox/page/faults", b"on=503", headers)
    assert reply.status == 403 and not client.app.faults.on


@pytest.mark.parametrize(
    ("faults", "fields", "note"),
    [
        (["202-first"], [{}], "Not invited yet: asked for products"),
        (["429"], [{}], "Not invited yet: answered 429"),
        ([], [{}, {}], "Invited 2 times"),
        ([], [{"payloadType": "OrderStatusUpdate"}], "Order status only, no invitation"),
    ],
)
async def test_what_should_be_noticed(faults: list[str], fields: list[dict[str, str]], note: str) -> None:
    client = Client(*faults)
    for each in fields:
        await client.invite(**each)
    assert note in await page(client)


async def test_a_long_list_says_where_the_rest_is() -> None:
    client = Client()
    for number in range(51):
        await client.invite(referenceId=f"R{number}")
    html = await page(client)
    assert "The newest 50 of 51" in html and ">R0<" not in html


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(None, "EUR", ""), (1249.5, "EUR", "1,249.50 EUR"), ("79", "USD", "79.00 USD"), (1500, "JPY", "1,500 JPY"), ("€ 5", "", "€ 5")],
)  # fmt: skip
def test_money(amount: str | float | None, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_ago() -> None:
    assert [ago(s * 1000) for s in (-1, 4, 5, 60, 7200, 200_000)] == [
        "just now", "just now", "5 s ago", "1 min ago", "2 h ago", "2 d ago",
    ]  # fmt: skip
