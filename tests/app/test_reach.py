"""How servers are reached: over TLS where the plan says so, by requests and probes alike."""

from pathlib import Path
from typing import Any

import pytest
import trio

from tests.app.test_front import https
from tests.conversations.play import Play, open_play
from tests.net.identities import authority, write_ca
from tests.support.world import World
from trio_lb.app import open_load_balancer
from trio_lb.app.reach import Reach
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import UpstreamTls
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError
from trio_lb.net.dial import Destination, Dialer
from trio_lb.state.registry import Registry


async def asked_through(play: Play, tls: dict[str, Any]) -> tuple[list[bool], str | None]:
    """Ask for health through a balancer whose one server is the play's, over TLS."""
    plan = {
        "servers": [{"id": "far", "address": str(play.world.front), "tls": tls}],
        "health_check": {},
    }
    async with open_load_balancer(plan, env=play.world.env) as lb:
        results = await lb.health.check_all()
        return [each.healthy for each in results.values()], results["far"].error


async def test_a_server_is_spoken_to_over_tls_and_probed_so(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        ca = write_ca(tmp_path)
        assert await asked_through(play, {"ca": ca, "server_name": "a.test"}) == ([True], None)
        healthy, error = await asked_through(play, {"ca": ca, "server_name": "b.test"})
        assert healthy == [False]
        assert "TLS" in (error or "")
        healthy, error = await asked_through(play, {"server_name": "a.test"})
        assert healthy == [False], "nobody whom the system trusts vouches for it"
        assert (await asked_through(play, {"verify": False})) == ([True], None)


async def test_a_certificate_that_can_t_be_read_is_told_before_anything_starts(
    world: World, tmp_path: Path
) -> None:
    plan = {"servers": ["10.0.9.9:1"], "tls": {"ca": str(tmp_path / "none.pem")}}
    with pytest.raises(ConfigError, match=r"pools\.default\.tls.*none\.pem"):
        async with open_load_balancer(plan, env=world.env):
            pytest.fail("it started")
    await trio.lowlevel.checkpoint()


async def test_whom_servers_are_believed_by_is_read_again_at_a_reload(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **https(tmp_path, "a")) as play:
        ca = tmp_path / "ca.pem"
        ca.write_bytes(authority("stranger").cert_pem.bytes())
        tls = {"ca": str(ca), "server_name": "a.test"}
        servers = [{"id": "far", "address": str(play.world.front), "tls": tls}]
        plan = {"servers": servers, "health_check": {}}
        async with open_load_balancer(plan, env=world.env) as lb:
            assert not (await lb.health.check_server("far")).healthy
            ca.write_bytes(authority("house").cert_pem.bytes())
            assert not (await lb.health.check_server("far")).healthy, "what was loaded counts"
            lb.reload()
            assert (await lb.health.check_server("far")).healthy
            ca.write_text("nonsense")
            with pytest.raises(ConfigError, match=r"servers\[0\]\.tls.*ca\.pem"):
                lb.reload()
            assert (await lb.health.check_server("far")).healthy


async def test_a_server_s_own_settings_stand_over_its_pool_s(world: World) -> None:
    plan = load_mapping(
        {
            "servers": ["10.0.9.9:1", {"address": "10.0.9.9:2", "tls": {"server_name": "own"}}],
            "tls": {"verify": False},
            "proxy_protocol": "v2",
        }
    )
    registry = Registry()
    registry.apply(plan, 0.0)
    reach = Reach(registry, Dialer(world.env.network))
    first, second = (reach.destination(server) for server in registry.servers())
    assert (first.tls and first.tls.server_name, first.proxy_protocol) == (None, "v2")
    assert (second.tls and second.tls.server_name) == "own"
    await trio.lowlevel.checkpoint()


def test_a_probe_may_go_to_another_port_of_the_same_host() -> None:
    registry = Registry()
    registry.apply(load_mapping({"servers": ["10.0.9.9:1"]}), 0.0)
    (server,) = registry.servers()
    destination = Destination(address=server.address)
    assert str(destination.on_port(99).address) == "10.0.9.9:99"
    assert destination.on_port(None) is destination
    asks = Destination(address=server.address, tls=UpstreamTls(), proxy_protocol="v2")
    assert asks.on_port(1) is asks, "its own"
    assert asks.on_port(99).proxy_protocol == "off"
    assert asks.on_port(99).tls == asks.tls
    unix = Destination(address=Address("unix:/run/app.sock", 0))
    assert unix.on_port(99) is unix
