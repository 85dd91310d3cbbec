"""Swarms: the same seed the same weather, within its limits, and all kinds over many seeds."""

from collections import Counter

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.support import WORLD, World
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.search.swarm import enabled_kinds, most_servers_hit, swarm
from trio_lb.sim.search.targets import Field, kinds_that_hit

FIELD = Field(WORLD, resolvers={"api.local": ("s4",)})
NINE = Field(World(servers=tuple(f"s{n}" for n in range(9)), hosts=("lb",)))
HORIZON = 600.0

seeds = st.integers(0, 2**32)


def test_a_seed_gives_this_swarm_and_no_other() -> None:
    drawn = swarm(7, FIELD, HORIZON, kinds=["latency", "partition", "refuse", "reset", "jitter"])
    assert [(f.at, f.kind, str(f.target), f.until, dict(f.args)) for f in drawn] == [
        (77.209, "partition", "link:lb~s2", 103.786, {"way": "there"}),
        (247.312, "jitter", "link:lb~s1", 249.595, {"most": 0.02, "way": "back"}),
        (307.341, "jitter", "link:lb~s3", 317.404, {"most": 0.02, "way": "both"}),
        (366.727, "partition", "link:lb~s3", 380.352, {"way": "both"}),
        (399.089, "partition", "link:lb~s4", 403.398, {"way": "both"}),
        (492.82, "jitter", "link:lb~s3", 516.992, {"most": 0.02, "way": "both"}),
    ]


@given(seeds, st.booleans())
def test_the_same_seed_gives_the_same_schedule(seed: int, harsh: bool) -> None:
    assert swarm(seed, FIELD, HORIZON, harsh=harsh) == swarm(seed, FIELD, HORIZON, harsh=harsh)


@given(seeds, st.booleans(), st.floats(1, 1e5))
def test_faults_end_in_time_and_leave_the_run_warm_at_first(
    seed: int, harsh: bool, horizon: float
) -> None:
    drawn = swarm(seed, FIELD, horizon, harsh=harsh)
    assert [fault.at for fault in drawn] == sorted(fault.at for fault in drawn)
    for fault in drawn:
        kind = KINDS[fault.kind]
        assert fault.target in FIELD.targets(kind)
        assert 0.05 * horizon - 0.001 <= fault.at <= 0.85 * horizon + 0.001
        assert (fault.until is None) == (kind.lasts is Lasts.INSTANT)
        assert fault.until is None or fault.at < fault.until <= horizon + 0.001


def present_at(at: float, faults: list[Fault]) -> list[Fault]:
    return [each for each in faults if each.at <= at and (each.until is None or at < each.until)]


@given(seeds)
def test_in_mild_weather_two_at_most_are_there_and_a_third_of_the_servers_is_hit(
    seed: int,
) -> None:
    drawn = swarm(seed, NINE, HORIZON)
    lasting = [fault for fault in drawn if fault.until is not None]
    for fault in lasting:
        present = present_at(fault.at, lasting)
        assert len(present) <= 2
        assert len({name for each in present for name in NINE.servers_hit(each.target)}) <= 3
    assert not any(fault.target.sort is Sort.HOST for fault in drawn)


@given(seeds)
def test_another_limit_holds_in_harsh_weather(seed: int) -> None:
    drawn = swarm(seed, NINE, HORIZON, harsh=True, most_at_once=1)
    lasting = [fault for fault in drawn if fault.until is not None]
    assert all(len(present_at(fault.at, lasting)) == 1 for fault in lasting)


def test_the_balancer_is_hit_as_often_as_all_servers_together() -> None:
    drawn = [f for seed in range(200) for f in swarm(seed, NINE, HORIZON, harsh=True)]
    sorts = Counter(fault.target.sort for fault in drawn if fault.kind in ("drain", "pause"))
    assert sorts.total() > 200
    assert 0.8 < sorts[Sort.HOST] / sorts[Sort.SERVER] < 1.25


def test_harsh_weather_hits_all_servers_at_once_some_day() -> None:
    most = 0
    for seed in range(30):
        drawn = [f for f in swarm(seed, FIELD, HORIZON, harsh=True) if f.until is not None]
        for fault in drawn:
            present = present_at(fault.at, drawn)
            hit = {name for each in present for name in FIELD.servers_hit(each.target)}
            most = max(most, len(hit))
    assert most == 4


def test_over_many_seeds_each_kind_is_there_in_about_half_of_them() -> None:
    seen = Counter(kind.name for seed in range(400) for kind in enabled_kinds(seed, FIELD))
    assert {*seen} == {kind.name for kind in kinds_that_hit(FIELD)}
    assert all(150 <= count <= 250 for count in seen.values()), seen


def test_a_kind_draws_the_same_whoever_else_is_there() -> None:
    alone = [f for seed in range(20) for f in swarm(seed, FIELD, HORIZON, kinds=["reset"])]
    among = [f for seed in range(20) for f in swarm(seed, FIELD, HORIZON, harsh=True)]
    targets = [(f.at, f.kind) for f in among if f.kind == "reset"]
    assert [(f.at, f.kind) for f in alone] == targets
    assert len(targets) > 10


@pytest.mark.parametrize(("servers", "most"), [(1, 0), (2, 1), (3, 1), (5, 1), (6, 2), (9, 3)])
def test_a_lone_server_is_spared_and_of_many_a_third_is_hit(servers: int, most: int) -> None:
    assert most_servers_hit(servers) == most


def test_programs_that_serve_are_spared_as_servers_are() -> None:
    programs = tuple(f"api-{n}" for n in range(6))
    own = Field(World(servers=(), hosts=("lb", "cron", *programs), zones=()), programs=programs)
    seen: set[str] = set()
    for seed in range(30):
        for fault in swarm(seed, own, HORIZON, kinds=["pause", "crash", "partition"]):
            assert own.servers_hit(fault.target) != []
            seen.update(own.servers_hit(fault.target))
    assert seen == {*programs}


def test_where_nothing_can_be_hit_nothing_happens() -> None:
    nobody = Field(attrs.evolve(WORLD, servers=(), hosts=(), clients=(), zones=()))
    lone = [kind for kind in kinds_that_hit(nobody) if kind.targets != (Sort.LB,)]
    assert lone == []


def test_points_that_are_drawn_are_armed_and_no_coin_is_tossed_twice() -> None:
    field = attrs.evolve(FIELD, points=("connect", "window", "reads"))
    drawn = [
        fault
        for seed in range(40)
        for fault in swarm(seed, field, HORIZON, harsh=True)
        if fault.target.sort is Sort.POINT
    ]
    assert {fault.kind for fault in drawn} == {"shrink", "one_byte_reads", "spurious_timeout"}
    assert {fault.args["on"] for fault in drawn} == {1.0}
