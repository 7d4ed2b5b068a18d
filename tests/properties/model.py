"""What should become of events, said as simply as it can be: the first good one of an order is its invitation."""

from __future__ import annotations

from typing import Any, NamedTuple

# Kinds of events, with what becomes of the first one under a message id.
INVITES = "invites"
OUTCOMES = {
    "no email": "MESSAGE_REJECTED",
    "no order": "MESSAGE_REJECTED",
    "another event": "NO_MATCHING_MAPPING",
    "a page": "UNSUPPORTED_EVENT_TYPE",
    "switched off": "FILTERED_BY_INTEGRATIONS_OBJECT",
    "nobody": "no_user_anon_id",  # refused by collect: keeps no later event with its message id out
}


class Event(NamedTuple):
    """One event as a shop sends it. With the same four words it is the same event."""

    source: str
    message_id: str
    order: str
    kind: str

    def json(self) -> dict[str, Any]:
        properties = {"order_id": self.order, "email": "ada@example.com", "total": 27.5}
        event: dict[str, Any] = {
            "type": "track",
            "event": "Order Completed",
            "userId": "u",
            "properties": properties,
        }
        event["messageId"] = self.message_id
        if self.kind == "no email":
            del properties["email"]
        elif self.kind == "no order":
            del properties["order_id"]
        elif self.kind == "another event":
            event["event"] = "Order Updated"
        elif self.kind == "a page":
            event["type"] = "page"
        elif self.kind == "switched off":
            event["integrations"] = {"All": False}
        elif self.kind == "nobody":
            del event["userId"]
        return event


class Expected(NamedTuple):
    """A disposition, and the place in the log of the event that it points to."""

    disposition: str
    of: int | None = None


def expected(log: list[Event]) -> list[Expected]:
    """What becomes of each event in the log."""
    first: dict[tuple[str, str], int] = {}
    invited: dict[str, int] = {}
    found = []
    for place, event in enumerate(log):
        known = (event.source, event.message_id)
        if event.kind == "nobody":
            found.append(Expected(OUTCOMES[event.kind]))
        elif known in first:
            found.append(Expected("duplicate_message", first[known]))
        else:
            first[known] = place
            if event.kind != INVITES:
                found.append(Expected(OUTCOMES[event.kind]))
            elif event.order in invited:
                found.append(Expected("duplicate_order", invited[event.order]))
            else:
                invited[event.order] = place
                found.append(Expected("invited", place))
    return found
