"""Enrolment: what is known of a new server, and what a changed plan does to health."""

import attrs

from tests.state.books import BAD, GOOD, plan, server
from trio_lb.config.schema import HealthCheckConfig
from trio_lb.policy.health import HealthState, HealthThresholds
from trio_lb.state.enrolment import fit_health, new_health, new_server, probing_of
from trio_lb.state.server import ServerState


def test_a_new_server_is_unknown_where_it_is_probed_and_healthy_where_not() -> None:
    assert new_server(plan(probes=True), server(1)).state is ServerState.UNKNOWN
    assert new_server(plan(), server(1)).state is ServerState.HEALTHY


def test_a_machine_takes_the_plan_s_thresholds() -> None:
    config = plan(health_check=HealthCheckConfig(healthy_threshold=4, unhealthy_threshold=7))
    machine = new_health(config, "s1", HealthState.HEALTHY)
    assert machine.config == HealthThresholds(rise=4, fall=7)
    assert (machine.pool, machine.server_id, machine.is_usable) == ("api", "s1", True)


def test_a_plan_that_goes_on_probing_keeps_the_machine_and_renews_its_thresholds() -> None:
    one = new_server(plan(probes=True), server(1))
    kept = fit_health(plan(health_check=HealthCheckConfig(healthy_threshold=5)), one)
    assert kept is one.health
    assert kept is not None
    assert kept.config.rise == 5


def test_probes_that_are_switched_off_leave_only_a_person_s_word() -> None:
    one = new_server(plan(probes=True), server(1))
    assert one.health is not None
    one.health.observe(BAD, 1.0)
    assert fit_health(plan(), one) is None
    one.health.override(False, 2.0)
    one.health = fit_health(plan(), one)
    assert one.health is not None
    assert (one.state, one.health.is_overridden) == (ServerState.UNHEALTHY, True)
    one.health.override(None, 3.0)
    assert one.state is ServerState.HEALTHY


def test_probes_that_are_switched_on_must_prove_a_server_in_service_bad() -> None:
    one = new_server(plan(), server(1))
    one.health = fit_health(plan(probes=True), one)
    assert one.health is not None
    one.health.observe(BAD, 1.0)
    one.health.observe(GOOD, 2.0)
    assert one.state is ServerState.HEALTHY


def test_a_server_s_own_check_counts_for_it_alone() -> None:
    own = HealthCheckConfig(healthy_threshold=4, unhealthy_threshold=7)
    mine, other = attrs.evolve(server(1), health_check=own), server(2)
    one = new_server(plan(), mine)
    assert one.health is not None
    assert one.health.config == HealthThresholds(rise=4, fall=7)
    assert one.state is ServerState.UNKNOWN
    assert new_server(plan(), other).health is None
    assert probing_of(plan(probes=True), other) == plan(probes=True).health_check


def test_a_server_may_be_left_out_of_its_pool_s_probes() -> None:
    config = attrs.evolve(server(1), health_check=HealthCheckConfig(enabled=False))
    one = new_server(plan(probes=True), config)
    assert one.health is None
    one.configure(attrs.evolve(config, health_check=HealthCheckConfig(healthy_threshold=9)))
    one.health = fit_health(plan(), one)
    assert one.health is not None
    assert (one.state, one.health.config.rise) == (ServerState.HEALTHY, 9)
