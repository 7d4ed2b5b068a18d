"""The Invitations API channel: Trustpilot's business API behind OAuth 2 (trustpilot.md 2).

Rich in what it takes (language, templates, send times, tags, product reviews), and for accounts with API access.
There is no batch: each order is one call. A 401 surely made no invitation, so it is answered by a new token, once.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import urlencode

import msgspec

from plaudit.destinations.base import (
    Answer,
    Channel,
    Delivery,
    Flow,
    Outcome,
    Request,
    Token,
    TokenFlow,
    Verdict,
    WantToken,
    Wish,
)
from plaudit.destinations.settings import Settings
from plaudit.destinations.trustpilot import answers, templates, terms
from plaudit.spec.order import Order, number

BASE_URL = "https://invitations-api.trustpilot.com"
OAUTH_URL = "https://api.trustpilot.com"  # another host than the calls'; a base_url stands for both
OAUTH_PATH = "/v1/oauth/oauth-business-users-for-applications/accesstoken"
# Trustpilot recommends at most 833 calls in 5 minutes (166 a minute) and 10,000 an hour (166 a minute). What is
# saved up in a second goes out on top, and repeated calls count too: so a little less.
RATE = 160
TOKEN_SECONDS = 3600.0  # for a token that does not say how long it lives: what others keep one for
SHORTEST = 60.0  # asking for tokens more often than that would be refused (429)
PORTION = 100  # addresses in one call that deletes; no limit is documented

_ACCESS = (
    "Trustpilot forbids this call: business_user_id must be the id of an Admin or a Manager (it is on that user's "
    "profile page), and the account's plan must include API access"
)
WORDS = answers.Words(
    success=frozenset({200, 201, 202}),  # documented is 202; the others are HTTP's words for the same
    fault_in_body=True,
    settings={
        401: (
            "token_refused",
            "Trustpilot does not accept its own token: check client_id and client_secret, and that they are this account's",
        ),
        402: ("plan", "Trustpilot wants another plan for this: see Trustpilot Business, Billing"),
        403: ("access_forbidden", _ACCESS),
        404: (
            "unit_unknown",
            "Trustpilot does not know this business unit (or base_url is wrong): compare business_unit_id",
        ),
    },
)
_CLIENT = (
    "client_refused",
    "Trustpilot does not accept client_id and client_secret: compare them with your application's API key and secret",
)
TOKEN_WORDS = answers.Words(
    success=frozenset({200}),
    settings={
        # Whatever is wrong with this request, no order has a part in it: it is the settings.
        **dict.fromkeys((400, 401, 422), _CLIENT),
        402: WORDS.settings[402],
        403: (
            "access_forbidden",
            "Trustpilot gives this application no token: the account's plan must include API access",
        ),
        404: answers.SETTINGS[405],
    },
)
DELETE_WORDS = msgspec.structs.replace(WORDS, success=frozenset({200, 201, 202, 204}))


class ServiceReview(msgspec.Struct, rename="camel", omit_defaults=True):
    """`serviceReviewInvitation` (trustpilot.md 2.3)."""

    template_id: str = ""
    preferred_send_time: str = ""
    redirect_uri: str = ""
    tags: list[str] = []


class ProductReview(msgspec.Struct, rename="camel", omit_defaults=True):
    """`productReviewInvitation`: with products or SKUs, never both."""

    template_id: str = ""
    preferred_send_time: str = ""
    redirect_uri: str = ""
    products: list[terms.CatalogueProduct] = []
    product_skus: list[str] = []


class InvitationData(msgspec.Struct, rename="camel", omit_defaults=True):
    """The body of `email-invitations`."""

    consumer_email: str
    consumer_name: str
    reference_number: str
    locale: str = ""
    sender_email: str = ""
    sender_name: str = ""
    reply_to: str = ""
    service_review_invitation: ServiceReview | None = None
    product_review_invitation: ProductReview | None = None


class _TokenData(msgspec.Struct):
    access_token: str
    expires_in: Any = None  # seconds, as a string


_encode = msgspec.json.Encoder().encode
_token_data = msgspec.json.Decoder(_TokenData)


def token(settings: Settings) -> TokenFlow:
    """An access token of the application's own (client_credentials: it cannot be refreshed)."""
    url = f"{settings.get('base_url') or OAUTH_URL}".rstrip("/") + OAUTH_PATH
    client = f"{settings['client_id']}:{settings['client_secret']}".encode()
    answer: Answer = yield Request(
        method="POST",
        url=url,
        shown=url,
        headers={
            "authorization": f"Basic {b64encode(client).decode()}",
            "content-type": "application/x-www-form-urlencoded",
        },
        body=urlencode({"grant_type": "client_credentials"}).encode(),
    )
    verdict = answers.verdict(answer, TOKEN_WORDS)
    if verdict.outcome is Outcome.ACCEPTED:
        try:
            found = _token_data.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            pass
        else:
            if found.access_token.isprintable() and found.access_token.isascii() and found.access_token:
                seconds = number(found.expires_in)
                return Token(found.access_token, TOKEN_SECONDS if seconds is None else max(seconds, SHORTEST))
    if verdict.outcome in (Outcome.ACCEPTED, Outcome.UNCERTAIN):
        # Without a token nothing was asked of Trustpilot, so nothing is uncertain.
        return Verdict(
            Outcome.RETRY, "no_token", f"answered {answer.status} without a token", status=answer.status
        )
    if verdict.outcome is Outcome.REFUSED:
        return msgspec.structs.replace(verdict, outcome=Outcome.BLOCKED, reason=_CLIENT[0])
    return verdict


