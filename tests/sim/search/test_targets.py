"""Whom a fault can hit: what is there, once, and nothing that would not be felt."""

import pytest

from tests.sim.faults.support import WORLD, World
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.search.targets import Field, kinds_that_hit

FIELD = Field(WORLD, resolvers={"api.local": ("s4",)}, points=("window", "connect"))


def names(kind: str, *, servers_only: bool = False) -> list[str]:
    return [str(each) for each in FIELD.targets(KINDS[kind], servers_only=servers_only)]


def test_links_go_from_whoever_dials_to_servers_and_zones() -> None:
    assert names("latency") == [
        *("link:lb~s1", "link:lb~s2", "link:lb~s3", "link:lb~s4"),
        *("link:lb~zone:a", "link:lb~zone:b"),
    ]
    assert len(names("latency", servers_only=True)) == 4


def test_a_zone_in_which_nobody_serves_is_left_in_peace() -> None:
    far = Field(World(zones=("a", "far")))
    links = [str(each) for each in far.targets(KINDS["latency"])]
    assert links[4:] == ["link:lb~zone:a"]


def test_a_machine_that_is_a_server_is_named_once() -> None:
    assert names("pause") == ["host:lb", "server:s1", "server:s2", "server:s3", "server:s4"]
    assert names("pause", servers_only=True)[0] == "server:s1"


def test_only_hosts_that_ask_for_the_time_have_their_clock_changed() -> None:
    assert names("clock_skew") == names("clock_jump") == ["host:lb"]


def test_only_servers_compute_slowly_by_themselves() -> None:
    assert "host:lb" not in [*names("slow_cpu"), *names("warm_up")]
    assert names("slow_cpu")[0] == "server:s1"


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("dns_servfail", "resolver:api.local"),
        ("reload", "lb:lb"),
        ("shrink", "point:window"),
        ("abort", "client:web"),
    ],
)
def test_each_sort_has_its_names(kind: str, target: str) -> None:
    assert names(kind)[0] == target


def test_a_kind_that_acts_at_points_acts_at_its_own() -> None:
    assert names("shrink") == ["point:window"]
    assert names("spurious_timeout") == ["point:connect"]
    assert names("one_byte_reads") == []


def test_a_name_stands_for_the_servers_behind_it() -> None:
    assert FIELD.servers_hit(Target(Sort.RESOLVER, ("api.local",))) == ["s4"]


def test_a_zone_stands_for_its_servers() -> None:
    assert FIELD.servers_hit(Target(Sort.LINK, ("lb", "zone:b"))) == ["s3", "s4"]
    assert FIELD.servers_hit(Target(Sort.LINK, ("lb", "s1"))) == ["s1"]
    assert FIELD.servers_hit(Target(Sort.CLIENT, ("web",))) == []


PROGRAMS = World(servers=(), hosts=("lb", "api-1", "api-2", "api-3", "cron"), zones=())
OWN = Field(PROGRAMS, programs=("api-1", "api-2", "api-3"))
"""Programs of the user's own behind a balancer, and one that only asks."""


def test_programs_that_serve_are_hit_like_servers_but_as_hosts() -> None:
    pause = KINDS["pause"]
    assert [str(each) for each in OWN.targets(pause, servers_only=True)] == [
        *("host:api-1", "host:api-2", "host:api-3"),
    ]
    assert [*map(str, OWN.targets(pause))] == [f"host:{name}" for name in PROGRAMS.hosts]
    assert [str(each) for each in OWN.targets(KINDS["partition"], servers_only=True)][:4] == [
        *("link:lb~api-1", "link:lb~api-2", "link:lb~api-3"),
        "link:cron~api-1",
    ]
    assert OWN.servers_hit(Target(Sort.LINK, ("lb", "api-2"))) == ["api-2"]


def test_programs_are_deployed_and_only_modelled_servers_are_made() -> None:
    deploy, scale = KINDS["deploy_wave"], KINDS["scale_up"]
    assert names("scale_up") == names("deploy_wave") == ["lb:lb"]
    assert [*map(str, OWN.targets(deploy))] == ["lb:lb"]
    assert OWN.targets(scale) == Field(PROGRAMS).targets(deploy) == []


def test_nobody_is_deployed_behind_a_balancer_that_has_nobody_nor_the_only_one_that_serves() -> (
    None
):
    deploy = KINDS["deploy_wave"]
    two = Field(PROGRAMS, programs=("api-1", "api-2"), balancers=("lb", "bare"), idle=("bare",))
    assert [*map(str, two.targets(deploy, servers_only=True))] == ["lb:lb"]
    alone = Field(PROGRAMS, programs=("api-1",))
    assert [*map(str, alone.targets(deploy))] == ["lb:lb"]
    assert alone.targets(deploy, servers_only=True) == []


def test_a_kind_needs_a_target_and_no_argument_that_must_be_said() -> None:
    possible = [kind.name for kind in kinds_that_hit(FIELD)]
    assert "partition" in possible
    assert "dns_nxdomain" in possible
    assert "dns_add" not in possible, "whose address should it be?"
    assert "dns_nxdomain" not in [kind.name for kind in kinds_that_hit(Field(WORLD))]
    assert [kind.name for kind in kinds_that_hit(FIELD, ["reset"])] == ["reset"]
