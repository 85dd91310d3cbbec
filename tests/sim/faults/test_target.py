"""What is aimed at, and what becomes of it in a world."""

import pytest

from tests.sim.faults.support import WORLD, World, rng
from trio_lb.config.kinds import Refused
from trio_lb.config.nodes import Findings, Node
from trio_lb.sim.faults.target import Aim, Drawn, Sort, Target, read_aim


def read(data: object) -> Aim | None:
    findings = Findings()
    aim = read_aim(Node(data, (), findings))
    assert (aim is None) == findings.has_errors
    return aim


def refusal(data: object) -> str:
    findings = Findings()
    assert read_aim(Node(data, (), findings)) is None
    return " / ".join(str(each) for each in findings.problems)


def hit(data: object, *wanted: Sort) -> list[str]:
    aim = read(data)
    assert aim is not None
    return [str(target) for target in aim.targets(wanted, WORLD, rng())]


@pytest.mark.parametrize(
    ("data", "aim"),
    [
        ("server:s1", Aim(Sort.SERVER, ("s1",))),
        ("zone:b", Aim(Sort.ZONE, ("b",))),
        ("point:pool.size", Aim(Sort.POINT, ("pool.size",))),
        ({"link": ["lb", "zone:b"]}, Aim(Sort.LINK, ("lb", "zone:b"))),
        ({"random": "clients"}, Aim(Sort.CLIENT, (Drawn("clients"),))),
        (
            {"link": ["lb", {"random": "servers", "count": 2}]},
            Aim(Sort.LINK, ("lb", Drawn("servers", 2))),
        ),
    ],
)
def test_an_aim_is_read_and_written_back(data: object, aim: Aim) -> None:
    assert read(data) == aim
    assert aim.to_data() == data


def test_a_link_may_be_written_as_reports_write_it() -> None:
    assert read("link:lb~s1") == read({"link": ["lb", "s1"]})
    assert read("link:lb~zone:b") == read({"link": ["lb", "zone:b"]})
    for text in ("link:lb", "link:lb~s1~s2", "link:lb~", "link:lb~lb"):
        assert "write {link: [NAME, NAME]} or link:NAME~NAME" in refusal(text)


def test_the_balancer_needs_no_name() -> None:
    assert read("lb") == read("lb:lb") == Aim(Sort.LB, ("lb",))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("servr:s1", "'servr:s1' is not a target; did you mean 'server'?"),
        ("server:", "'server:' is not a target; write server:NAME"),
        (3, "3 is not a target; write"),
        ({"link": ["lb"]}, "a link has two ends, and this one 1"),
        ({"link": ["lb", "lb"]}, "both ends of this link are 'lb'"),
        ({"link": ["lb", 3]}, "link[1]: 3 is not an end of a link"),
        ({"random": "server"}, "random: 'server' is no group; did you mean 'servers'?"),
        ({"random": "servers", "count": 0}, "count: 0 is not in 1..10000"),
        ({"server": "s1"}, "server: unknown key; known here: random, count"),
    ],
)
def test_what_is_no_target_is_refused(data: object, says: str) -> None:
    assert says in refusal(data)


def test_a_zone_stands_for_its_servers_or_hosts() -> None:
    assert hit("zone:b", Sort.HOST, Sort.SERVER) == ["server:s3", "server:s4"]
    assert hit("zone:b", Sort.HOST) == ["host:s3", "host:s4"]


def test_those_drawn_together_differ() -> None:
    assert sorted(hit({"random": "servers", "count": 4}, Sort.SERVER)) == [
        f"server:{name}" for name in WORLD.servers
    ]


