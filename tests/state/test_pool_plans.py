"""A pool under changing plans: who comes, stays and goes, and what each of them keeps."""

from random import Random

import pytest

from tests.state.books import (
    BAD,
    ERROR,
    OK,
    brief,
    eject,
    member,
    picks,
    plan,
    pool_of,
    probed_pool,
    server,
    usable,
)
from trio_lb.config.schema import HealthCheckConfig
from trio_lb.model.errors import ConfigError, UnknownServer
from trio_lb.policy.balance.base import Context
from trio_lb.state.pool import NOTHING
from trio_lb.state.server import Server


def test_a_server_that_is_removed_while_busy_leaves_with_its_last_request() -> None:
    pool = pool_of(plan(2))
    one = member(pool, "s1")
    with one.lease():
        told = pool.remove_server("s1", 1.0, expires_at=31.0)
        assert brief(told) == ["server_draining s1"]
        assert (usable(pool), one.state) == (["s2"], "draining")
        assert pool.get_server("s1") is one
    assert brief(pool.on_deadline(2.0)) == ["server_drained s1", "server_removed s1"]
    assert pool.get_server("s1") is None


def test_a_server_that_was_removed_takes_no_request_however_the_question_was_begun() -> None:
    pool = pool_of(plan(3))
    two = member(pool, "s2")
    order = pool.order(Context(), Random(0))
    assert next(order).id == "s1"
    with two.lease():
        pool.remove_server("s2", 1.0)
        assert not two.is_usable
        assert [each.id for each in order] == ["s3"]
        pool.add_server(server(2), 2.0)
        assert two.is_usable
        assert sorted(picks(pool)) == ["s1", "s2", "s3"]


def test_a_server_has_left_when_its_drain_ends_and_not_before() -> None:
    pool, left = pool_of(plan(4)), list[Server]()
    pool.on_left = left.append
    one, two, three = (member(pool, f"s{number}") for number in (1, 2, 3))
    pool.drain_server("s4", 1.0, expires_at=None)
    with one.lease(), two.lease():
        pool.apply(plan(servers=(server(4),)), 1.0, expires_at=31.0)
        assert left == [three], "it had nothing to finish"
        pool.apply(plan(servers=(server(1), server(4))), 2.0, expires_at=32.0)
        pool.on_deadline(31.0)
    pool.on_deadline(40.0)
    assert left == [three, two], "the first was taken back, the second's patience ended"


def test_an_idle_server_is_removed_at_once_even_when_it_was_drained_before() -> None:
    pool = pool_of(plan(3))
    ends = ["server_draining s1", "server_drained s1", "server_removed s1"]
    assert brief(pool.remove_server("s1", 1.0)) == ends
    pool.drain_server("s2", 1.0, expires_at=None)
    assert brief(pool.remove_server("s2", 2.0)) == ["server_removed s2"]
    assert [each.id for each in pool.servers()] == ["s3"]


def test_a_leaver_that_is_added_again_is_taken_back_with_its_counts() -> None:
    pool = pool_of(plan(2))
    one = member(pool, "s1")
    with one.lease():
        pool.remove_server("s1", 1.0)
        assert brief(pool.add_server(server(1, weight=5), 2.0)) == ["server_added s1"]
    assert pool.on_deadline(3.0) == NOTHING
    assert pool.get_server("s1") is one
    assert (one.weight, usable(pool)) == (5, ["s2", "s1"])


def test_another_address_under_the_same_id_is_another_server() -> None:
    pool = pool_of(plan(2))
    old = member(pool, "s1")
    eject(pool, "s1", 0.5)
    with old.lease():
        told = pool.update_server(server(9, id="s1"), 1.0, expires_at=31.0)
        assert brief(told) == ["server_added s1", "server_draining s1"]
        new = member(pool, "s1")
        assert (new is old, new.host, new.is_usable) == (False, "10.0.0.9", True)
    assert brief(pool.on_deadline(2.0)) == ["server_drained s1", "server_removed s1"]
    assert member(pool, "s1") is new


def test_a_late_success_of_the_old_address_is_none_of_the_new_one_s() -> None:
    pool = pool_of(plan(2))
    old = member(pool, "s1")
    with old.lease():
        pool.update_server(server(9, id="s1"), 1.0, expires_at=31.0)
        new = member(pool, "s1")
        for _ in range(4):
            pool.observe(new, ERROR, 2.0)
        pool.observe(member(pool, "s2"), OK, 2.0)
        assert pool.observe(old, OK, 2.0) is NOTHING
        assert brief(pool.observe(new, ERROR, 2.0)) == ["server_ejected s1"]
    assert (old.requests, new.requests) == (1, 5)


def test_a_new_weight_keeps_object_health_ejection_and_counts() -> None:
    pool = probed_pool()
    eject(pool, "s2", 1.0)
    two = member(pool, "s2")
    assert pool.update_server(server(2, weight=9), 2.0) == []
    assert member(pool, "s2") is two
    assert (two.weight, two.state, two.failures) == (9, "healthy", 5)
    assert (usable(pool), pool.deadline) == (["s1", "s3"], 6.0)


