"""One destination's lane: claims what is due, keeps as much in flight as its gate lets, records what came of it.

A turn is one transaction that records attempts which ended and claims as many more as there is room for; while
it commits, requests go on and the next turn fills up. Invariant: nothing is sent that is not 'sending' on disk.
A lane shares nothing with other lanes but the store.
"""

from __future__ import annotations

import asyncio
import contextlib

from plaudit.clock import Clock
from plaudit.deliver.backoff import conclude
from plaudit.deliver.breaker import Circuit
from plaudit.deliver.gate import Gate, Waits
from plaudit.deliver.probe import Probe
from plaudit.deliver.sender import Sender
from plaudit.deliver.transport import Transport
from plaudit.destinations.base import Destination, Outcome, State, Verdict
from plaudit.destinations.settings import duration
from plaudit.errors import PlauditError
from plaudit.observe import happenings, metrics
from plaudit.store.base import UNREACHABLE, Claimed, ConfiguredDestination, Settled, Store

LEASE_MS = 240_000  # longer than an attempt can take: two tokens and two posts of 40 s each, or a slow mail
IDLE_MS = 1_000  # how soon work that another process made is noticed
PATIENCE = 1.0  # seconds after the store was in trouble
STOP_TRIES = 5  # how often a lane that stops asks a store in trouble
BACKLOG_MS = 5_000  # what waits longer than this though the lane is free is a backlog, and goes out in pages
PAGES = 8  # at a time: a crash leaves each of their deliveries uncertain
_ALIVE = (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.BLOCKED)  # a bad key, too, is for a real attempt to say


