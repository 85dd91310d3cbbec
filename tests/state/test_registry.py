"""The registry: a plan becomes state, what stays keeps its own, and names find servers."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import BAD, GOOD, OK, brief, eject, member, plan, server, usable
from trio_lb.config.schema import Config, PoolConfig
from trio_lb.model.errors import AmbiguousServer, ConfigError, UnknownServer
from trio_lb.model.events import ConfigUpdated
from trio_lb.state.registry import Registry


def config(*pools: PoolConfig, drain_timeout: float = 30.0) -> Config:
    return Config(pools={each.name: each for each in pools}, drain_timeout=drain_timeout)


def registry(*pools: PoolConfig) -> Registry:
    made = Registry()
    made.apply(config(*pools), 0.0)
    return made


def test_the_first_plan_comes_from_nothing() -> None:
    made = Registry()
    told = made.apply(config(plan(2), plan(1, name="web")), 5.0)
    assert brief(told[:-1]) == ["server_added s1", "server_added s2", "server_added s1"]
    assert told[-1] == ConfigUpdated(at=5.0, changes=("pools.api: added", "pools.web: added"))
    assert list(made.pools()) == ["api", "web"]


def test_the_key_names_the_pool_whatever_the_value_says() -> None:
    made = Registry()
    made.apply(Config(pools={"api": plan(1, name="other")}), 0.0)
    assert made.pool("api").config.name == "api"
    assert [each.pool for each in made.servers()] == ["api"]


def test_the_same_plan_again_changes_and_tells_nothing() -> None:
    made = registry(plan(2))
    before = (made.pool("api"), made.pool("api").servers(), made.pool("api")._rotation.tiers)
    assert made.apply(config(plan(2)), 1.0) == []
    after = (made.pool("api"), made.pool("api").servers(), made.pool("api")._rotation.tiers)
    assert after == before


def test_a_plan_with_one_algorithm_that_can_t_be_made_changes_no_pool() -> None:
    async def late(candidates: object, context: object) -> None:
        """Decides too late."""

    made = registry(plan(2), plan(1, name="web"))
    before = (made.plan, [each.config for each in made.pools().values()])
    with pytest.raises(ConfigError, match="'late' is async"):
        made.apply(config(plan(3), plan(1, name="web", algorithm=late)), 1.0)
    assert (made.plan, [each.config for each in made.pools().values()]) == before


def test_what_stays_keeps_health_ejection_counts_and_the_requests_in_flight() -> None:
    made = registry(plan(3, probes=True))
    pool = made.pool("api")
    one, two, three = pool.servers()
    for each in (one, two, three):
        pool.checked(each, GOOD, 0.0)
    for at in (1.0, 2.0, 3.0):
        pool.checked(one, BAD, at)
    eject(pool, "s3", 4.0)
    pool.observe(two, OK, 4.0)
    with two.lease():
        made.apply(config(plan(4, probes=True, algorithm="random")), 5.0)
        assert made.pool("api") is pool
        assert pool.servers()[:3] == (one, two, three)
        assert (one.state, two.active_connections, pool.deadline) == ("unhealthy", 1, 9.0)
        assert (usable(pool), two.requests) == (["s2"], 2)


def test_what_goes_drains_for_as_long_as_the_plan_allows() -> None:
    made = registry(plan(2))
    one = made.find_server("s1")
    with one.lease():
        told = made.apply(config(plan(servers=(server(2),)), drain_timeout=7.0), 10.0)
        assert brief(told) == ["server_draining s1", "config_updated"]
        assert made.pool("api").deadline == 17.0


def test_a_pool_that_goes_is_found_no_more_and_timed_until_its_last_request_ended() -> None:
    made = registry(plan(2), plan(1, name="web"))
    web = made.pool("web")
    busy = member(web, "s1")
    with busy.lease():
        made.apply(config(plan(2)), 10.0)
        with pytest.raises(LookupError, match="no pool is called 'web'; known are: api"):
            made.pool("web")
        assert made.machines() == [made.pool("api"), web]
        assert busy in list(made.servers())
    web.on_deadline(11.0)
    assert made.machines() == [made.pool("api")]


def test_a_pool_that_comes_back_while_it_retires_is_the_same_pool() -> None:
    made = registry(plan(1), plan(1, name="web"))
    web = made.pool("web")
    busy = member(web, "s1")
    with busy.lease():
        made.apply(config(plan(1)), 10.0)
        told = made.apply(config(plan(1), plan(1, name="web")), 11.0)
        assert brief(told) == ["server_added s1", "config_updated"]
    assert made.pool("web") is web
    assert made.machines() == [made.pool("api"), web]
    assert (busy.is_usable, web.deadline) == (True, None)


def test_a_plan_with_a_double_in_any_pool_changes_nothing() -> None:
    made = registry(plan(2))
    before = (made.plan, made.pool("api").servers())
    bad = plan(name="web", servers=(server(1), server(1)))
    with pytest.raises(ConfigError, match=r"pools.web.servers\[1\].id: s1 is already in the pool"):
        made.apply(config(plan(3), bad), 1.0)
    assert (made.plan, made.pool("api").servers()) == before


def test_a_change_that_concerns_no_pool_is_told_and_touches_none() -> None:
    made = registry(plan(2))
    tiers = made.pool("api")._rotation.tiers
    told = made.apply(attrs.evolve(made.plan, answer_headers=True), 1.0)
    assert told == [ConfigUpdated(at=1.0, changes=("answer_headers: False -> True",))]
    assert made.pool("api")._rotation.tiers is tiers


# -- finding


def test_a_server_is_found_by_its_id_or_with_its_pool() -> None:
    made = registry(plan(2), plan(1, name="web"))
    assert made.find_server("s2").pool == "api"
    assert made.find_server("web/s1").pool == "web"


def test_an_id_that_stands_in_several_pools_is_ambiguous_alone() -> None:
    made = registry(plan(2), plan(1, name="web"))
    with pytest.raises(AmbiguousServer, match="'s1' stands in several pools: say api/s1 or web/s1"):
        made.find_server("s1")


@pytest.mark.parametrize("name", ["s9", "api/s9", "nowhere/s1", ""])
def test_what_is_not_there_is_unknown(name: str) -> None:
    with pytest.raises(UnknownServer, match=f"no server is called '{name}'"):
        registry(plan(2)).find_server(name)


def test_an_id_may_hold_a_slash() -> None:
    made = registry(plan(servers=(server(1, id="rack/7"),)))
    assert made.find_server("rack/7") is made.find_server("api/rack/7")


sets_of_numbers = st.lists(st.integers(1, 5), unique=True, max_size=5)
plans = st.dictionaries(st.sampled_from(["api", "web", "db"]), sets_of_numbers)


@given(st.lists(plans, max_size=6))
def test_law_after_any_plans_the_last_one_is_in_force_and_nobody_lost_its_object(
    history: list[dict[str, list[int]]],
) -> None:
    made = Registry()
    for at, numbers in enumerate(history):
        before = {each.identity: each for each in made.servers()}
        wanted = config(
            *(plan(name=n, servers=tuple(map(server, ks))) for n, ks in numbers.items())
        )
        made.apply(wanted, float(at))
        assert made.apply(wanted, float(at)) == []
        assert {name: usable(pool) for name, pool in made.pools().items()} == {
            name: [f"s{k}" for k in ks] for name, ks in numbers.items()
        }
        assert all(before.get(each.identity, each) is each for each in made.servers())
        assert made.machines() == list(made.pools().values()), "idle pools go at once"
