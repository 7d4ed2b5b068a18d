"""Driving flows: what comes back is handed on, and a failure means what was surely or possibly done."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator
from typing import Any

import pytest

from plaudit.deliver.address import ForbiddenAddressError
from plaudit.deliver.drive import drive
from plaudit.deliver.failures import NoAnswerError, NotSentError, UnusableError
from plaudit.deliver.tokens import LONGEST_WAIT, Tokens
from plaudit.destinations.base import (
    Answer,
    Fault,
    Mail,
    Outcome,
    Request,
    Token,
    TokenFlow,
    Verdict,
    WantToken,
    Wish,
)

GOOD = Verdict(Outcome.ACCEPTED, "accepted")


def request(name: str, method: str = "POST") -> Request:
    return Request(method=method, url=f"http://x/{name}", shown=name, headers={}, body=b"")


class World:
    """A transport: each wish is answered by what stands next in line, an exception is raised."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.wishes: list[Request | Mail] = []

    async def send(self, wish: Request | Mail) -> Answer:
        self.wishes.append(wish)
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None: ...


def two() -> Generator[Wish, Any, list[int]]:
    first = yield request("a")
    second = yield Mail(recipient="r", sender="s", subject="", html="x")
    return [first.status, second.status]


async def test_answers_go_to_the_flow_and_its_result_comes_back() -> None:
    world = World(Answer(201), Answer(250))
    assert await drive(two(), world) == [201, 250]
    assert [type(wish) for wish in world.wishes] == [Request, Mail]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (NotSentError("dns", "no", Fault.OURS), (Outcome.RETRY, "dns", Fault.OURS)),
        (NotSentError("no_connection", "no"), (Outcome.RETRY, "no_connection", Fault.VENDOR)),
        (NoAnswerError("no_answer", "no"), (Outcome.UNCERTAIN, "no_answer", Fault.VENDOR)),
        (UnusableError("mail_tls", "no"), (Outcome.BLOCKED, "mail_tls", Fault.OURS)),
        (ForbiddenAddressError("no"), (Outcome.BLOCKED, "forbidden_address", Fault.OURS)),
    ],
)
@pytest.mark.parametrize("second", [False, True])
async def test_what_a_failure_means(
    failure: Exception, expected: tuple[Outcome, str, Fault], second: bool
) -> None:
    answers = [Answer(202), failure] if second else [failure]
    flow = two()
    verdict = await drive(flow, World(*answers))
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, verdict.reason, verdict.fault) == expected
    assert inspect.getgeneratorstate(flow) == inspect.GEN_CLOSED


@pytest.mark.parametrize(("method", "harmless"), [("GET", False), ("POST", True)])
async def test_what_does_nothing_is_asked_again(method: str, harmless: bool) -> None:
    def flow() -> Generator[Wish, Any, Verdict]:
        yield request("a", method)
        return GOOD

    verdict = await drive(flow(), World(NoAnswerError("no_answer", "no")), harmless=harmless)
    assert (verdict.outcome, verdict.reason) == (Outcome.RETRY, "no_answer")


