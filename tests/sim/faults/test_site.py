"""From a target to what it hits, in a world with zones."""

import pytest

from tests.sim.faults.play import LINK, SERVER, Actor, Play, fault, play
from trio_lb.model.errors import ConfigError


def test_a_zone_at_an_end_of_a_link_is_every_host_in_it() -> None:
    async def scene(world: Play) -> None:
        world.net.host("crowd", zone="a")
        pairs = world.site.pairs(fault(0.0, "partition", {"link": ["zone:b", "zone:a"]}))
        assert [(one.name, other.name) for one, other in pairs] == [
            ("s3", "s1"),
            ("s3", "s2"),
            ("s3", "crowd"),
        ]
        inside = world.site.pairs(fault(0.0, "partition", {"link": ["s1", "zone:a"]}))
        assert [other.name for _, other in inside] == ["s2", "crowd"], "not to itself"

    play(scene)


def test_a_server_s_links_are_those_to_everybody() -> None:
    async def scene(world: Play) -> None:
        links = world.site.links(fault(0.0, "idle_drop", SERVER))
        assert [link.ends for link in links] == [
            ("lb", "s1"),
            ("s1", "s2"),
            ("s1", "s3"),
            ("s1", "web"),
        ]

    play(scene)


@pytest.mark.parametrize(("way", "senders"), [("there", "lb"), ("back", "s1"), ("both", "lb s1")])
def test_a_way_is_seen_from_the_first_end(way: str, senders: str) -> None:
    async def scene(world: Play) -> None:
        paths = world.site.paths(fault(0.0, "latency", LINK, way=way))
        assert paths == [(world.link(), world.link().path_from(each)) for each in senders.split()]

    play(scene)


def test_who_lives_on_a_host_dies_with_it() -> None:
    async def scene(world: Play) -> None:
        world.programs["job"] = Actor("job", world.net.host("job"))
        site = world.site
        for name in ("s1", "lb", "job"):
            assert site.machine(name) in (
                *world.servers.values(),
                *world.balancers.values(),
                *world.programs.values(),
            )
            assert site.host(name) is world.net.host(name)
        assert site.machine("web") is world.net.host("web")
        assert site.env("job") is world.programs["job"].env

    play(scene)


def test_a_fault_s_chance_is_its_own() -> None:
    async def scene(world: Play) -> None:
        one, other = fault(1.0, "crash", SERVER), fault(2.0, "crash", SERVER)
        draws = [world.site.rng(each).random() for each in (one, other, one)]
        assert draws[0] == draws[2] != draws[1]

    play(scene)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"link": ["lb", "s9"]}, "there is no host 's9'; there are: lb, s1, s2, s3, web"),
        ({"link": ["webb", "s1"]}, "there is no host 'webb'; did you mean 'web'"),
        ({"link": ["lb", "zone:z"]}, "there is no zone with a host 'z'; there are: , a, b"),
    ],
)
def test_what_the_world_has_not_is_refused(target: object, message: str) -> None:
    async def scene(world: Play) -> None:
        with pytest.raises(ConfigError, match=message):
            world.site.links(fault(0.0, "partition", target))

    play(scene)
