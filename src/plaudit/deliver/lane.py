"""One destination's lane: claims what is due, keeps a bounded number in flight, records what came of it.

A turn is one transaction that records attempts which ended and claims as many more as there is room for; while
it commits, requests go on and the next turn fills up. Invariant: nothing is sent that is not 'sending' on disk.
A lane shares nothing with other lanes but the store.
"""

from __future__ import annotations

import asyncio
import contextlib

from plaudit.clock import Clock
from plaudit.deliver.backoff import conclude
from plaudit.deliver.drive import Transport, drive
from plaudit.destinations.base import Destination, Invitation, Outcome, Settings, State, Verdict
from plaudit.errors import PlauditError
from plaudit.observe import happenings, metrics
from plaudit.store.base import Claimed, ConfiguredDestination, Settled, Store

CONCURRENCY = 64
LEASE_MS = 120_000  # longer than an attempt can take: two requests of 35 s each
IDLE_MS = 1_000  # how soon work that another process made is noticed
PATIENCE = 1.0  # seconds after the store was in trouble
STOP_TRIES = 5  # how often a lane that stops asks a store in trouble
TROUBLE = 5  # attempts in a row without an answer, or with 'try later', before the whole lane slows down
LONGEST_PAUSE = 30.0


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
    ) -> None:
        self.row = row
        self._settings: Settings = row.settings
        self._flow = kind.channel(row.settings).flow
        self._store = store
        self._transport = transport
        self._clock = clock
        self._owner = owner
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by invitation
        self._settled: list[Settled] = []
        self._wake = asyncio.Event()
        self._look_at = 0  # ms: when to look for due invitations next
        self._not_before = 0  # ms: the vendor asked for patience, or does not answer
        self._trouble = 0
        self.paused = row.paused_at is not None
        self._to_pause: tuple[str, str] | None = None  # why, until the store knows it
        self._stopping = False

    def notify(self) -> None:
        """There are new invitations."""
        self._look_at = 0
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`; everything that ended is recorded when this returns."""
        metrics.paused.labels(self.row.name).set(int(self.paused))
        fresh = not self.paused
        tries = STOP_TRIES
        while not (self._stopping and not self._tasks and not self._settled):
            try:
                if fresh:  # its settings may have been mended
                    await self._store.unblock(self.row.id, self._clock.now())
                    fresh = False
                if not await self._turn():
                    await self._sleep()
            except PlauditError as error:
                happenings.StepFailed(f"deliver {self.row.name}", str(error), PATIENCE).emit()
                tries -= self._stopping
                if not tries:
                    break  # what could not be recorded is 'sending' on disk, and uncertain at the next start
                await asyncio.sleep(PATIENCE)
        await self._transport.close()

    async def stop(self, grace: float) -> None:
        """Claim no more; what is in flight gets `grace` seconds to end, and is then uncertain."""
        self._stopping = True
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while self._tasks:
                    await asyncio.wait(self._tasks.values())
        for task in self._tasks.values():
            task.cancel()
        self._wake.set()

    async def _turn(self) -> bool:
        """One turn with the store; whether there was anything to do."""
        now = self._clock.now()
        room = CONCURRENCY - len(self._tasks)
        if self._stopping or self.paused or now < max(self._look_at, self._not_before):
            room = 0
        if self._to_pause:
            await self._store.pause(self.row.id, *self._to_pause, now)
            self._to_pause = None
        if not self._settled and room <= 0:
            return False
        settled, self._settled = self._settled, []
        try:
            claimed = await self._store.turn(self.row.id, settled, room, self._owner, now, now + LEASE_MS)
        except PlauditError:
            self._settled = settled + self._settled  # kept for the next turn: the store did not take them
            raise
        if self._stopping and claimed:
            await self._store.release(claimed, self._owner, self._clock.now())
            claimed = []
        for each in claimed:
            self._tasks[each.id] = asyncio.create_task(self._attempt(each))
        if 0 < room != len(claimed):
            # No more is due: look again when the next one is, or when another process may have made some.
            due = await self._store.next_due(self.row.id)
            limit = self._clock.now() + IDLE_MS
            self._look_at = limit if due is None else min(due, limit)
        metrics.in_flight.labels(self.row.name).set(len(self._tasks))
        return True

    async def _sleep(self) -> None:
        self._wake.clear()
        if self._settled or self._to_pause:
            return
        now = self._clock.now()
        until = max(self._look_at, self._not_before)
        room = len(self._tasks) < CONCURRENCY and not self.paused and not self._stopping
        seconds = max(until - now, 0) / 1000 if room else IDLE_MS / 1000
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(seconds, 0.001))

    async def _attempt(self, claimed: Claimed) -> None:
        started = self._clock.now()
        try:
            verdict = await drive(
                self._flow(Invitation(claimed.id, claimed.order), self._settings), self._transport
            )
        except asyncio.CancelledError:
            verdict = Verdict(Outcome.UNCERTAIN, "interrupted", "Plaudit stopped before the answer came")
        except Exception as error:  # noqa: BLE001 - a flow's own fault must not stop the lane
            verdict = Verdict(Outcome.UNCERTAIN, "internal", f"a fault in Plaudit: {error!r}"[:300])
        self._end(claimed, verdict, started)

    def _end(self, claimed: Claimed, verdict: Verdict, started: int) -> None:
        now = self._clock.now()
        state, due, reason, message = conclude(
            verdict,
            claimed.attempt,
            claimed.first_attempt_at,
            now,
            self._clock.jitter(),
            resend=self._settings.get("uncertain") == "resend",
        )
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
            )
        )
        self._tasks.pop(claimed.id, None)
        self._patience(verdict, now)
        if state is State.QUEUED:
            self._look_at = min(self._look_at, due)
        if state is State.BLOCKED and not self.paused:
            self.paused = True
            self._to_pause = (reason, message)
            happenings.DestinationPaused(self.row.name, reason).emit()
        self._wake.set()
        seconds = (now - started) / 1000
        happenings.AttemptFinished(
            self.row.name,
            claimed.id,
            claimed.attempt,
            verdict.outcome,
            reason,
            verdict.status,
            state,
            seconds,
        ).emit()

    def _patience(self, verdict: Verdict, now: int) -> None:
        """Slow the lane down when the vendor asks for it, or when nothing gets through."""
        if verdict.outcome is not Outcome.RETRY:
            self._trouble = 0
            return
        self._trouble += 1
        pause = verdict.retry_after or 0.0
        if self._trouble >= TROUBLE:
            pause = max(
                pause, min(0.25 * 2.0 ** min((self._trouble - TROUBLE) // TROUBLE, 10), LONGEST_PAUSE)
            )
        self._not_before = max(self._not_before, now + round(pause * 1000))
