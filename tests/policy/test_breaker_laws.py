"""Laws of the breaker, under any interleaving of requests, trials, hands, time and reloads."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
    Event,
)
from trio_lb.policy.breaker import BUCKETS, TRANSITIONS, Breaker, BreakerState
from trio_lb.policy.breaker_settings import BreakerThresholds

CLOSED, OPEN, HALF_OPEN = BreakerState
SETTINGS = BreakerThresholds(
    failure_threshold=4,
    threshold=0.5,
    min_requests=6,
    interval=float(BUCKETS),  # a second a bucket
    timeout=8.0,
    success_threshold=2,
    max_half_open=2,
    backoff=2.0,
    max_timeout=40.0,
    jitter=0.5,
)


class Life(RuleBasedStateMachine):
    """Events and table agree, permits never leak, and it trips exactly when it should."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker("api", "a", SETTINGS)
        self.rng = Random(0)
        self.now = 100.0
        self.state = CLOSED
        self.entered_at = 0.0
        self.seen: list[tuple[float, bool]] = []  # results that count, in this state
        self.trials = 0
        self.last_seconds = 0.0  # of the last automatic opening
        self.is_held = False

    def believe(self, told: list[Event]) -> None:
        for event in told:
            assert event.at == self.now
            if isinstance(event, CircuitBreakerOpened):
                self.believe_opened(event)
            elif isinstance(event, CircuitBreakerHalfOpened):
                assert self.state is OPEN
                self.enter(HALF_OPEN)
            else:
                assert isinstance(event, CircuitBreakerReset)
                assert self.state is not CLOSED
                self.enter(CLOSED)

    def believe_opened(self, event: CircuitBreakerOpened) -> None:
        self.is_held = event.until is None
        if event.until is not None:
            assert self.state in (CLOSED, HALF_OPEN)
            lasts = event.until - self.now
            assert lasts == 8.0 or 16.0 <= lasts <= 40.0 * 1.5
            self.last_seconds = lasts
        self.enter(OPEN)

    def enter(self, state: BreakerState) -> None:
        assert state in TRANSITIONS[self.state].values()
        self.state, self.entered_at, self.seen = state, self.now, []

    def should_trip(self) -> bool:
        streak = [failed for _, failed in self.seen[-4:]] == [True] * 4
        lately = [failed for at, failed in self.seen if int(at) > int(self.now) - BUCKETS]
        failures = sum(lately)
        return streak or (len(lately) >= 6 and failures > 0 and failures >= 0.5 * len(lately))

    @rule(word=st.text("FS", min_size=1, max_size=8), age=st.sampled_from([0.0, 0.0, 3.0]))
    def requests(self, word: str, age: float) -> None:
        for letter in word:
            began_at, before = self.now - age, self.state
            counts = before is not OPEN and began_at >= self.entered_at
            if counts:
                self.seen.append((self.now, letter == "F"))
            seen = list(self.seen)
            tripped = self.should_trip()
            told = list(self.breaker.observe(letter == "F", self.now, began_at, self.rng))
            self.believe(told)
            if not counts:
                assert told == []
            elif before is CLOSED:
                assert bool(told) is tripped
            elif letter == "F":
                assert self.state is OPEN
            else:
                assert (self.state is CLOSED) is (len(seen) >= 2)

    @rule()
    def begin(self) -> None:
        if self.state is HALF_OPEN and self.breaker.may_try:
            self.breaker.begin_trial()
            self.trials += 1

    @precondition(lambda self: self.trials)
    @rule()
    def end(self) -> None:
        self.breaker.end_trial()
        self.trials -= 1

    @rule(eighths=st.integers(0, 400), prompt=st.booleans())  # exact in binary
    def time_passes(self, eighths: int, prompt: bool) -> None:
        self.now += eighths / 8
        if prompt:
            self.believe(self.breaker.on_deadline(self.now))
            assert self.breaker.deadline is None or self.breaker.deadline > self.now

    @rule(hand=st.sampled_from(["open", "close", "reset"]))
    def person(self, hand: str) -> None:
        if hand == "open":
            self.believe(self.breaker.open_by_hand(self.now))
            assert self.state is OPEN
            return
        was_closed = self.state is CLOSED
        close = self.breaker.close_by_hand if hand == "close" else self.breaker.reset
        self.believe(close(self.now))
        assert self.state is CLOSED
        if was_closed and hand == "close":
            self.seen, self.entered_at = [], self.now

    @rule()
    def reload(self) -> None:
        fresh = Breaker("api", "a", SETTINGS)
        fresh.restore(self.breaker.snapshot())
        assert fresh.snapshot() == self.breaker.snapshot()
        self.breaker, self.trials = fresh, 0

    @invariant()
    def the_books_agree(self) -> None:
        assert self.breaker.state is self.state
        assert self.breaker.is_held is (self.state is OPEN and self.is_held)
        assert (self.breaker.deadline is not None) is (self.state is OPEN and not self.is_held)

    @invariant()
    def permits_are_bounded_and_none_leaks(self) -> None:
        assert self.breaker.statistics().trials == self.trials <= 2
        free = self.state is CLOSED or (self.state is HALF_OPEN and self.trials < 2)
        assert self.breaker.may_try is free


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestLife = Life.TestCase


@given(st.floats(0.1, 100), st.floats(1, 10), st.floats(0.1, 1000), st.integers(1, 40))
def test_law_without_jitter_the_nth_opening_lasts_exactly_its_power_of_the_backoff(
    timeout: float, backoff: float, most: float, times: int
) -> None:
    b = Breaker(
        "api",
        "a",
        BreakerThresholds(failure_threshold=1, timeout=timeout, backoff=backoff, max_timeout=most),
    )
    expected = timeout
    for _ in range(times):
        b.observe(True, 0.0, 0.0)
        assert b.deadline == expected
        # From instant 0 each time, so that no instant is rounded.
        snapshot = {**b.snapshot(), "state": HALF_OPEN.value, "entered_at": 0.0, "until": None}
        b.restore(snapshot)
        expected = max(timeout, min(expected * backoff, most))


@given(st.text("FS", max_size=200), st.text("FS", max_size=200), st.integers(0, 30))
def test_law_a_restored_breaker_goes_on_as_the_first_one_would(
    before: str, after: str, tenths: int
) -> None:
    twins = [Breaker("api", "a", SETTINGS), Breaker("api", "a", SETTINGS)]
    for i, letter in enumerate(before):
        twins[0].observe(letter == "F", i * tenths / 10, i * tenths / 10)
        twins[0].on_deadline(i * tenths / 10)
    twins[1].restore(twins[0].snapshot())
    for i, letter in enumerate(after, len(before)):
        now = i * tenths / 10
        told = [(list(b.observe(letter == "F", now, now)), b.on_deadline(now)) for b in twins]
        assert told[0] == told[1]
