"""Health alternates, and rises only on good probes."""

from tests.sim.checks.support import Play, world
from trio_lb.config.schema import HealthCheckConfig
from trio_lb.sim.checks.health_law import HealthLegal
from trio_lb.sim.happening import What


def test_verdicts_alternate() -> None:
    play = Play(HealthLegal())
    for at, verdict in enumerate((1, 0, 1, 0)):
        play.lb(float(at), What.HEALTH, "s1", "default", verdict, "x")
    play.lb(5.0, What.HEALTH, "s2", "default", 0, "first check")
    assert play.end() == []


def test_the_same_verdict_again_is_a_violation() -> None:
    play = Play(HealthLegal())
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(2.0, What.HEALTH, "s1", "default", 0, "x")
    assert play.end() == ["s1 became unhealthy, which it was since 1.000000 s"]
    assert play.instants == [2.0]


def test_who_rises_has_answered_a_probe_well_since_it_fell() -> None:
    play = Play(HealthLegal())
    play.tell(0.5, What.PROBE, "s1", 200)
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "x")
    play.tell(2.0, What.PROBE, "s1", 200)
    play.lb(2.0, What.HEALTH, "s1", "default", 1, "x")
    assert play.said == []
    play.lb(3.0, What.HEALTH, "s1", "default", 0, "x")
    play.tell(4.0, What.PROBE, "s1", 503)
    play.lb(4.0, What.HEALTH, "s1", "default", 1, "x")
    assert play.end() == [
        "s1 became healthy, but answered 0 probes well since 3.000000 s; 1 are asked for"
    ]


def test_a_person_needs_no_probe_nor_does_one_who_is_probed_by_connecting() -> None:
    play = Play(HealthLegal())
    play.tell(0.5, What.PROBE, "s1", 200)
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "manual")
    play.lb(2.0, What.HEALTH, "s1", "default", 1, "manual")
    play.lb(3.0, What.HEALTH, "s2", "default", 0, "x")
    play.lb(4.0, What.HEALTH, "s2", "default", 1, "x")
    assert play.end() == []


def test_who_comes_back_or_meets_another_balancer_begins_unknown() -> None:
    play = Play(HealthLegal(), world())
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.lb(3.0, What.HEALTH, "s1", "default", 0, "x")
    play.tell(4.0, What.INJECT, "lb", "restart", 1, "{}")
    play.lb(5.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(6.0, What.NEWS, "config_updated")
    play.lb(7.0, What.HEALTH, "s1", "default", 0, "x")
    assert play.end() == []


def test_while_another_serves_it_takes_as_many_good_probes_as_configured() -> None:
    play = Play(HealthLegal(), world(health_check=HealthCheckConfig(healthy_threshold=3)))
    play.lb(1.0, What.HEALTH, "s2", "default", 1, "x")
    play.lb(2.0, What.HEALTH, "s1", "default", 0, "x")
    for at in (3.0, 4.0):
        play.tell(at, What.PROBE, "s1", 200)
    play.lb(4.0, What.HEALTH, "s1", "default", 1, "x")
    assert play.said == [
        "s1 became healthy, but answered 2 probes well since 2.000000 s; 3 are asked for"
    ]
    play.lb(5.0, What.HEALTH, "s2", "default", 0, "x")
    play.lb(6.0, What.HEALTH, "s1", "default", 0, "x")
    play.tell(7.0, What.PROBE, "s1", 200)
    play.lb(7.0, What.HEALTH, "s1", "default", 1, "x")  # Nobody else serves.
    assert len(play.end()) == 1
