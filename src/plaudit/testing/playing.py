"""Playing a flow: it is given answers in place of a vendor's, in every combination that it asks for."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

from plaudit.destinations.base import Answer, Mail, Request, WantToken
from plaudit.testing.deciding import ADDRESS

TOKENS = ("first-access-token", "second-access-token")
MOST_WISHES = 12  # a flow that wants more of one delivery will never end
MOST_PLAYS = 20_000
STATUSES = (
    *(
        200,
        201,
        202,
        204,
        251,
        299,
        302,
        400,
        401,
        402,
        403,
        404,
        405,
        408,
        409,
        410,
        413,
        415,
        421,
        422,
        425,
        429,
    ),
    *(451, 500, 501, 502, 503, 504, 599),
)
REPLIES = (220, 250, 354, 421, 450, 451, 452, 500, 530, 535, 550, 552, 554)
STAGES = ("greeting", "tls", "login", "sender", "recipient", "sent")  # of a mail: base.py, Answer
LATER = (200, 201, 202, 400, 401, 429, 500)  # enough for a second answer and those after it


class Play(NamedTuple):
    """One way that a flow went: `result` is what it returned; `problem` why it did not."""

    wishes: list[Any]
    answers: list[Any]
    result: Any
    problem: str = ""

    @property
    def last(self) -> Answer | None:
        """The last answer of the vendor's."""
        return next((each for each in reversed(self.answers) if _theirs(each)), None)


def plays(make: Callable[[], Any]) -> Iterator[Play]:
    """The ways that a flow can go: the first answer is of any kind, later ones of some."""
    waiting: deque[list[Any]] = deque([[]])
    for status in STATUSES:
        play = _straight(make, status)
        if play.problem:
            yield play
            return
    for _ in range(MOST_PLAYS):
        if not waiting:
            return
        given = waiting.popleft()
        play = played(make, given)
        if play.problem or len(play.wishes) == len(given):
            yield play
        else:
            waiting += [[*given, answer] for answer in _answers(play.wishes, sum(map(_theirs, given)))]


def _straight(make: Callable[[], Any], status: int) -> Play:
    """The flow that gets one and the same answer to whatever it wants."""
    given: list[Any] = []
    play = played(make, given)
    while not play.problem and len(play.wishes) > len(given):
        if len(play.wishes) > MOST_WISHES:
            return play._replace(problem=f"it wants more than {MOST_WISHES} things for one delivery")
        asked = isinstance(play.wishes[-1], WantToken)
        given = [*given, TOKENS[0] if asked else Answer(status, {"stage": STAGES[-1]}, b"{}")]
        play = played(make, given)
    return play


def _theirs(answer: Any) -> bool:
    return isinstance(answer, Answer)


def played(make: Callable[[], Any], given: list[Any]) -> Play:
    """A flow with these answers; it then wants more, or has come to its end."""
    wishes: list[Any] = []
    try:
        flow: Generator[Any, Any, Any] = make()
        if not inspect.isgenerator(flow):
            return Play(wishes, given, None, "it is no generator")
        try:
            wishes.append(next(flow))
            for answer in given:
                wishes.append(flow.send(answer))  # noqa: PERF401 - what came before the end counts
        except StopIteration as end:
            return Play(wishes, given, end.value)
        flow.close()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return Play(wishes, given, None, f"it fails ({type(error).__name__})")
    if not isinstance(wishes[-1], Request | Mail | WantToken):
        return Play(wishes, given, None, f"it yields {type(wishes[-1]).__name__}, which nobody can carry out")
    return Play(wishes, given, None)


def _answers(wishes: list[Any], nth: int) -> Iterator[Any]:
    """Answers to the last wish; `nth`: how many of the vendor's came before."""
    wish = wishes[-1]
    if isinstance(wish, WantToken):
        yield TOKENS[sum(isinstance(each, WantToken) for each in wishes) > 1]
    elif isinstance(wish, Mail):
        quoted = f"no <{ADDRESS}> here".encode()
        for status in REPLIES:
            yield from (Answer(status, {"stage": stage}, quoted) for stage in STAGES)
    else:
        for status in LATER if nth else STATUSES:
            bodies = _bodies() if nth < 2 else [({}, b"{}")]
            yield from (Answer(status, headers, body) for headers, body in bodies)


def _bodies() -> Iterator[tuple[dict[str, str], bytes]]:
    """What a vendor may say: nothing, what was sent, a page, rubbish, JSON of a shape that nobody expects."""
    said = f'{{"message": "{ADDRESS} is unknown", "errors": [{{"code": 1}}]}}'
    yield {"retry-after": "7"}, b""
    yield {"content-type": "application/json"}, said.encode()
    yield {"content-type": "text/html", "retry-after": "soon"}, b"<html><h1>Forbidden</h1></html>"
    yield {}, b"\xff\xfe\x00 no JSON"
    yield {}, b"[" * 2000
    yield {}, b'[null, 7, {"referenceId": null, "access_token": {}, "expires_in": []}]'
    yield {}, b'{"access_token": "a-token-of-theirs", "expires_in": "3600", "message": {"a": [1]}}'
