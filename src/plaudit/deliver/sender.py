"""Sending: one delivery by the channel's flow, a page of them by its page flow, and the check of the settings."""

from __future__ import annotations

from typing import Any, NamedTuple

from plaudit.clock import Clock
from plaudit.deliver.drive import drive
from plaudit.deliver.tokens import Tokens
from plaudit.deliver.transport import Transport
from plaudit.destinations.base import (
    Answer,
    Delivery,
    Destination,
    Fault,
    Mail,
    Outcome,
    Request,
    Verdict,
)
from plaudit.destinations.hiding import hidden, secrets
from plaudit.destinations.settings import Settings
from plaudit.observe import happenings
from plaudit.store.base import Claimed


class Sent(NamedTuple):
    """What an attempt came to: a verdict for each delivery, and how many requests it took."""

    verdicts: list[Verdict]
    requests: int


class Sender:
    """Sends by one destination's channel. Never raises but when it is cancelled."""

    def __init__(self, kind: Destination, settings: Settings, transport: Transport, clock: Clock) -> None:
        self._channel = kind.channel(settings)
        self._settings = settings
        self._secrets = secrets(kind, settings)
        self._transport = transport
        self._clock = clock
        self._tokens: Tokens | None = None
        if self._channel.token is not None:
            self._tokens = Tokens(lambda: self._channel.token(settings), transport)  # type: ignore[misc] # checked above
        self.page_size = self._channel.page_size if self._channel.page and settings.get("pages", True) else 1

    async def send(self, claimed: list[Claimed]) -> Sent:
        """Try to send one delivery, or a page of them."""
        counted = _Counted(self._transport)
        if len(claimed) == 1:
            return Sent([await self._one(claimed[0], counted)], counted.requests)
        return Sent(await self._page(claimed, counted), counted.requests)

    async def check(self) -> Verdict | None:
        """Whether the destination would work, found out without an effect; None: there is no way to ask."""
        if self._channel.check is None:
            return None
        try:
            flow = self._channel.check(self._settings)
            return self._verdict(await drive(flow, self._transport, self._tokens, harmless=True))
        except Exception as error:  # noqa: BLE001 - a flow's own fault must not stop the lane
            return _broken(error)

    async def close(self) -> None:
        await self._transport.close()

    async def _one(self, claimed: Claimed, transport: Transport) -> Verdict:
        if claimed.order is not None and not claimed.order.email:
            return Verdict(Outcome.REFUSED, "forgotten", "the customer was forgotten during an attempt")
        try:
            flow = self._channel.flow(self._delivery(claimed), self._settings)
            return self._verdict(await drive(flow, transport, self._tokens))
        except Exception as error:  # noqa: BLE001 - a flow's own fault must not stop the lane
            return _broken(error)

    async def _page(self, claimed: list[Claimed], transport: Transport) -> list[Verdict]:
        assert self._channel.page is not None  # noqa: S101 - `page_size` says so
        try:
            flow = self._channel.page([self._delivery(each) for each in claimed], self._settings)
            found = await drive(flow, transport, self._tokens)
            if isinstance(found, list):
                return [self._verdict(each) for each, _ in zip(found, claimed, strict=True)]
            found = self._verdict(found)
        except Exception as error:  # noqa: BLE001 - as above
            found = _broken(error)
        if found.outcome is Outcome.REFUSED:  # as a whole: one that is bad must not take the others with it
            return [await self._one(each, transport) for each in claimed]
        return [found] * len(claimed)

    def _verdict(self, found: Any) -> Verdict:
        """What a flow returned, with no secret in it; one of somebody else's may have come to its end without a verdict."""
        if isinstance(found, Verdict):
            return hidden(found, self._secrets)
        said = f"a fault in the destination's flow: it returned {type(found).__name__} in place of a verdict"
        return Verdict(Outcome.UNCERTAIN, "internal", said, fault=Fault.OURS)

    def _delivery(self, claimed: Claimed) -> Delivery:
        return Delivery(
            claimed.id, claimed.what, claimed.order, (claimed.call or "").encode(), self._clock.now()
        )


class _Counted:
    """A transport that counts, for one attempt."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.requests = 0

    async def send(self, wish: Request | Mail) -> Answer:
        self.requests += 1
        return await self._transport.send(wish)

    async def close(self) -> None:
        """It belongs to the lane."""


def _broken(error: Exception) -> Verdict:
    said = f"a fault in Plaudit: {happenings.where(error)}"
    return Verdict(Outcome.UNCERTAIN, "internal", said, fault=Fault.OURS)
