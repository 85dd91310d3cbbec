"""A breaker keeps to its automaton: legal walks never violate, each illegal step does."""

from hypothesis import given
from hypothesis import strategies as st

from tests.sim.checks.support import SECOND, Play, world
from trio_lb.sim.checks.breaker_law import BECOMES, LEGAL, BreakerLegal, Phase
from trio_lb.sim.happening import What


def open_it(play: Play, at: float, length_ns: int = 5 * SECOND, reason: str = "3 in a row") -> None:
    play.lb(at, What.OPEN, "s1", "default", reason, length_ns)


def move(play: Play, at: float, what: What) -> None:
    values = {What.OPEN: ("x", SECOND), What.CLOSE: ("x",), What.HALF_OPEN: ()}[what]
    play.lb(at, what, "s1", "default", *values)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(1.0, 10.0)), max_size=30))
def test_a_legal_walk_never_violates(steps: list[tuple[int, float]]) -> None:
    play, phase, now = Play(BreakerLegal()), Phase.CLOSED, 0.0
    for choice, pause in steps:
        legal = sorted(LEGAL[phase], key=lambda what: what.value)
        what = legal[choice % len(legal)]
        now += pause
        move(play, now, what)
        phase = BECOMES[what]
    assert play.end() == []


@given(st.lists(st.integers(0, 1), max_size=10), st.integers(0, 2))
def test_an_illegal_step_after_any_legal_walk_violates(steps: list[int], wrong: int) -> None:
    play, phase, now = Play(BreakerLegal()), Phase.CLOSED, 0.0
    for choice in steps:
        legal = sorted(LEGAL[phase], key=lambda what: what.value)
        what = legal[choice % len(legal)]
        now += 2.0
        move(play, now, what)
        phase = BECOMES[what]
    illegal = [what for what in BECOMES if what not in LEGAL[phase]]
    what = illegal[wrong % len(illegal)]
    move(play, now + 2.0, what)
    assert play.end() == [f"s1's breaker went from {phase.value} to {what.value}"]
    assert play.instants == [now + 2.0]


def test_it_half_opens_at_its_time_and_not_before() -> None:
    play = Play(BreakerLegal())
    open_it(play, 1.0)
    play.lb(6.0, What.HALF_OPEN, "s1", "default")
    assert play.said == []
    open_it(play, 7.0)
    play.lb(11.5, What.HALF_OPEN, "s1", "default")
    assert play.said == ["s1's breaker half-opened at 11.500000 s, due at 12.000000 s"]


def test_what_a_person_holds_open_only_a_person_closes() -> None:
    play = Play(BreakerLegal())
    open_it(play, 1.0, -1, "manual")
    play.lb(2.0, What.CLOSE, "s1", "default", "manual")
    open_it(play, 3.0, 5 * SECOND)
    open_it(play, 4.0, -1, "manual")
    assert play.said == []
    play.lb(90.0, What.HALF_OPEN, "s1", "default")
    assert play.said == ["s1's breaker half-opened though a person holds it open"]


def test_breakers_of_other_servers_pools_and_balancers_are_others() -> None:
    play = Play(BreakerLegal())
    for entity, pool, server in (("lb", "a", "s1"), ("lb", "b", "s1"), ("lb2", "a", "s1")):
        play.tell(1.0, What.OPEN, entity, server, pool, "x", SECOND)
    assert play.end() == []


def test_a_crash_a_plan_and_a_return_begin_anew() -> None:
    play = Play(BreakerLegal(), world())
    open_it(play, 1.0)
    play.tell(2.0, What.INJECT, "lb", "crash", 1, "{}")
    open_it(play, 3.0)
    play.lb(4.0, What.NEWS, "config_updated")
    open_it(play, 5.0)
    play.lb(6.0, What.REMOVE, "s1", "default")
    open_it(play, 7.0)
    assert play.end() == []


def test_a_breaker_that_a_plan_left_open_half_opens_in_its_time() -> None:
    play = Play(BreakerLegal())
    open_it(play, 1.0)
    play.lb(1.5, What.NEWS, "config_updated")
    play.lb(2.0, What.HALF_OPEN, "s1", "default")
    assert play.said == []
    play.lb(3.0, What.HALF_OPEN, "s1", "default")
    assert play.end() == ["s1's breaker went from half open to half_open"]


def test_only_a_person_opens_a_breaker_without_an_end() -> None:
    play = Play(BreakerLegal())
    open_it(play, 1.0, -1, "manual")
    assert play.said == []
    play = Play(BreakerLegal())
    open_it(play, 1.0, -1)
    assert play.end() == ["s1's breaker opened for ever, and no person held it"]
