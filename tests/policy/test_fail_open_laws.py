"""Laws of fail-open, under any interleaving of checks, requests, reloads and time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.policy.test_fail_open import WINDOW, check, held
from trio_lb.model.events import Event, FailOpenEntered
from trio_lb.policy.fail_open import FailOpen

servers = st.sampled_from(["eu:a", "eu:b", "us:c", "us:d", "e", "us:a"])
modes = st.sampled_from(["auto", "true", "false"])


class Life(RuleBasedStateMachine):
    """Any checks and requests at any time: events tell the truth, holds have their reason."""

    def __init__(self) -> None:
        super().__init__()
        self.doubt = FailOpen("api", "auto", WINDOW)
        self.now = 0.0
        self.is_told = False
        self.good: dict[str, bool] = {}
        self.was_good: set[str] = set()
        self.refuses: set[str] = set()

    def believe(self, told: list[Event]) -> None:
        for event in told:
            assert event.at == self.now
            assert isinstance(event, FailOpenEntered) or self.is_told
            self.is_told = isinstance(event, FailOpenEntered)

    @rule(server=servers, what=st.sampled_from(["good", "bad", "bad", "refused"]))
    def check(self, server: str, what: str) -> None:
        server_id = server[-1]
        self.good[server_id] = what == "good"
        if what == "good":
            self.was_good.add(server_id)
        (self.refuses.add if what == "refused" else self.refuses.discard)(server_id)
        self.believe(check(self.doubt, server, what == "good", what == "refused", self.now))

    @rule(server=servers)
    def request_is_refused(self, server: str) -> None:
        if self.good.get(server[-1]) is False:
            self.refuses.add(server[-1])
        self.believe(self.doubt.refused(server[-1], self.now))

    @rule(server=servers, successes=st.integers(0, 2), times=st.integers(1, 4))
    def request_is_unanswered(self, server: str, successes: int, times: int) -> None:
        for _ in range(times):
            self.believe(self.doubt.unanswered(server[-1], successes, self.now))

    @rule(server=servers)
    def leaves(self, server: str) -> None:
        self.good.pop(server[-1], None)
        self.refuses.discard(server[-1])
        self.was_good.discard(server[-1])
        self.believe(self.doubt.forget(server[-1], self.now))

    @rule(seconds=st.integers(0, 15), prompt=st.booleans())
    def time_passes(self, seconds: int, prompt: bool) -> None:
        self.now += seconds
        if prompt:
            self.believe(self.doubt.on_deadline(self.now))
            assert self.doubt.deadline is None or self.doubt.deadline > self.now

    @rule(mode=modes)
    def reconfigure(self, mode: str) -> None:
        self.believe(self.doubt.configure(mode, WINDOW, self.now))

    @rule()
    def reload(self) -> None:
        fresh = FailOpen("api", self.doubt.mode, WINDOW)
        fresh.restore(self.doubt.snapshot())
        assert fresh.snapshot() == self.doubt.snapshot()
        self.doubt = fresh

    @invariant()
    def held_are_only_servers_that_are_down_and_do_not_refuse(self) -> None:
        for server_id in held(self.doubt):
            assert self.good[server_id] is False
            assert server_id not in self.refuses

    @invariant()
    def auto_holds_only_who_was_good_and_never_holds_nobody(self) -> None:
        if self.doubt.mode == "auto":
            assert set(held(self.doubt)) <= self.was_good
        if self.doubt.mode == "false":
            assert not self.doubt.is_holding

    @invariant()
    def always_holds_while_nobody_is_good_and_only_then(self) -> None:
        if self.doubt.mode == "true":
            down = {i for i, is_good in self.good.items() if not is_good}
            expected = set() if any(self.good.values()) else down - self.refuses
            assert set(held(self.doubt)) == expected

    @invariant()
    def the_events_say_whether_anybody_is_held(self) -> None:
        assert self.is_told == self.doubt.is_holding == bool(self.doubt.statistics().reasons)


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestLife = Life.TestCase
