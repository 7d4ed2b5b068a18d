"""What can become of an event: each code with the sentence that people read.

Codes in Segment's own words where Segment has one (segment.md 1.5, 4.2); lower-case ones of ours where it
has none. A disposition with a detail of its own shows that in place of the sentence.
"""

from __future__ import annotations

INVITED = "invited"
DUPLICATE_ORDER = "duplicate_order"
DUPLICATE_MESSAGE = "duplicate_message"
NO_DESTINATION = "no_destination"
FILTERED = "FILTERED_BY_INTEGRATIONS_OBJECT"
UNSUPPORTED = "UNSUPPORTED_EVENT_TYPE"
NO_MATCH = "NO_MATCHING_MAPPING"
REJECTED = "MESSAGE_REJECTED"
FILTERED_BY_RULES = "FILTERED_BY_RULES"
CORRECTED = "corrected_order"
INVITED_BEFORE = "customer_invited_before"
FORGOTTEN = "customer_forgotten"
PASSED_ON = "passed_on"
CANCELLED = "invitation_cancelled"
CANCELLED_LATE = "cancelled_too_late"
CANCELLED_EARLY = "cancelled_before_order"
CANCELLED_PARTLY = "cancelled_in_part"
HISTORY = "history"

# Refused by collect, in Segment's words for "failed on ingest".
UNREADABLE = {
    "bad_request": "the event cannot be read",
    "event_not_defined": "a track call without an event name",
    "event_not_string": "the event's name is not a string",
    "no_user_anon_id": "neither userId nor anonymousId",
    "id_required": "an id that this call needs is missing",
    "id_not_string": "an id is not a string",
    "properties_not_object": "properties is not an object",
    "traits_not_object": "traits is not an object",
    "event_too_large": "the event is larger than 32 KB",
}

SENTENCES = {
    INVITED: "made a review invitation",
    DUPLICATE_ORDER: "the order already has its invitation",
    DUPLICATE_MESSAGE: "the same event came before (same messageId)",
    NO_DESTINATION: "its source is connected to no destination",
    FILTERED: "the event's integrations object switches this destination off",
    UNSUPPORTED: "the destination takes track calls only",
    NO_MATCH: "the destination takes Order Completed only, and Order Cancelled and Order Refunded to take one back",
    REJECTED: "a required field is missing or wrong",
    FILTERED_BY_RULES: "the destination's settings do not want this order now",
    CORRECTED: "corrected an order that Trustpilot had refused; it is sent again",
    INVITED_BEFORE: "the customer was invited a short time before (setting once_per)",
    FORGOTTEN: "the customer asked to be forgotten: nothing is sent, and nothing of them is kept",
    PASSED_ON: "passed on to the destination as it is",
    CANCELLED: "the order's invitation is cancelled",
    CANCELLED_LATE: "came too late: the order's invitation had been sent",
    CANCELLED_EARLY: "noted: the order has no invitation, and will get none unless it is completed again",
    CANCELLED_PARTLY: "only a part of the order was refunded: its invitation stays",
    HISTORY: "imported as history: it makes no invitation",
    **UNREADABLE,
}

# What an event was refused for: by collect, or because a destination could not do anything with its order.
REFUSED = frozenset({*UNREADABLE, REJECTED})

# One word for an event that went to several destinations: the best that happened.
_ORDER = (
    INVITED,
    CORRECTED,
    PASSED_ON,
    CANCELLED,
    CANCELLED_LATE,
    DUPLICATE_ORDER,
    INVITED_BEFORE,
    FORGOTTEN,
    REJECTED,
    FILTERED_BY_RULES,
    FILTERED,
    NO_MATCH,
    UNSUPPORTED,
)


def sentence(code: str, invitation: int | None = None) -> str:
    """What a code means, for people; an invitation that was made is named."""
    if code == INVITED and invitation is not None:
        return f"made invitation {invitation}"
    return SENTENCES.get(code, "")


def summary(codes: list[str]) -> str:
    """The one code that stands for an event with these at its destinations."""
    return min(codes, key=lambda code: _ORDER.index(code) if code in _ORDER else len(_ORDER))