def test_a_new_name_keeps_health_and_ejection() -> None:
    pool = probed_pool()
    eject(pool, "s2", 1.0)
    renamed = (server(1), server(2, id="two"), server(3))
    pool.apply(plan(probes=True, servers=renamed), 2.0)
    assert (usable(pool), pool.deadline) == (["s1", "s3"], 6.0)
    assert brief(pool.on_deadline(6.0)) == ["server_readmitted two"]
    assert usable(pool) == ["s1", "two", "s3"]


def test_a_disabled_server_is_out_until_it_is_enabled() -> None:
    pool = pool_of(plan(2))
    pool.update_server(server(1, disabled=True), 1.0)
    assert (usable(pool), member(pool, "s1").state) == (["s2"], "disabled")
    pool.update_server(server(1), 2.0)
    assert usable(pool) == ["s1", "s2"]


@pytest.mark.parametrize(
    "double", [server(4, id="s1"), server(1, id="s4")], ids=["same id", "same address"]
)
def test_a_double_is_refused_and_nothing_changes(double: object) -> None:
    pool = pool_of(plan())
    before = (pool.config, pool.servers())
    with pytest.raises(ConfigError, match="is already in the pool"):
        pool.add_server(double, 1.0)  # type: ignore[arg-type] # a parametrized ServerConfig
    assert (pool.config, pool.servers()) == before


@pytest.mark.parametrize("change", ["update_server", "remove_server", "drain_server"])
def test_an_unknown_id_is_named_in_the_error(change: str) -> None:
    pool = pool_of(plan())
    calls = {
        "update_server": lambda: pool.update_server(server(9), 1.0),
        "remove_server": lambda: pool.remove_server("s9", 1.0),
        "drain_server": lambda: pool.drain_server("s9", 1.0, expires_at=None),
    }
    with pytest.raises(UnknownServer, match="pool 'api' has no server 's9'"):
        calls[change]()


def test_a_server_that_is_leaving_cannot_be_removed_again() -> None:
    pool = pool_of(plan())
    with member(pool, "s1").lease():
        pool.remove_server("s1", 1.0)
        with pytest.raises(UnknownServer, match="'s1' is leaving pool 'api' already"):
            pool.remove_server("s1", 2.0)


def test_the_same_plan_again_changes_nothing_not_even_the_tuple() -> None:
    pool = pool_of(plan())
    tiers = pool._rotation.tiers
    assert pool.apply(plan(), 1.0) == NOTHING
    assert pool._rotation.tiers is tiers


def test_another_algorithm_takes_over_at_once_and_a_budget_only_when_it_differs() -> None:
    pool = pool_of(plan())
    budget = pool.budget
    pool.apply(plan(algorithm="least_connections"), 1.0)
    assert (pool.balancer.name, pool.budget is budget) == ("least_connections", True)
    with member(pool, "s1").lease():
        assert picks(pool)[0] == "s2"


def test_another_algorithm_in_mid_flight_loses_no_request() -> None:
    pool = pool_of(plan(3, algorithm="least_connections"))
    two = member(pool, "s2")
    order = pool.order(Context(), Random(0))
    with next(order).lease() as one, two.lease():
        pool.apply(plan(3, algorithm="round_robin"), 1.0)
        assert sorted(each.id for each in order) == ["s2", "s3"], "a retry goes on as it began"
        pool.apply(plan(3, algorithm="least_connections"), 2.0)
        assert picks(pool)[0] == "s3", "who has requests in flight still has them"
        assert [each.active_connections for each in pool.members] == [1, 1, 0]
    assert (one.id, [each.active_connections for each in pool.members]) == ("s1", [0, 0, 0])


def test_another_setting_of_an_algorithm_makes_it_anew_and_no_other_one_does() -> None:
    pool = pool_of(plan(algorithm="peak_ewma"))
    balancer = pool.balancer
    pool.apply(plan(algorithm="peak_ewma", slow_start=9.0), 1.0)
    assert pool.balancer is balancer
    pool.apply(plan(algorithm="peak_ewma", slow_start=9.0, ewma_decay=5.0), 2.0)
    assert pool.balancer is not balancer


def test_an_algorithm_that_can_t_be_made_is_refused_and_nothing_changes() -> None:
    async def late(candidates: object, context: object) -> None:
        """Decides too late."""

    pool = pool_of(plan())
    before = (pool.config, pool.balancer, pool.servers())
    with pytest.raises(ConfigError, match="'late' is async"):
        pool.apply(plan(2, algorithm=late), 1.0)
    assert (pool.config, pool.balancer, pool.servers()) == before


def test_probes_that_are_switched_on_leave_a_server_in_service() -> None:
    pool = pool_of(plan())
    pool.apply(plan(probes=True), 1.0)
    assert usable(pool) == ["s1", "s2", "s3"]
    for at in (2.0, 3.0, 4.0):
        pool.checked(member(pool, "s1"), BAD, at)
    assert usable(pool) == ["s2", "s3"]
    pool.apply(plan(probes=False), 5.0)
    assert usable(pool) == ["s1", "s2", "s3"]


def test_new_thresholds_apply_to_the_counts_of_now() -> None:
    pool = probed_pool()
    pool.checked(member(pool, "s1"), BAD, 1.0)
    pool.apply(plan(health_check=HealthCheckConfig(unhealthy_threshold=2)), 2.0)
    assert brief(pool.checked(member(pool, "s1"), BAD, 3.0)) == ["server_health_changed s1"]
