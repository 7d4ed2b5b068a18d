"""Everything that happens and is worth knowing, as one struct each: `emit()` counts it and logs it.

The hot ones only count. One log line an attempt: a debug line when it went well, else one that stands out.
"""

from __future__ import annotations

import traceback
from functools import cache
from pathlib import Path
from typing import NamedTuple

from plaudit.observe import metrics
from plaudit.observe.logs import log

_attempts = cache(metrics.attempts.labels)
_attempt_seconds = cache(metrics.attempt_seconds.labels)


class BatchProcessed(NamedTuple):
    """A batch of events went from the log to the ledger in one transaction."""

    dispositions: dict[str, int]
    made: dict[str, int]  # by destination
    seconds: float

    def emit(self) -> None:
        for code, count in self.dispositions.items():
            metrics.dispositions.labels(code).inc(count)
        for destination, count in self.made.items():
            metrics.invitations_made.labels(destination).inc(count)
        metrics.batch_seconds.observe(self.seconds)


class AttemptFinished(NamedTuple):
    """One attempt to send an invitation came to an end, with the state that follows from it."""

    destination: str
    invitation: int
    attempt: int
    outcome: str
    reason: str
    status: int
    state: str
    fault: str  # whose fault it is when it must be repeated
    seconds: float

    def emit(self) -> None:
        _attempts(self.destination, self.outcome, self.fault).inc()
        _attempt_seconds(self.destination).observe(self.seconds)
        if self.outcome != "accepted":
            log.warning("attempt finished", **self._asdict())
        elif log.verbose:
            log.debug("attempt finished", **self._asdict())


class DestinationPaused(NamedTuple):
    """A destination's settings do not work: nothing more is sent to it until they are applied again."""

    destination: str
    reason: str

    def emit(self) -> None:
        metrics.paused.labels(self.destination).set(1)
        log.error("destination paused", **self._asdict())


class BreakerTurned(NamedTuple):
    """Nothing gets through to a destination, so that it gets probes only; or it answers again."""

    destination: str
    circuit: str
    reason: str

    def emit(self) -> None:
        closed = self.circuit == "closed"
        metrics.breaker.labels(self.destination).set(int(not closed))
        if closed:
            log.warning("destination answers again", **self._asdict())
        else:
            log.error(
                "destination does not answer: only probes are sent until one gets through", **self._asdict()
            )


class DestinationUnreachable(NamedTuple):
    """Nothing has got through for a day: probes are sent once an hour from now on."""

    destination: str
    reason: str

    def emit(self) -> None:
        log.error("destination has not answered for a day: a probe an hour is sent", **self._asdict())


class Recovered(NamedTuple):
    """Invitations that a process which is gone had been sending."""

    invitations: int

    def emit(self) -> None:
        log.warning("recovered invitations of a process that stopped", **self._asdict())


class LogBehind(NamedTuple):
    """The log ends before what has been processed: it was lost, or an old one was put back."""

    partition: int
    log_at: int
    processed_to: int

    def emit(self) -> None:
        log.error("the log is older than the store; it goes on after what was processed", **self._asdict())


class ConfigurationLoaded(NamedTuple):
    version: int
    sources: int
    destinations: int

    def emit(self) -> None:
        log.info("configuration loaded", **self._asdict())
        if not self.sources:
            log.warning("no source is configured, so every event is refused: use 'plaudit apply FILE'")


def where(error: BaseException) -> str:
    """An unforeseen error as its kind and place: its text may hold what customers sent, which no log line may."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    return (
        f"{type(error).__name__} at {Path(place[0].filename).name}:{place[0].lineno}"
        if place
        else type(error).__name__
    )


class StepFailed(NamedTuple):
    """A loop met an error, and will try again."""

    step: str
    error: str
    retry_in: float

    def emit(self) -> None:
        log.error("step failed, trying again", **self._asdict())


class RequestFailed(NamedTuple):
    """The console or the API met an error that nobody foresaw; whoever asked was told so."""

    method: str
    error: str

    def emit(self) -> None:
        log.error("request failed", **self._asdict())


class Listening(NamedTuple):
    url: str
    data: str

    def emit(self) -> None:
        log.info("listening", **self._asdict())


class Stopping(NamedTuple):
    def emit(self) -> None:
        log.info("stopping: finishing what is in flight")