def flow(delivery: Delivery, settings: Settings) -> Flow:
    """One invitation, for what the setting `reviews` says."""
    order = delivery.order
    if order is None:
        raise TypeError("this channel carries orders only")
    data = invitation(order, settings, delivery.now)
    answer = yield from _call("POST", "email-invitations", settings, _encode(data))
    verdict = answers.verdict(answer, WORDS)
    lacks = data.product_review_invitation is None and (settings.get("reviews") or "service") != "service"
    if lacks and verdict.outcome is Outcome.ACCEPTED:
        message = "invited to a service review: the order has no product with a number"
        return msgspec.structs.replace(verdict, message=message)
    return verdict


def invitation(order: Order, settings: Settings, now: int) -> InvitationData:
    """The body for an order. One without products to review asks for a service review, whatever was wanted."""
    wanted = settings.get("reviews") or "service"
    products, skus = terms.catalogue(order, settings) if wanted != "service" else ([], [])
    redirect = str(settings.get("redirect_uri") or "")
    service = product = None
    if products or skus:
        product = ProductReview(
            template_id=terms.choice(order, settings, "product_template_id") or "",
            preferred_send_time=terms.product_time(order, settings, now),
            redirect_uri=redirect,
            products=products,
            product_skus=skus,
        )
    if product is None or wanted == "both":
        service = ServiceReview(
            template_id=terms.choice(order, settings, "template_id") or "",
            preferred_send_time=terms.service_time(order, settings, now),
            redirect_uri=redirect,
            tags=terms.tags(order, settings),
        )
    return InvitationData(
        consumer_email=order.email,
        consumer_name=terms.greeting(order),
        reference_number=order.order_id,
        locale=terms.locale(order, settings),
        sender_email=settings.get("sender_email") or "",
        sender_name=settings.get("sender_name") or "",
        reply_to=settings.get("reply_to") or "",
        service_review_invitation=service,
        product_review_invitation=product,
    )


def check(settings: Settings) -> Flow:
    """A token, the business unit, and whether every template that is configured exists: a wrong one sends no mail, in silence."""
    answer = yield from _call("GET", "templates", settings)
    verdict = answers.verdict(answer, WORDS)
    if verdict.outcome is not Outcome.ACCEPTED:
        return verdict
    return templates.verdict(answer, settings)


def forget(addresses: list[str], settings: Settings) -> Flow:
    """Have Trustpilot delete what it keeps of invitations to these addresses; it cannot be undone there."""
    for start in range(0, len(addresses), PORTION):
        body = _encode({"customerEmails": addresses[start : start + PORTION]})
        answer = yield from _call("POST", "invitation-data/delete", settings, body)
        verdict = answers.verdict(answer, DELETE_WORDS)
        if verdict.outcome is not Outcome.ACCEPTED:
            return verdict
    message = f"Trustpilot was asked to delete its invitation data (addresses: {len(addresses)})"
    return Verdict(Outcome.ACCEPTED, "accepted", message)


def _call(method: str, what: str, settings: Settings, body: bytes = b"") -> Generator[Wish, Any, Answer]:
    """A call with a token; a second one with another token when that is refused."""
    request = _request(method, what, settings, body)
    token: str = yield WantToken()
    answer: Answer = yield request(token)
    if answer.status == 401:
        token = yield WantToken(refused=token)
        answer = yield request(token)
    return answer


def _request(method: str, what: str, settings: Settings, body: bytes) -> Callable[[str], Request]:
    base = str(settings.get("base_url") or BASE_URL).rstrip("/")
    url = f"{base}/v1/private/business-units/{settings['business_unit_id']}/{what}"
    headers = {"x-business-user-id": str(settings["business_user_id"])}
    if method == "POST":
        headers["content-type"] = "application/json"

    def with_token(token: str) -> Request:
        return Request(
            method=method,
            url=url,
            shown=url,
            headers={**headers, "authorization": f"Bearer {token}"},
            body=body,
        )

    return with_token


invitations_api = Channel(
    name="invitations_api",
    description="Trustpilot's business API: languages, templates, send times and product reviews, on plans with API access",
    flow=flow,
    default_base_url=BASE_URL,
    rate=RATE,
    token=token,
    check=check,
    forget=forget,
)
