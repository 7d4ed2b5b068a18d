"""Driving a flow: each request that it yields is sent, each answer handed back, until it returns a verdict."""

from __future__ import annotations

from typing import Protocol

from plaudit.deliver.address import ForbiddenAddressError
from plaudit.deliver.http import NoAnswerError, NotSentError
from plaudit.destinations.base import Answer, Flow, Outcome, Request, Verdict


class Transport(Protocol):
    """Sends one request. Raises as `HttpTransport.send` does."""

    async def send(self, request: Request) -> Answer: ...

    async def close(self) -> None: ...


async def drive(flow: Flow, transport: Transport) -> Verdict:
    """The flow's verdict, or the one that a failed connection means."""
    try:
        request = next(flow)
        while True:
            answer = await transport.send(request)
            request = flow.send(answer)
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict
    except NotSentError as error:
        return Verdict(Outcome.RETRY, error.reason, str(error))
    except NoAnswerError as error:
        return Verdict(
            Outcome.UNCERTAIN, error.reason, f"{error}: it cannot be known whether the invitation was made"
        )
    except ForbiddenAddressError as error:
        return Verdict(Outcome.BLOCKED, "forbidden_address", str(error))
    finally:
        flow.close()
