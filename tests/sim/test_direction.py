"""How a run goes: its phases at their instants, and what ends it early."""

import pytest

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.checks import CheckCrashed, ErrorRate
from trio_lb.sim.faults.fluent import Latency, Partition, at
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trace_reader import read_trace


def world() -> Simulation:
    """Return one server, a balancer, and a client that asks twice a second."""
    sim = Simulation(9, name="small")
    sim.server("s1")
    sim.balancer()
    sim.clients("web", OpenLoop(Every(0.5)))
    return sim


def test_phases_follow_each_other() -> None:
    sim = world()
    heard: list[Happening] = []
    sim.wire.hear(heard.append, What.PHASE)
    sim.run(until=5, settle=3)
    assert [(round(each.at, 1), each.values[0]) for each in heard] == [
        (0.0, "safety"),
        (5.0, "liveness"),
        (8.0, "wind_down"),
        (9.0, "end"),
    ]


def test_what_is_not_healed_by_then_is_healed_for_the_liveness_phase() -> None:
    sim = world()
    heard: list[Happening] = []
    sim.wire.hear(heard.append, What.INJECT, What.HEALED)
    sim.faults(at(2, Latency("lb", "s1")), at(3, Partition("lb", "s1", for_="1s")))
    sim.run(until=5, settle=3)
    assert [(each.at, each.what, each.values[0]) for each in heard] == [
        (2.0, What.INJECT, "latency"),
        (3.0, What.INJECT, "partition"),
        (4.0, What.HEALED, "partition"),
        (5.0, What.HEALED, "latency"),
    ]


def test_a_crash_in_a_check_ends_the_run_and_names_check_seed_and_instant() -> None:
    def broken(happening: Happening) -> str | None:
        raise KeyError("oops")

    sim = world()
    sim.check(broken)
    with pytest.raises(CheckCrashed, match="the check 'broken' crashed at") as caught:
        sim.run(until=5)
    (note,) = caught.value.__notes__
    assert note.startswith("in simulation 'small' with seed 9, at 0.")


def test_a_crash_in_an_actor_names_the_seed_and_the_instant() -> None:
    sim = world()
    sim.servers["s1"].conducts.append(lambda answer: 1 / 0)  # type: ignore[arg-type] # It crashes.
    with pytest.raises(ZeroDivisionError) as caught:
        sim.run(until=5)
    (note,) = caught.value.__notes__
    assert note.startswith("in simulation 'small' with seed 9, at 0.5")


def test_the_trace_is_written_where_it_is_wanted(tmp_path) -> None:  # type: ignore[no-untyped-def] # pytest's own.
    path = tmp_path / "run.jsonl"
    sim = world()
    result = sim.run(until=2, trace=path)
    header, events = read_trace(path)
    assert header.seed == 9
    assert sum(1 for _ in events) == result.happenings > 20


def test_without_a_trace_nothing_is_hashed() -> None:
    result = world().run(until=2, trace=False)
    assert (result.trace_hash, result.happenings) == ("", 0)


@pytest.mark.parametrize(("until", "settle"), [(0, 0), (-1, 0), (1, -1), (float("inf"), 0)])
def test_no_length_is_refused(until: float, settle: float) -> None:
    with pytest.raises(ValueError, match="no length of a run"):
        world().run(until=until, settle=settle)


def test_the_report_tells_the_life_of_the_request_that_a_check_objected_to_first() -> None:
    def no_sevens(happening: Happening) -> str | None:
        return "a seven" if happening.what is What.DONE and happening.req in (7, 8) else None

    sim = world()
    sim.check(no_sevens)
    figures = sim.run(until=5).figures()
    lives = {life.req: life for life in figures.tally.sample.chosen(limit=1)}
    assert list(lives) == [7]
    assert [lives[7].steps[0].what, lives[7].steps[-1].what] == [What.ARRIVE, What.DONE]


def third_done(happening: Happening) -> str | None:
    """Object to the third request that is done, which is at 1.5 s, and to all after it."""
    return "enough" if happening.what is What.DONE and happening.req >= 3 else None


def test_a_run_ends_when_the_check_objects_of_which_that_is_enough() -> None:
    whole, short = world(), world()
    for sim in (whole, short):
        sim.check(third_done)
    first = whole.run(until=5, settle=3).first
    result = short.run(until=5, settle=3, enough="third_done")
    assert first is not None
    assert result.violations == [first]
    assert result.broken_at == {"third_done": first.at}
    assert 1.5 < first.at < 1.6
    assert short.clock.current_time() < 1.6
    assert whole.clock.current_time() > 9


def test_what_ending_a_run_early_does_is_not_held_against_anybody() -> None:
    sim = world()
    heard: list[Happening] = []
    sim.wire.hear(heard.append)
    sim.check(third_done)
    result = sim.run(until=5, enough="third_done")
    assert heard[-1].at == sim.clock.current_time()
    assert [each.check for each in result.violations] == ["third_done"]
    assert sum(verdict.violations for verdict in result.verdicts) == 1


def test_a_check_that_judges_the_whole_run_objects_at_its_end() -> None:
    sim = world()
    sim.check(ErrorRate("<0%"))
    result = sim.run(until=5, settle=3, enough="error_rate")
    assert result.broken_at == {"error_rate": sim.clock.current_time()}
    assert sim.clock.current_time() > 9