def test_a_drawn_link_has_two_different_ends() -> None:
    aim = Aim(Sort.LINK, (Drawn("zones"), Drawn("zones")))
    chance = rng()
    pairs = [aim.targets((), WORLD, chance) for _ in range(50)]
    ways = [Target(Sort.LINK, ("zone:a", "zone:b")), Target(Sort.LINK, ("zone:b", "zone:a"))]
    assert all(pair[0] in ways and len(pair) == 1 for pair in pairs)
    assert {str(pair[0]) for pair in pairs} == {str(way) for way in ways}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("server:s9", "there is no server 's9'"),
        ("server:lb", "there is no server 'lb', but a host: the target is host:lb"),
        ("client:webb", "there is no client 'webb'; did you mean 'web'"),
        ("client:chat", "'chat' talks by WebSocket; faults of clients hit who asks by HTTP alone"),
        ({"link": ["lb", "zone:q"]}, "there is no zone 'q'; there are: a, b"),
        ({"link": ["bl", "zone:a"]}, "there is no host 'bl'"),
        ({"random": "servers", "count": 5}, "5 of the servers are wanted, there are 4"),
    ],
)
def test_a_world_refuses_what_it_has_not(data: object, says: str) -> None:
    with pytest.raises(Refused) as caught:
        hit(data, Sort.SERVER, Sort.HOST)
    assert says in str(caught.value)


APPS = World(servers=("s1",), hosts=("lb", "app-1", "cron"), programs=("app-1",))
"""A modelled server and a program behind the balancer, and a program that only asks."""


def test_a_program_behind_a_balancer_counts_as_a_server() -> None:
    assert aimed("server:app-1") == ["server:app-1"]
    assert sorted(aimed({"random": "servers", "count": 2})) == ["server:app-1", "server:s1"]
    drawn = aimed({"link": ["lb", {"random": "servers", "count": 2}]})
    assert sorted(drawn) == ["link:lb~app-1", "link:lb~s1"]


def test_what_needs_a_modelled_server_passes_programs_by_and_says_what_does_not() -> None:
    assert aimed({"random": "servers"}, modelled="slow") == ["server:s1"]
    assert "'app-1' is no server of the simulation, and slow needs one" in sorry("server:app-1")
    two = sorry({"random": "servers", "count": 2})
    assert "there are 1; slow needs one (sim.server); a program of yours is reached by" in two


def test_a_program_that_only_asks_is_no_server_and_has_links() -> None:
    told = sorry("server:cron", modelled="")
    assert told.endswith(
        "no balancer has it among its own; on the way to it acts {link: [NAME, cron]}"
    )


def aimed(data: object, modelled: str = "") -> list[str]:
    aim = read(data)
    assert aim is not None
    return [str(each) for each in aim.targets((Sort.SERVER,), APPS, rng(), modelled=modelled)]


def sorry(data: object, modelled: str = "slow") -> str:
    with pytest.raises(Refused) as caught:
        aimed(data, modelled)
    return str(caught.value)


def test_a_server_without_a_name_may_be_called_by_its_address() -> None:
    assert read("server:10.1.0.1:8080") == Aim(Sort.SERVER, ("10.1.0.1-8080",))
    assert read("host:[::1]:80") == Aim(Sort.HOST, ("1--80",))
    ends = Aim(Sort.LINK, ("lb", "10.1.0.1-8080"))
    assert read({"link": ["lb", "10.1.0.1:8080"]}) == read("link:lb~10.1.0.1:8080") == ends


def test_ten_of_many_names_are_told() -> None:
    many = World(servers=tuple(f"10.0.0.{number}-80" for number in range(1, 14)))
    with pytest.raises(Refused, match=r"there are: 10\.0\.0\.1-80, .*10\.0\.0\.10-80 and 3 more$"):
        Aim(Sort.SERVER, ("web",)).targets((Sort.SERVER,), many, rng())


def test_who_talks_by_websocket_has_a_host_and_is_at_the_end_of_links() -> None:
    assert hit({"link": ["chat", "lb"]}) == ["link:chat~lb"]
    assert hit("host:chat") == ["host:chat"]


def test_an_empty_zone_hits_nobody_and_says_so() -> None:
    world = World(zones=("a", "b", "c"))
    with pytest.raises(Refused, match="there is no server in zone 'c'"):
        Aim(Sort.ZONE, ("c",)).targets((Sort.SERVER,), world, rng())


def test_servers_and_clients_have_hosts_that_bear_their_names() -> None:
    assert hit({"link": ["web", "lb"]}, Sort.LINK) == ["link:web~lb"]
    assert hit("host:s1", Sort.HOST) == ["host:s1"]
    with pytest.raises(Refused, match="there is no host 's9'"):
        hit("host:s9", Sort.HOST)
