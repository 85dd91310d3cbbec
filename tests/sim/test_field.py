"""What can be hit in a world: the names that it looks up, the points that its code passes."""

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.field import OF_SOCKETS, field_of
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.targets import kinds_that_hit
from trio_lb.sim.simulation import Simulation

NAMED: dict[str, object] = {
    "servers": ["api-1.example:80", {"address": "api-2.example:80", "id": "two"}, "10.7.0.1:80"]
}


async def nothing(env: SimEnv) -> None: ...


def world(config: dict[str, object] | None = None) -> Simulation:
    sim = Simulation(7)
    sim.server("s1"), sim.server("s2")
    sim.balancer(config)
    sim.clients("web", OpenLoop(Poisson(20)))
    return sim


def test_what_a_configuration_calls_by_name_is_looked_up_and_has_its_server_behind() -> None:
    field = field_of(world(NAMED))
    assert field.resolvers == {
        "api-1.example": ("api-1.example-80",),
        "api-2.example": ("two",),
    }


def test_servers_that_only_a_configuration_names_can_be_hit() -> None:
    field = field_of(world(NAMED))
    assert list(field.topology.servers) == ["s1", "s2", "api-1.example-80", "two", "10.7.0.1-80"]


def test_a_world_of_literals_looks_nothing_up() -> None:
    field = field_of(world())
    assert field.resolvers == {}
    assert "dns_slow" not in [kind.name for kind in kinds_that_hit(field)]


def test_programs_that_a_balancer_names_are_those_that_serve() -> None:
    sim = Simulation()
    for name in ("api-1", "api-2", "cron"):
        sim.host(name, nothing)
    second = str(sim.programs["api-2"].host.address)
    sim.balancer({"servers": ["api-1:8000", f"{second}:8000", "elsewhere:8000"]})
    sim.balancer({"algorithm": "random"}, name="lb2")
    assert field_of(sim).programs == ("api-1", "api-2")


def test_programs_may_ask_for_whoever_listens() -> None:
    sim = world({"servers": ["api:80"]})
    sim.host("api", nothing), sim.host("cron", nothing)
    assert field_of(sim).resolvers == {
        "api": ("api",),
        "s1": ("s1",),
        "s2": ("s2",),
        "lb": (),
        "cron": ("cron",),
    }


def test_a_balancer_has_the_waits_that_its_configuration_makes_it_wait() -> None:
    plain = (*OF_SOCKETS, "connect", "first_byte", "idle", "write_stall", "client_body_idle")
    assert field_of(world()).points == plain
    assert field_of(world({"health_check": {}})).points == (*plain, "probe")


def test_balancers_have_names_and_some_a_certificate() -> None:
    https = {"port": 443, "protocol": "https", "ssl": {"certificate": "/etc/lb.pem"}}
    sim = world({"listeners": [https], "servers": ["10.7.0.1:80"]})
    sim.balancer({"servers": ["10.7.0.1:80"]}, name="edge")
    field = field_of(sim)
    assert (field.balancers, field.secured) == (("lb", "edge"), ("lb",))
    assert "tls_handshake" in field.points
    assert [str(each) for each in field.targets(KINDS["reload"])] == ["lb:lb", "lb:edge"]
    assert [str(each) for each in field.targets(KINDS["rotate_certificate"])] == ["lb:lb"]
    assert [str(each) for each in field.targets(KINDS["expire_certificate"])] == ["lb:lb"]
    assert field.targets(KINDS["expire_certificate"], servers_only=True) == []


def test_servers_that_speak_tls_have_a_certificate_too() -> None:
    servers = [{"id": "t1", "address": "10.7.0.1:443", "tls": {}}, {"address": "10.7.0.2:80"}]
    field = field_of(world({"servers": servers}))
    assert field.secured == ("t1",)
    for mild in (False, True):
        targets = field.targets(KINDS["expire_certificate"], servers_only=mild)
        assert [str(each) for each in targets] == ["server:t1"]


def test_programs_alone_have_sockets_and_who_has_neither_has_no_points() -> None:
    sim = Simulation()
    assert field_of(sim).points == ()
    sim.host("cron", nothing)
    assert field_of(sim).points == OF_SOCKETS


def test_a_world_that_was_looked_at_runs_as_one_that_was_not() -> None:
    looked_at = world(NAMED)
    field_of(looked_at)
    assert looked_at.run(until=3).trace_hash == world(NAMED).run(until=3).trace_hash


def test_whatever_is_drawn_for_a_world_can_be_injected_there() -> None:
    drawn = [
        fault
        for seed in range(12)
        for fault in swarm(seed, field_of(world(NAMED)), 4.0, harsh=seed % 2 == 1)
        if KINDS[fault.kind].family in ("buggify", "control")
    ]
    hit = {(fault.kind, str(fault.target)) for fault in drawn}
    assert ("dns_servfail", "resolver:api-1.example") in hit
    assert {kind for kind, _ in hit} >= {"shrink", "one_byte_reads", "spurious_timeout"}
    sim = world(NAMED)
    sim.faults(drawn)
    assert len(sim.run(until=4, settle=5).faults) == len(drawn)
