"""Driving a flow: each wish that it yields is carried out, each answer handed back, until it returns its result.

A flow goes on to a further request only when the ones before surely did nothing that may not be done twice. So
the last request alone decides what a broken connection means.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol, TypeVar

from plaudit.deliver.address import ForbiddenAddressError
from plaudit.deliver.failures import NoAnswerError, NotSentError, UnusableError
from plaudit.deliver.transport import Transport
from plaudit.destinations.base import Fault, Outcome, Request, Verdict, WantToken, Wish

T = TypeVar("T")
READING = frozenset({"GET", "HEAD"})  # methods that do nothing but tell


class TokenSource(Protocol):
    """What answers a `WantToken`: deliver/tokens.py."""

    async def get(self, refused: str = "") -> str | Verdict: ...


async def drive(
    flow: Generator[Wish, Any, T] | Generator[Request, Any, T],
    transport: Transport,
    tokens: TokenSource | None = None,
    *,
    harmless: bool = False,
) -> T | Verdict:
    """The flow's result, or the verdict that a failed connection or the lack of a token means.

    `harmless`: nothing that it asks for does anything, so without an answer it is asked again.
    """
    wish: Wish | None = None
    try:
        wish = next(flow)
        while True:
            if isinstance(wish, WantToken):
                token = await _token(wish, tokens)
                if isinstance(token, Verdict):
                    return token
                wish = flow.send(token)
            else:
                wish = flow.send(await transport.send(wish))
    except StopIteration as end:
        result: T = end.value
        return result
    except NotSentError as error:
        return Verdict(Outcome.RETRY, error.reason, str(error), fault=error.fault)
    except NoAnswerError as error:
        if harmless or (isinstance(wish, Request) and wish.method in READING):
            return Verdict(Outcome.RETRY, error.reason, str(error))
        said = f"{error}: it cannot be known whether it was taken"
        return Verdict(Outcome.UNCERTAIN, error.reason, said)
    except UnusableError as error:
        return Verdict(Outcome.BLOCKED, error.reason, str(error), fault=Fault.OURS)
    except ForbiddenAddressError as error:
        return Verdict(Outcome.BLOCKED, "forbidden_address", str(error), fault=Fault.OURS)
    finally:
        flow.close()


async def _token(wish: WantToken, tokens: TokenSource | None) -> str | Verdict:
    if tokens is None:
        raise RuntimeError("a flow wants a token, but its channel has no token flow")
    return await tokens.get(wish.refused)