async def test_a_flow_that_breaks_is_not_hidden() -> None:
    def flow() -> Generator[Wish, Any, Verdict]:
        yield request("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await drive(flow(), World(Answer(200)))

    def wanting() -> Generator[Wish, Any, Verdict]:
        yield WantToken()
        return GOOD

    with pytest.raises(RuntimeError, match="no token flow"):
        await drive(wanting(), World())


# Tokens.


def asking(life: float = 1000.0) -> tuple[Callable[[], TokenFlow], list[str]]:
    """A token flow that makes t1, t2 and so on, unless the answer is no 200; and what it has made."""
    made: list[str] = []

    def flow() -> TokenFlow:
        answer = yield request("token")
        if answer.status != 200:
            return Verdict(
                Outcome.RETRY, "rate_limited", "slowly", 30.0 if answer.headers else None, answer.status
            )
        made.append(f"t{len(made) + 1}")
        return Token(made[-1], life)

    return flow, made


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def invited() -> Generator[Wish, Any, str]:
    token: str = yield WantToken()
    answer = yield request(token)
    if answer.status == 401:
        token = yield WantToken(refused=token)
        answer = yield request(token)
    return f"{token}: {answer.status}"


async def test_one_token_serves_all_workers_until_shortly_before_it_ends() -> None:
    flow, made = asking()
    clock = Clock()
    world = World(*[Answer(200)] * 100)
    tokens = Tokens(flow, world, now=clock)
    assert await asyncio.gather(*(tokens.get() for _ in range(64))) == ["t1"] * 64
    clock.now = 899.0
    assert await tokens.get() == "t1"
    clock.now = 901.0  # a tenth of its life is left
    assert await asyncio.gather(*(tokens.get() for _ in range(64))) == ["t2"] * 64
    assert len(world.wishes) == len(made) == 2


async def test_a_refused_token_is_replaced_once_for_all_who_had_it() -> None:
    flow, made = asking()
    tokens = Tokens(flow, World(*[Answer(200)] * 100))
    assert await tokens.get() == "t1"
    assert await asyncio.gather(*(tokens.get("t1") for _ in range(64))) == ["t2"] * 64
    assert await tokens.get("t1") == "t2"  # one who comes late
    assert await tokens.get() == "t2"
    assert len(made) == 2


async def test_those_who_wait_share_a_failure_and_the_next_one_asks_again() -> None:
    flow, _ = asking()
    world = World(Answer(429), Answer(200))
    tokens = Tokens(flow, world)
    found = await asyncio.gather(*(tokens.get() for _ in range(64)))
    assert len(world.wishes) == 1
    assert {verdict.reason for verdict in found if isinstance(verdict, Verdict)} == {"rate_limited"}
    assert all(
        isinstance(verdict, Verdict) and "no access token: slowly" in verdict.message for verdict in found
    )
    assert await tokens.get() == "t1"


async def test_a_retry_after_is_kept() -> None:
    flow, _ = asking()
    clock = Clock()
    world = World(Answer(429, {"retry-after": "30"}), Answer(200))
    tokens = Tokens(flow, world, now=clock)
    for now in (0.0, 10.0, 29.0):
        clock.now = now
        assert isinstance(await tokens.get(), Verdict)
    assert len(world.wishes) == 1 and LONGEST_WAIT >= 30
    clock.now = 30.0
    assert await tokens.get() == "t1"


@pytest.mark.parametrize(
    "failure", [NotSentError("dns", "no", Fault.OURS), NoAnswerError("connection_lost", "no")]
)
async def test_no_token_means_nothing_was_sent_whatever_broke(failure: Exception) -> None:
    flow, _ = asking()
    world = World(failure)
    verdict = await drive(invited(), world, Tokens(flow, world))
    assert isinstance(verdict, Verdict) and verdict.outcome is Outcome.RETRY
    # also when a token had been refused before: a 401 made no invitation
    world = World(Answer(200), Answer(401), failure)
    verdict = await drive(invited(), world, Tokens(flow, world))
    assert isinstance(verdict, Verdict) and verdict.outcome is Outcome.RETRY


async def test_a_flow_gets_its_tokens() -> None:
    flow, _ = asking()
    world = World(Answer(200), Answer(202), Answer(401), Answer(200), Answer(202))
    tokens = Tokens(flow, world)
    assert await drive(invited(), world, tokens) == "t1: 202"
    assert await drive(invited(), world, tokens) == "t2: 202"


async def test_a_worker_that_is_cancelled_while_asking_lets_another_one_ask() -> None:
    flow, _ = asking()
    hangs = asyncio.Event()

    class Slow(World):
        async def send(self, wish: Request | Mail) -> Answer:
            if not self.wishes:
                self.wishes.append(wish)
                await hangs.wait()
            return await super().send(wish)

    tokens = Tokens(flow, Slow(Answer(200)))
    first, second = asyncio.create_task(tokens.get()), asyncio.create_task(tokens.get())
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == "t1"
    with pytest.raises(asyncio.CancelledError):
        await first
