"""What a shop can set, in the order of a form.

The page that this implements knows one setting, "API Key" (the Integration Key). All others have defaults, or
belong to another channel. None of them may pick customers by how satisfied they are: Trustpilot forbids it
(trustpilot.md 6), so rules see the shop, the currency and the language, and nothing else.
"""

from __future__ import annotations

from plaudit.destinations.settings import Kind, Setting
from plaudit.destinations.trustpilot.names import (
    ADDRESS,
    ADDRESS_HINT,
    API,
    KEY,
    LOCALE,
    LOCALE_HINT,
    MAIL,
    PARTNER,
    RICH,
    TEMPLATE_HINT,
    UNIT_ID,
    URL,
    WRITING,
)
from plaudit.destinations.trustpilot.reach import REACH

_CONTENT = (
    Setting(
        key="locale",
        label="Language",
        description="the language of the invitation; left out, the event's own (context.locale)",
        channels=RICH,
        pattern=LOCALE,
        hint=LOCALE_HINT,
    ),
    Setting(
        key="template_id",
        label="Template",
        description="the template of the service review invitation; left out, your account's default",
        channels=RICH,
        pattern=UNIT_ID,
        hint=TEMPLATE_HINT,
    ),
    Setting(
        key="product_template_id",
        label="Product template",
        description="the template of the product review invitation; left out, your account's default",
        channels=RICH,
        pattern=UNIT_ID,
        hint=TEMPLATE_HINT,
    ),
    Setting(
        key="template_params",
        label="Template scope",
        description="scope ids that your Trustpilot account maps to a template, as its shop plugins send them",
        kind=Kind.LIST,
        channels=(KEY,),
    ),
    Setting(
        key="tags",
        label="Tags",
        description='tags of the invitation; "trait:NAME" is the customer\'s trait, "audience:NAME" is there for members',
        kind=Kind.LIST,
        channels=RICH,
        pattern=r"((trait|audience):)?[^\s]{1,100}",
        hint="must have no spaces: Trustpilot's tags have none",
    ),
)

_RULE = (
    Setting(key="affiliation", label="Shop", description="the event's affiliation; * stands for anything"),
    Setting(key="currency", label="Currency", description="the order's currency; * stands for anything"),
    Setting(
        key="event_locale",
        label="Event's language",
        description="the event's context.locale; * stands for anything",
    ),
    *_CONTENT,
)

SETTINGS = (
    Setting(
        key="api_key",
        label="API Key",
        description="the Integration Key from Trustpilot Business, Integrations, Segment",
        needed=(KEY, PARTNER),
        secret=True,
        pattern=r"[A-Za-z0-9_-]{4,128}",
        hint="is no Integration Key: those have letters and digits only",
        identity=True,
    ),
    Setting(
        key="channel",
        label="Channel",
        description="how invitations reach Trustpilot",
        default=KEY,
        choices=(KEY, API, MAIL, PARTNER),
    ),
    # when, and for which orders
    Setting(
        key="hold",
        label="Hold time",
        description="how long after the order an invitation waits here, where a cancelled order still takes it back",
        kind=Kind.DURATION,
    ),
    Setting(
        key="once_per",
        label="One invitation per customer in",
        description="a customer who was invited this short a time before is not invited again",
        kind=Kind.DURATION,
    ),
    Setting(
        key="order_states",
        label="Order states",
        description="only orders whose properties.status is one of these",
        kind=Kind.LIST,
    ),
    # what is sent
    Setting(
        key="products",
        label="Products",
        description="which of a product's numbers is its SKU at Trustpilot (the other one stands in), or 'none': send no products",
        channels=WRITING,
        default="sku",
        choices=("sku", "product_id", "none"),
    ),
    Setting(
        key="reviews",
        label="Reviews",
        description="what the customer is asked to review",
        channels=RICH,
        default="service",
        choices=("service", "product", "both"),
    ),
    *_CONTENT,
    Setting(
        key="rules",
        label="Rules",
        description="language, template and tags by shop, currency or language; for each, the first rule that fits and has one decides",
        kind=Kind.TABLES,
        channels=WRITING,
        fields=_RULE,
    ),
    Setting(
        key="send_after",
        label="Send after",
        description="how long after the order Trustpilot sends the invitation; left out, your account's setting",
        kind=Kind.DURATION,
        channels=RICH,
    ),
    Setting(
        key="product_send_after",
        label="Send product invitation after",
        description="the same for the product review invitation; must be later than send_after",
        kind=Kind.DURATION,
        channels=RICH,
    ),
    Setting(
        key="sender_name", label="Sender name", description="who the invitation comes from", channels=RICH
    ),
    Setting(
        key="sender_email",
        label="Sender address",
        description="the address that the invitation comes from",
        channels=RICH,
        pattern=ADDRESS,
        hint=ADDRESS_HINT,
    ),
    Setting(
        key="reply_to",
        label="Reply to",
        description="where answers to the invitation go",
        channels=RICH,
        pattern=ADDRESS,
        hint=ADDRESS_HINT,
    ),
    Setting(
        key="redirect_uri",
        label="Redirect",
        description="where the customer is led after the review",
        channels=(API,),
        pattern=URL,
        hint="must look like https://shop.example.com/thanks",
    ),
    Setting(
        key="shop_url",
        label="Shop URL",
        description="sent as Origin; left out, it is taken from the page that the event came from",
        channels=(KEY,),
        pattern=r"https?://[A-Za-z0-9.-]+(:\d+)?/?",
        hint="must look like https://shop.example.com",
    ),
    *REACH,
    # delivery
    Setting(
        key="uncertain",
        label="When it cannot be known whether an invitation was sent",
        description="'hold' keeps it for a person to decide, 'resend' sends it again with the same reference",
        choices=("hold", "resend"),
    ),
    Setting(
        key="retry_for",
        label="Retry for",
        description="how long a failing delivery is tried again",
        kind=Kind.DURATION,
        default="4 hours",
    ),
    Setting(
        key="rate_limit",
        label="Requests a minute",
        description="the most requests a minute; left out, what Trustpilot recommends for the channel; 0: no limit",
        kind=Kind.NUMBER,
    ),
    Setting(
        key="pages",
        label="Pages",
        description="send a backlog in pages of 20 (batchinvitations)",
        kind=Kind.FLAG,
        channels=(KEY,),
        default=True,
    ),
    Setting(
        key="base_url",
        label="Base URL",
        description="another host than Trustpilot's: the sandbox, a partner, or a test",
        channels=(KEY, API, PARTNER),
        needed=(PARTNER,),
        pattern=URL,
        hint="must look like https://host or http://127.0.0.1:8711",
    ),
    Setting(
        key="allow_private",
        label="Allow private addresses",
        description="permit a host at a loopback, private or link-local address",
        kind=Kind.FLAG,
        default=False,
    ),
)
