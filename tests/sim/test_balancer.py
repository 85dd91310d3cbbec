"""A balancer of a simulation: what its process can suffer, and what its operators do."""

import logging

import attrs
import pytest

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.faults.fluent import (
    Crash,
    Drain,
    Reload,
    Reset,
    ScaleDown,
    ScaleUp,
    at,
)
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.simulation import Simulation


def world(*whats: What, seconds: float = 0.1) -> tuple[Simulation, list[Happening]]:
    """Return two servers, a balancer, a client that asks each so often; and what is heard."""
    sim = Simulation()
    sim.server("s1")
    sim.server("s2")
    sim.balancer()
    policy = ClientPolicy(timeout=2.0)
    sim.clients("web", OpenLoop(Every(seconds)), policy=policy)
    heard: list[Happening] = []
    sim.wire.hear(heard.append, *whats)
    return sim, heard


def test_a_balancer_that_crashed_answers_again_after_its_restart() -> None:
    sim, done = world(What.DONE)
    sim.faults(at(3, Crash("host:lb", fin=True, for_="2s")))
    sim.run(until=8)
    failed = [round(each.at, 3) for each in done if not each.values[0]]
    assert sim.balancers["lb"].lives == 2
    assert failed[0] >= 3.0
    assert failed[-1] <= 5.1
    assert len(failed) == 20


@pytest.mark.parametrize("fin", [False, True])
def test_what_its_tasks_had_begun_when_it_crashed_is_no_error_of_the_proxy(
    caplog: pytest.LogCaptureFixture, fin: bool
) -> None:
    sim = Simulation()
    sim.server("s1", service=Fixed(1.0))
    sim.balancer()
    sim.clients("web", OpenLoop(Every(0.02)))
    # The resets wake all that wait for the server, and it dies before they can act.
    died = at(3, Crash("host:lb", fin=fin, for_="1s"))
    sim.faults(at(3, Reset("lb", "s1")), died)
    sim.run(until=6).require()
    assert sim.balancers["lb"].lives == 2
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_a_drained_balancer_ends_and_comes_back_at_the_end_of_the_fault() -> None:
    sim, done = world(What.DONE)
    sim.faults(at(3, Drain("host:lb", for_="4s")))
    sim.run(until=10)
    assert sim.balancers["lb"].lives == 2
    assert not [each for each in done if not each.values[0] and each.at > 8]


def test_one_that_is_killed_while_it_drains_is_dead() -> None:
    sim = Simulation()
    sim.server("s1", service=Fixed(5.0))
    sim.balancer()
    sim.clients("web", OpenLoop(Every(2.0)), policy=ClientPolicy(timeout=20.0))
    failed: list[Happening] = []
    sim.wire.hear(failed.append, What.FAIL)
    sim.faults(at(3, Drain("host:lb", for_="10s")), at(5, Crash("host:lb", fin=True, for_="1s")))
    sim.run(until=14).require()
    assert [(each.at, each.values[0]) for each in failed[:2]] == [(5.0005, "closed")] * 2
    assert sim.balancers["lb"].lives == 2


def test_new_servers_take_their_share_and_are_let_go_in_peace() -> None:
    sim, heard = world(What.SELECT, What.REMOVE)
    sim.faults(at(2, ScaleUp("lb", count=2)), at(6, ScaleDown("lb", count=1)))
    sim.run(until=10).require()
    taken = {each.values[0]: each.at for each in heard if each.what is What.SELECT}
    gone = [each.values[0] for each in heard if each.what is What.REMOVE]
    assert list(taken) == ["s1", "s2", "new1", "new2"]
    assert gone == ["new2"]
    assert taken["new2"] < 6.0 < taken["new1"]


def test_who_is_leaving_already_is_not_let_go_a_second_time() -> None:
    sim, heard = world(What.REMOVE, seconds=0.02)
    sim.server("s3", service=Fixed(1.0))
    sim.server("s4", service=Fixed(1.0))
    both = ScaleDown("lb", count=1), ScaleDown("lb", count=1)
    sim.faults(at(2, both[0]), at(2, both[1]), at(2.5, ScaleDown("lb", count=100)))
    sim.run(until=6).require()
    # Nobody asks for a pool without servers: the first one stays.
    assert sorted(str(each.values[0]) for each in heard) == ["s2", "s3", "s4"]


def test_a_server_that_a_plan_has_taken_away_meanwhile_need_not_be_let_go() -> None:
    sim, heard = world(What.REMOVE)
    sim.faults(at(2, ScaleDown("lb", count=1)))

    def take_away() -> None:
        balancer = sim.balancers["lb"]
        pool = balancer.plan.pools["default"]
        fewer = attrs.evolve(pool, servers=pool.servers[:1])
        balancer.reload(attrs.evolve(balancer.plan, pools={"default": fewer}))

    # Between the operator's word and the balancer's first step towards it.
    sim.clock.call_at(1.0, lambda: sim.clock.call_at(2.0, take_away))
    sim.run(until=4).require()
    assert [each.values[0] for each in heard] == ["s2"]


def test_a_reload_puts_another_plan_in_force_and_disturbs_nobody() -> None:
    sim, news = world(What.NEWS)

    def rewrite() -> None:
        balancer = sim.balancers["lb"]
        balancer.plan = attrs.evolve(balancer.plan, drain_timeout=77.0)

    sim.clock.call_at(1.0, rewrite)
    sim.faults(at(2, Reload("lb")))
    sim.run(until=4).require()
    told = [(each.at, each.values[0]) for each in news if 0.0 < each.at < 4.0]
    assert told == [(2.0, "config_updated")]
