"""Sending: one delivery by the channel's flow, a page of them by its page flow, and the check of the settings."""

from __future__ import annotations

from typing import Any, NamedTuple

from plaudit.clock import Clock
from plaudit.deliver.address import ForbiddenAddressError
from plaudit.deliver.drive import drive
from plaudit.deliver.failures import SendError
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
    What,
)
from plaudit.destinations.exchange import Taken, kept
from plaudit.destinations.hiding import hidden, secrets
from plaudit.destinations.settings import Settings
from plaudit.observe import happenings
from plaudit.store.base import Claimed


class Sent(NamedTuple):
    """What an attempt came to: a verdict for each delivery, what to keep of each, and how many requests it took."""

    verdicts: list[Verdict]
    kept: list[bytes]
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
        if len(claimed) == 1:
            return await self._one(claimed[0])
        return await self._page(claimed)

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

    async def _one(self, claimed: Claimed) -> Sent:
        if claimed.order is not None and not claimed.order.email:
            gone = Verdict(Outcome.REFUSED, "forgotten", "the customer was forgotten during an attempt")
            return Sent([gone], [b""], 0)
        delivery = self._delivery(claimed)
        recorder = _Recorder(self._transport, self._clock)
        try:
            flow = self._channel.flow(delivery, self._settings)
            verdict = self._verdict(await drive(flow, recorder, self._tokens))
        except Exception as error:  # noqa: BLE001 - a flow's own fault must not stop the lane
            verdict = _broken(error)
        return Sent([verdict], [self._keep([delivery], recorder, verdict)], len(recorder.taken))

    async def _page(self, claimed: list[Claimed]) -> Sent:
        assert self._channel.page is not None  # noqa: S101 - `page_size` says so
        deliveries = [self._delivery(each) for each in claimed]
        recorder = _Recorder(self._transport, self._clock)
        found: list[Verdict] | Verdict
        try:
            flow = self._channel.page(deliveries, self._settings)
            told = await drive(flow, recorder, self._tokens)
            if isinstance(told, list):
                found = [self._verdict(each) for each, _ in zip(told, claimed, strict=True)]
            else:
                found = self._verdict(told)
        except Exception as error:  # noqa: BLE001 - as above
            found = _broken(error)
        requests = len(recorder.taken)
        if isinstance(found, Verdict) and found.outcome is Outcome.REFUSED:
            # As a whole: one that is bad must not take the others with it.
            each = [await self._one(one) for one in claimed]
            return Sent(
                [one.verdicts[0] for one in each],
                [one.kept[0] for one in each],
                requests + sum(one.requests for one in each),
            )
        verdicts = [found] * len(claimed) if isinstance(found, Verdict) else found
        return Sent(verdicts, [self._keep(deliveries, recorder, *verdicts)] * len(claimed), requests)

    def _keep(self, of: list[Delivery], recorder: _Recorder, *verdicts: Verdict) -> bytes:
        """Of calls only what did not go well: there is one a person and audience, and each says the same."""
        well = all(verdict.outcome is Outcome.ACCEPTED for verdict in verdicts)
        if not recorder.taken or (well and all(each.what is not What.INVITATION for each in of)):
            return b""
        try:
            return kept(of, recorder.taken, self._secrets)
        except Exception as error:  # noqa: BLE001 - what people look at must not decide what becomes of an order
            happenings.StepFailed("keep an exchange", happenings.where(error), 0).emit()
            return b""

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


class _Recorder:
    """A transport that remembers what it carried, for one attempt."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self.taken: list[Taken] = []

    async def send(self, wish: Request | Mail) -> Answer:
        taken = Taken(wish, "", self._clock.now())
        self.taken.append(taken)
        try:
            taken.came = await self._transport.send(wish)
        except Exception as error:
            taken.came = (
                str(error)
                if isinstance(error, SendError | ForbiddenAddressError)
                else happenings.where(error)
            )
            raise
        finally:
            taken.took = self._clock.now() - taken.took
        return taken.came

    async def close(self) -> None:
        """It belongs to the lane."""


def _broken(error: Exception) -> Verdict:
    said = f"a fault in Plaudit: {happenings.where(error)}"
    return Verdict(Outcome.UNCERTAIN, "internal", said, fault=Fault.OURS)
