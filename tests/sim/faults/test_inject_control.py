"""The faults around the balancer: names, configuration, deployments, scaling."""

from pathlib import Path

import pytest
import trio

from tests.sim.faults.play import Play, play
from trio_lb.model.errors import ConfigError
from trio_lb.net.env import ConnectError
from trio_lb.sim.names import TemporaryFailure

API = "resolver:api.local"


async def resolved(world: Play) -> list[str]:
    return list(await world.net.host("lb").resolve("api.local"))


def test_addresses_come_and_go_in_any_order() -> None:
    async def scene(world: Play) -> None:
        world.net.set_name("api.local", ["10.0.0.7"])
        heals = [
            world.inject("dns_add", API, address="10.0.0.8"),
            world.inject("dns_add", API, address="10.0.0.8"),
            world.inject("dns_remove", API, address="10.0.0.7"),
        ]
        assert await resolved(world) == ["10.0.0.8"]
        heals[0]()
        assert await resolved(world) == ["10.0.0.8"]
        heals[2]()
        heals[1]()
        assert await resolved(world) == ["10.0.0.7"]

    play(scene)


def test_a_stale_answer_stays_until_the_last_heal() -> None:
    async def scene(world: Play) -> None:
        world.net.set_name("api.local", ["10.0.0.7"])
        heals = [world.inject("dns_stale", API), world.inject("dns_nxdomain", API)]
        world.net.set_name("api.local", ["10.0.0.8"])
        heals.append(world.inject("dns_stale", API))
        heals[0]()
        assert await resolved(world) == ["10.0.0.7"]
        heals[2]()
        with pytest.raises(ConnectError, match="not known"):
            await resolved(world)
        heals[1]()
        assert await resolved(world) == ["10.0.0.8"]

    play(scene)


def test_a_resolver_that_cannot_say_says_so_late() -> None:
    async def scene(world: Play) -> None:
        world.net.set_name("api.local", ["10.0.0.7"])
        heals = [world.inject("dns_slow", API), world.inject("dns_servfail", API)]
        with pytest.raises(TemporaryFailure):
            await resolved(world)
        assert trio.current_time() == 5.0
        for heal in heals:
            heal()
        assert await resolved(world) == ["10.0.0.7"]
        assert trio.current_time() == 5.0

    play(scene)


def test_balancers_are_told_at_the_instant() -> None:
    async def scene(world: Play) -> None:
        world.inject("reload", "lb:lb")
        await trio.sleep(2)
        world.inject("scale_up", "lb:lb", count=3)
        world.inject("scale_down", "lb:lb", count=2)
        assert world.balancers["lb"].deeds == [
            (0.0, "reloaded"),
            (2.0, "3 more"),
            (2.0, "2 less"),
        ]
        with pytest.raises(ConfigError, match="there is no balancer 'lbb'; did you mean 'lb'"):
            world.inject("reload", "lb:lbb")

    play(scene)


def test_a_deployment_restarts_a_share_of_the_servers_in_each_wave() -> None:
    async def scene(world: Play) -> None:
        world.inject("deploy_wave", "lb:lb", share=0.5, every=30.0)
        await trio.sleep(100)
        assert [world.servers[name].deeds for name in ("s1", "s2", "s3")] == [
            [(0.0, "killed"), (1.0, "restarted")],
            [(0.0, "killed"), (1.0, "restarted")],
            [(30.0, "killed"), (31.0, "restarted")],
        ]

    play(scene)


def test_a_deployment_can_be_ended_where_it_is() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("deploy_wave", "lb:lb", share=0.3, every=30.0)
        await trio.sleep(30.5)
        heal()
        await trio.sleep(100)
        assert [world.servers[name].deeds for name in ("s1", "s2", "s3")] == [
            [(0.0, "killed"), (1.0, "restarted")],
            [(30.0, "killed"), (30.5, "restarted")],
            [],
        ]

    play(scene)


def test_a_deployment_is_of_whom_the_balancer_names_programs_too() -> None:
    async def scene(world: Play) -> None:
        app = world.programs["app"] = world.actor("app")
        world.behind["lb"] = ["s2", "app"]
        world.inject("deploy_wave", "lb:lb", share=0.5, every=10.0)
        await trio.sleep(100)
        assert world.servers["s1"].deeds == []
        assert world.servers["s2"].deeds == [(0.0, "killed"), (1.0, "restarted")]
        assert app.deeds == [(10.0, "killed"), (11.0, "restarted")]

    play(scene)


def shown_by(world: Play) -> str:
    """What stands in the balancer's file."""
    certificates = world.balancers["lb"].certificates
    assert certificates is not None
    return Path(certificates.path).read_text()


def deeds_of(world: Play) -> list[tuple[float, str]]:
    return [deed for deed in world.balancers["lb"].deeds if deed[1] == "reloaded"]


def test_a_certificate_is_exchanged_for_a_good_one_and_read() -> None:
    async def scene(world: Play) -> None:
        before = shown_by(world)
        heal = world.inject("rotate_certificate", "lb:lb")
        after = shown_by(world)
        assert before != after
        heal()
        assert shown_by(world) == after, "there is nothing to heal"
        assert deeds_of(world) == [(0.0, "reloaded")]

    play(scene)


def test_a_spoilt_certificate_is_there_until_the_heal_and_the_last_one_counts() -> None:
    async def scene(world: Play) -> None:
        certificates = world.balancers["lb"].certificates
        assert certificates is not None
        good = shown_by(world)
        heals = [world.inject("rotate_certificate", "lb:lb", to=to) for to in ("broken", "alien")]
        assert certificates.spoilt == "alien"
        await trio.sleep(5)
        heals[1]()
        assert certificates.spoilt == "broken"
        heals[0]()
        assert shown_by(world) == good
        assert [at for at, _ in deeds_of(world)] == [0.0, 0.0, 5.0, 5.0]

    play(scene)


def test_who_speaks_no_tls_has_no_certificate_to_exchange() -> None:
    async def scene(world: Play) -> None:
        world.balancers["lb"].certificates = None
        with pytest.raises(ConfigError, match="lb:lb has no certificate: none of its listeners"):
            world.inject("rotate_certificate", "lb:lb")

    play(scene)


def test_days_end_for_what_is_shown_and_the_heal_is_another_one_that_is_read() -> None:
    async def scene(world: Play) -> None:
        certificates = world.balancers["lb"].certificates
        assert certificates is not None
        heal = world.inject("expire_certificate", "lb:lb")
        assert (certificates.is_over("0B"), deeds_of(world)) == (True, [])
        heal()
        heal()
        assert (certificates.is_expired, deeds_of(world)) == (False, [(0.0, "reloaded")])

    play(scene)


def test_a_server_s_certificate_is_over_until_the_last_heal_if_it_has_one() -> None:
    async def scene(world: Play) -> None:
        server = world.servers["s1"]
        heals = [world.inject("expire_certificate", "server:s1") for _ in range(2)]
        heals[0]()
        assert server.is_expired
        heals[1]()
        assert not server.is_expired
        server.speaks_tls = False
        with pytest.raises(ConfigError, match="server:s1 has no certificate: it speaks no TLS"):
            world.inject("expire_certificate", "server:s1")

    play(scene)
