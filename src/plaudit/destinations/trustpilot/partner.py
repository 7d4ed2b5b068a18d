"""The partner channel: the event itself, as Segment sends it to a partner's own endpoint (segment.md 3).

The key is the user of Basic authentication with an empty password, all other settings are a header. Identify calls are passed
on too. A message id says that it is the same event, so sending one again is harmless.
"""

from __future__ import annotations

from base64 import b64encode

import msgspec

from plaudit.destinations.base import Answer, Channel, Delivery, Flow, Request, What
from plaudit.destinations.settings import Settings
from plaudit.destinations.trustpilot import answers

WORDS = answers.Words(
    who="the partner",
    # 200 and 202 are the contract's; Segment's own framework takes any 2xx, and these two say the same.
    success=frozenset({200, 201, 202, 204}),
    unsupported=frozenset({501}),  # the contract's word for "not this type of call", and never repeated
    settings={
        401: (
            "key_refused",
            "the partner does not accept the API Key: compare it with the one that the partner gave you",
        ),
        402: ("plan", "the partner wants another plan for this"),
        403: ("key_forbidden", "the partner forbids this to the API Key: ask the partner what it may do"),
        404: (
            "address_unknown",
            "there is nothing at that address: base_url must be the partner's whole URL",
        ),
    },
)


def flow(delivery: Delivery, settings: Settings) -> Flow:
    """Pass one event on."""
    url = str(settings["base_url"])  # to the letter: it is the whole endpoint
    key = b64encode(f"{settings['api_key']}:".encode()).decode()
    others = b64encode(msgspec.json.encode(settings.get("partner_settings") or {})).decode()
    answer: Answer = yield Request(
        method="POST",
        url=url,
        shown=url,
        headers={
            "authorization": f"Basic {key}",
            "content-type": "application/json",
            "x-segment-settings": others,
        },
        body=delivery.call,
    )
    return answers.verdict(answer, WORDS)


partner = Channel(
    name="partner",
    description="the event itself, as Segment would send it to a partner's endpoint; identify calls too",
    flow=flow,
    carries=frozenset({What.INVITATION, What.IDENTIFY}),
    passes_on=True,
    dedupes=True,
)