class Lane:
    """See above. `run` until `stop`."""

    def __init__(
        self,
        row: ConfiguredDestination,
        kind: Destination,
        store: Store,
        transport: Transport,
        clock: Clock,
        owner: str,
        version: int = 0,
    ) -> None:
        self.row = row
        self._version = version  # of the configuration that it works by
        self._store = store
        self._clock = clock
        self._owner = owner
        self._sender = Sender(kind, row.settings, transport, clock)
        self._probe = Probe(self._sender)
        rate = row.settings.get("rate_limit")
        self._gate = Gate(kind.channel(row.settings).rate if rate is None else int(rate), clock.now())
        self._resends = kind.resends(row.settings)
        self._window = duration(row.settings, "retry_for") or 4 * 3_600_000
        self._tasks: set[asyncio.Task[None]] = set()  # one a request
        self._settled: list[Settled] = []
        self._wake = asyncio.Event()
        self._look_at = 0  # ms: when to look for due deliveries next
        self._backlog = False
        self._unreachable = row.paused_reason == UNREACHABLE
        self.paused = row.paused_at is not None and not self._unreachable
        self._to_pause: tuple[str, str] | None = None  # why, until the store knows it
        self._to_resume = False
        self._stopping = False
        self.trouble = ""  # what went wrong at the last turn, until one goes well

    def notify(self) -> None:
        """There are new deliveries."""
        self._look_at = 0
        self._wake.set()

    def waits(self) -> Waits | None:
        return self._gate.waits(self._clock.now())

    def nudge(self, version: int) -> None:
        """The configuration was applied, so something may have been mended: do not wait for the breaker."""
        self._version = version
        self._gate.nudge(self._clock.now())
        self._unreachable = False  # tell of it again if it stays so
        self.notify()

    async def run(self) -> None:
        """Work until `stop`; everything that ended is recorded when this returns."""
        metrics.paused.labels(self.row.name).set(int(self.paused))
        metrics.breaker.labels(self.row.name).set(0)
        fresh = not self.paused
        tries = STOP_TRIES
        while not (self._stopping and not self._tasks and not self._settled):
            try:
                if fresh:
                    await self._start()
                    fresh = False
                busy = await self._turn()
                self.trouble = ""
                if not busy:
                    await self._sleep()
            except Exception as error:  # noqa: BLE001 - nothing may end a lane: what waits in it must go out
                self.trouble = str(error) if isinstance(error, PlauditError) else happenings.where(error)
                happenings.StepFailed(f"deliver {self.row.name}", self.trouble, PATIENCE).emit()
                tries -= self._stopping
                if not tries:
                    break  # what could not be recorded is 'sending' on disk, and uncertain at the next start
                await asyncio.sleep(PATIENCE)
        await self._sender.close()

    async def _start(self) -> None:
        """Its settings may have been mended: let go what was blocked, unless it was paused since it was configured."""
        for row in (await self._store.configuration()).destinations:
            if row.id == self.row.id and row.paused_at is not None and row.paused_reason != UNREACHABLE:
                self.paused = True
                return
        await self._store.unblock(self.row.id, self._clock.now())

    async def stop(self, grace: float) -> None:
        """Claim no more; what is in flight gets `grace` seconds to end, and is then uncertain."""
        self._stopping = True
        self._probe.stop()
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        for task in self._tasks:
            task.cancel()
        self._wake.set()

    async def _turn(self) -> bool:
        """One turn with the store; whether there was anything to do."""
        now = self._clock.now()
        room = self._room(now)
        await self._tell_of_pauses(now)
        probe = None
        if room and self._gate.breaker.circuit is Circuit.HALF_OPEN:
            probe = await self._probe.ask()
            if probe is not None and probe.outcome not in _ALIVE:
                self._ended(probe, now)
                room = 0
            room = min(room, int(not self._stopping))
        if not self._settled and room <= 0:
            return False
        calm = self._gate.breaker.circuit is Circuit.CLOSED
        size = self._sender.page_size if self._backlog and room and calm else 1
        if size > 1:
            room = max(min(room, PAGES - len(self._tasks)), 0)
        settled, self._settled = self._settled, []
        try:
            claimed = await self._store.turn(
                self.row.id, settled, room * size, self._owner, now, now + LEASE_MS
            )
        except Exception:
            self._settled = settled + self._settled  # kept for the next turn: the store did not take them
            raise
        if self._stopping and claimed:
            await self._store.release(claimed, self._owner, self._clock.now())
            claimed = []
        self._begin(claimed, size)
        if probe is not None and not claimed:
            self._ended(probe, now)  # nothing waits that could be tried: the answer to the probe has to do
        if 0 < room * size != len(claimed):
            # No more is due: look again when the next one is, or when another process may have made some.
            due = await self._store.next_due(self.row.id)
            limit = self._clock.now() + IDLE_MS
            self._look_at = limit if due is None else min(due, limit)
        if room:
            waited = now - min((each.due_at for each in claimed), default=now)
            self._backlog = len(claimed) == room * size and waited > BACKLOG_MS and self._sender.page_size > 1
        metrics.in_flight.labels(self.row.name).set(len(self._tasks))
        return True

    def _room(self, now: int) -> int:
        """How many requests may begin now."""
        # A time further off than any that a turn sets shows that the clock was set back: look now.
        if self._stopping or self.paused or now < self._look_at <= now + IDLE_MS:
            return 0
        return self._gate.room(now, len(self._tasks))

    def _begin(self, claimed: list[Claimed], size: int) -> None:
        parts = [claimed[at : at + size] for at in range(0, len(claimed), size)]
        self._gate.began(len(parts), self._clock.now())
        for part in parts:
            task = asyncio.create_task(self._attempt(part))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()

    async def _tell_of_pauses(self, now: int) -> None:
        """Write down what people must know of; again and again until the store has taken it."""
        if self._to_pause:
            await self._store.pause(self.row.id, *self._to_pause, now, version=self._version)
            self._to_pause = None
        if self._to_resume:
            await self._store.resume(self.row.id, UNREACHABLE)
            self._to_resume = False

    async def _sleep(self) -> None:
        self._wake.clear()
        if self._settled or self._to_pause or self._to_resume:
            return
        now = self._clock.now()
        seconds = IDLE_MS / 1000
        if not self.paused and not self._stopping:
            until = max(self._look_at, self._gate.next_at(now))
            if until > now:
                seconds = (until - now) / 1000
        with contextlib.suppress(TimeoutError):
            # Never for long: the clock may be set, and other processes make work too.
            await asyncio.wait_for(self._wake.wait(), min(max(seconds, 0.001), IDLE_MS / 1000))

    async def _attempt(self, part: list[Claimed]) -> None:
        started = self._clock.now()
        try:
            sent = await self._sender.send(part)
        except asyncio.CancelledError:
            stopped = Verdict(Outcome.UNCERTAIN, "interrupted", "Plaudit stopped before the answer came")
            for claimed in part:
                self._settle(claimed, stopped, started)
            return
        self._gate.also_sent(sent.requests - 1, self._clock.now())
        for claimed, verdict, kept in zip(part, sent.verdicts, sent.kept, strict=True):
            self._settle(claimed, verdict, started, kept)
        self._ended(sent.verdicts[0], started)

    def _settle(self, claimed: Claimed, verdict: Verdict, started: int, kept: bytes = b"") -> None:
        now = self._clock.now()
        state, due, reason, message = conclude(
            verdict,
            claimed.attempt,
            claimed.first_attempt_at,
            now,
            self._clock.jitter(),
            resend=self._resends,
            window=self._window,
        )
        if state is State.BLOCKED and self._stopping:
            state, due = State.QUEUED, now  # other settings have taken the place of those that it speaks of
        self._settled.append(
            Settled(
                claimed.id,
                claimed.attempt,
                started,
                now,
                verdict.outcome,
                reason,
                message,
                verdict.status,
                state,
                due,
                verdict.fault,
                kept,
            )
        )
        if state is State.QUEUED:
            self._look_at = min(self._look_at, due)
        if state is State.BLOCKED and not self.paused:
            self.paused = True
            self._to_pause = (reason, message)
            happenings.DestinationPaused(self.row.name, reason).emit()
        happenings.AttemptFinished(
            self.row.name,
            claimed.id,
            claimed.attempt,
            verdict.outcome,
            reason,
            verdict.status,
            state,
            verdict.fault,
            (now - started) / 1000,
        ).emit()

    def _ended(self, verdict: Verdict, started: int) -> None:
        """Let the gate learn from an attempt, and say what people should know."""
        now = self._clock.now()
        turned = self._gate.ended(verdict, (now - started) / 1000, now, self._clock.jitter())
        closed = self._gate.breaker.circuit is Circuit.CLOSED
        if turned:
            happenings.BreakerTurned(self.row.name, self._gate.breaker.circuit, verdict.reason).emit()
        if not self._unreachable and self._gate.breaker.dead(now):
            self._unreachable = True
            message = f"nothing got through for a day; the last: {verdict.message}"
            self._to_pause = (UNREACHABLE, message)
            happenings.DestinationUnreachable(self.row.name, verdict.reason).emit()
        elif self._unreachable and closed:
            self._unreachable, self._to_resume = False, True
        self._wake.set()
