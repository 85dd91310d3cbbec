"""One check: each way to fail has its words, and none outlasts the timeout."""

import attrs
import pytest
import trio

from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig
from trio_lb.control.check import check_address
from trio_lb.model.address import Address
from trio_lb.policy.health import CheckResult

HTTP = HealthCheckConfig()
TCP = HealthCheckConfig(type="tcp")


async def keep_silent(peer: RawPeer) -> None:
    await peer.expect_rest()


async def test_a_good_http_check_takes_two_round_trips(world: World) -> None:
    server = await world.http_server("s1")
    result = await check_address(world.env, server.address, HTTP)
    assert result.ok
    assert result.latency_seconds == pytest.approx(0.004)


async def test_a_good_tcp_check_takes_one_round_trip_and_says_nothing(world: World) -> None:
    server = await world.server("s1", keep_silent)
    result = await check_address(world.env, server.address, TCP)
    assert result == CheckResult(ok=True, latency_seconds=0.002)
    assert [bytes(peer.received) for peer in server.peers] == []
    await trio.sleep(1.0)
    assert [bytes(peer.received) for peer in server.peers] == [b""]


async def test_a_closed_port_refuses(world: World) -> None:
    address = Address(world.net.host("s1").address, 8000)
    result = await check_address(world.env, address, HTTP)
    assert result == CheckResult(ok=False, latency_seconds=0.002, detail="connect refused")


async def test_an_unknown_name_says_what_failed(world: World) -> None:
    result = await check_address(world.env, Address("nowhere", 80), HTTP)
    assert result.detail == "connect failed: nowhere: name is not known"


async def test_a_server_that_hangs_is_given_up_exactly_at_the_timeout(world: World) -> None:
    server = await world.server("s1", keep_silent)
    result = await check_address(world.env, server.address, HTTP)
    assert result == CheckResult(ok=False, latency_seconds=2.0, detail="timed out after 2 s")
    assert world.env.now() == 2.0


@pytest.mark.parametrize("kind", [HTTP, TCP], ids=["http", "tcp"])
async def test_a_server_that_can_t_be_reached_is_given_up_at_the_timeout_too(
    world: World, kind: HealthCheckConfig
) -> None:
    server = await world.http_server("s1")
    world.link("s1").stall()
    config = attrs.evolve(kind, timeout=0.25)
    result = await check_address(world.env, server.address, config)
    assert (result.detail, world.env.now()) == ("timed out after 0.25 s", 0.25)


async def test_a_reset_is_named(world: World) -> None:
    async def reset(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        peer.reset()

    server = await world.server("s1", reset)
    result = await check_address(world.env, server.address, HTTP)
    assert (result.ok, result.detail) == (False, "connection reset")


async def test_a_bad_answer_is_named(world: World) -> None:
    async def unwell(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")

    server = await world.server("s1", unwell)
    assert (await check_address(world.env, server.address, HTTP)).detail == "status 503"


async def test_another_port_of_the_host_may_be_asked(world: World) -> None:
    server = await world.http_server("s1", port=9100)
    address = Address(server.address.host, 8000)
    assert (await check_address(world.env, address, attrs.evolve(HTTP, port=9100))).ok
    assert server.requests[0].header("host") == str(server.address)


async def test_a_cancelled_check_leaves_no_stream_open(world: World) -> None:
    server = await world.server("s1", keep_silent)
    with trio.move_on_after(0.5) as scope:
        await check_address(world.env, server.address, HTTP)
    assert scope.cancelled_caught
    await trio.sleep(0.01)
    assert world.net.open_streams() == []
