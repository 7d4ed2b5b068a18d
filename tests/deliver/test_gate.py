"""What holds a lane back: rate, concurrency, breaker; all without a clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plaudit.deliver.breaker import DEAD_AFTER_MS, FAILURES, Breaker, Circuit
from plaudit.deliver.concurrency import MOST, START, Limit
from plaudit.deliver.gate import Gate
from plaudit.deliver.pacing import Bucket
from plaudit.destinations.base import Outcome, Verdict

GOOD = Verdict(Outcome.ACCEPTED, status=201)
LATER = Verdict(Outcome.RETRY, "server_error", status=503)
SILENT = Verdict(Outcome.UNCERTAIN, "no_answer")
ODD = Verdict(Outcome.UNCERTAIN, "unexpected_answer", status=204)


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 50)), max_size=60),
)
def test_no_span_of_time_gets_more_than_its_rate_and_one_burst(
    rate: int, turns: list[tuple[int, int]]
) -> None:
    now, sent = 1_000_000, list[tuple[int, int]]()
    bucket = Bucket(rate, now)
    for wait, wanted in turns:
        now += wait
        count = min(bucket.room(now), wanted)
        bucket.take(count, now)
        sent.append((now, count))
    burst = max(rate / 60, 1.0)
    for first in range(len(sent)):
        span = [each for each in sent[first:] if each[0] <= sent[first][0] + 300_000]
        minutes = (span[-1][0] - span[0][0]) / 60_000
        assert sum(count for _, count in span) <= burst + rate * minutes + 1e-6


def test_the_default_of_the_api_stays_below_what_trustpilot_recommends() -> None:
    now, sent = 0, 0
    bucket = Bucket(160, now)
    most_5_min = 0
    history: list[int] = []
    while now < 3_600_000:
        count = bucket.room(now)
        bucket.take(count, now)
        sent += count
        history += [now] * count
        most_5_min = max(most_5_min, sum(at > now - 300_000 for at in history[-900:]))
        now = max(bucket.next_at(now), now + 1)
    assert most_5_min <= 833 and 9000 < sent <= 10_000


@given(
    st.integers(1, 20_000),
    st.lists(st.tuples(st.integers(0, 30_000), st.booleans()), min_size=1, max_size=60),
)
def test_no_minute_gets_more_however_often_the_lane_changes_hands(
    rate: int, turns: list[tuple[int, bool]]
) -> None:
    now, sent = 1_000_000, list[tuple[int, int]]()
    bucket = Bucket(rate, now)
    for wait, handed_over in turns:
        now += wait
        if handed_over:
            bucket = Bucket(rate, now)
        count = bucket.room(now)
        bucket.take(count, now)
        sent.append((now, count))
    for first, _ in sent:
        within = sum(count for at, count in sent if first <= at < first + 60_000)
        assert within <= rate + max(rate / 60, 1.0) + 1e-6


def test_debt_is_paid_and_a_clock_set_back_gives_nothing_twice() -> None:
    bucket = Bucket(120, 0)
    assert bucket.room(0) == 0 and bucket.next_at(0) == 500
    bucket.take(4, 10_000)  # two more than there were
    assert bucket.room(10_000) == 0 and bucket.next_at(10_000) == 11_500
    assert bucket.room(11_499) == 0 and bucket.room(11_500) == 1
    assert bucket.room(1000) == 1 and bucket.room(1500) == 2  # from where it was set back to
    bucket.take(2, 1500)
    assert bucket.room(1500) == 0


def test_the_limit_doubles_at_first_and_is_halved_by_trouble() -> None:
    limit = Limit()
    for _ in range(START):
        limit.went_well(0.01)
    assert limit.now == 2 * START
    for _ in range(200):
        limit.went_well(0.01)
    assert limit.now == MOST
    for _ in range(MOST):  # all of one round fail: one sign of trouble
        limit.went_wrong()
    assert limit.now == MOST // 2
    for _ in range(1000):
        limit.went_wrong()
    assert limit.now == 1
    for _ in range(3000):
        limit.went_well(0.01)
    assert limit.now == MOST


def test_answers_that_get_slow_shrink_it() -> None:
    limit = Limit()
    for _ in range(100):
        limit.went_well(0.05)
    for _ in range(500):
        limit.went_well(2.0)
    assert limit.now < 10


def test_the_breaker_opens_probes_and_closes() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.room(0) is None
        breaker.went_wrong(0, 0.5)
    assert breaker.circuit is Circuit.OPEN and breaker.room(999) == 0
    assert breaker.next_at(0) == 1000 and breaker.room(1000) == 1
    breaker.began()
    assert breaker.room(1000) == 0  # one probe at a time
    breaker.went_wrong(1100, 0.5)
    assert breaker.room(3099) == 0 and breaker.room(3100) == 1  # twice the wait
    breaker.began()
    breaker.went_well()
    assert breaker.room(3200) is None


def test_what_was_in_flight_when_it_opened_does_not_keep_it_open() -> None:
    breaker = Breaker()
    for _ in range(64):
        breaker.went_wrong(0, 0.5)
    assert breaker.room(1000) == 1


def test_after_a_day_it_is_dead_and_probes_are_hourly() -> None:
    breaker, now = Breaker(), 0
    probes = 0
    for _ in range(FAILURES):
        breaker.went_wrong(now, 0.5)
    while not breaker.dead(now):
        now = breaker.next_at(now)
        assert breaker.room(now) == 1
        breaker.began()
        breaker.went_wrong(now, 0.5)
        probes += 1
    assert DEAD_AFTER_MS <= now <= DEAD_AFTER_MS + 10 * 60_000 and 280 < probes < 400
    assert breaker.next_at(now) == now + 3_600_000
    breaker.nudge(now)
    assert breaker.room(now) == 1


def test_the_gate_waits_as_long_as_the_vendor_asks_and_an_hour_at_most() -> None:
    gate = Gate(0, 0)
    gate.ended(Verdict(Outcome.RETRY, "rate_limited", retry_after=30.0, status=429), 0.1, 0, 0.5)
    assert gate.room(29_999, 0) == 0 and gate.next_at(0) == 30_000 and gate.room(30_000, 0) > 0
    gate.ended(Verdict(Outcome.RETRY, "rate_limited", retry_after=1e9, status=429), 0.1, 30_000, 0.5)
    assert gate.next_at(30_000) == 30_000 + 3_600_000
    gate.nudge(31_000)
    assert gate.room(31_000, 0) > 0


def test_the_gate_takes_silence_and_odd_answers_for_trouble() -> None:
    gate = Gate(0, 0)
    for _ in range(FAILURES - 2):
        assert gate.ended(SILENT, 30.0, 0, 0.5) is False
    assert gate.ended(ODD, 0.1, 0, 0.5) is False and gate.room(0, 0) > 0
    assert gate.ended(GOOD, 0.1, 0, 0.5) is False
    for n in range(FAILURES):
        assert gate.ended(LATER, 0.1, 0, 0.5) is (n == FAILURES - 1)
    assert gate.room(0, 0) == 0 and gate.room(1000, 0) == 1 and gate.room(1000, 1) >= 0
    gate.began(1, 1000)
    assert gate.room(1000, 1) == 0
    assert gate.ended(GOOD, 0.1, 1100, 0.5) is True
    assert gate.room(1100, 0) >= 1
