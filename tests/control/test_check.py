"""One check: each way to fail has its words, and none outlasts the timeout."""

import attrs
import pytest
import trio

from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, ProbeConfig, ServerConfig
from trio_lb.control.check import check_server, name_of
from trio_lb.model.address import Address
from trio_lb.model.probe_result import ProbeResult
from trio_lb.net.env import ConnectError, Stream
from trio_lb.policy.health import CheckResult
from trio_lb.state.server import Server

HTTP = HealthCheckConfig()
TCP = HealthCheckConfig(type="tcp")


async def check(world: World, address: Address, config: HealthCheckConfig) -> CheckResult:
    return await check_server(server_at(address), config, world.env)


def server_at(address: Address) -> Server:
    return Server("api", ServerConfig(id="s1", address=address), None)


async def keep_silent(peer: RawPeer) -> None:
    await peer.expect_rest()


async def test_a_good_http_check_takes_two_round_trips(world: World) -> None:
    server = await world.http_server("s1")
    result = await check(world, server.address, HTTP)
    assert result.ok
    assert result.latency_seconds == pytest.approx(0.004)


async def test_a_good_tcp_check_takes_one_round_trip_and_says_nothing(world: World) -> None:
    server = await world.server("s1", keep_silent)
    result = await check(world, server.address, TCP)
    assert result == CheckResult(ok=True, latency_seconds=0.002)
    assert [bytes(peer.received) for peer in server.peers] == []
    await trio.sleep(1.0)
    assert [bytes(peer.received) for peer in server.peers] == [b""]


async def test_a_closed_port_refuses(world: World) -> None:
    address = Address(world.net.host("s1").address, 8000)
    result = await check(world, address, HTTP)
    assert result == CheckResult(
        ok=False, latency_seconds=0.002, detail="connect refused", refused=True
    )


async def test_an_unknown_name_says_what_failed(world: World) -> None:
    result = await check(world, Address("nowhere", 80), HTTP)
    assert (result.detail, result.refused) == ("connect failed: nowhere: name is not known", False)


async def test_a_server_that_hangs_is_given_up_exactly_at_the_timeout(world: World) -> None:
    server = await world.server("s1", keep_silent)
    result = await check(world, server.address, HTTP)
    assert result == CheckResult(ok=False, latency_seconds=2.0, detail="timed out after 2 s")
    assert world.env.now() == 2.0


@pytest.mark.parametrize("kind", [HTTP, TCP], ids=["http", "tcp"])
async def test_a_server_that_can_t_be_reached_is_given_up_at_the_timeout_too(
    world: World, kind: HealthCheckConfig
) -> None:
    server = await world.http_server("s1")
    world.link("s1").stall()
    config = attrs.evolve(kind, timeout=0.25)
    result = await check(world, server.address, config)
    assert (result.detail, world.env.now()) == ("timed out after 0.25 s", 0.25)


async def test_a_reset_is_named(world: World) -> None:
    async def reset(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        peer.reset()

    server = await world.server("s1", reset)
    result = await check(world, server.address, HTTP)
    assert (result.ok, result.detail) == (False, "connection reset")


async def test_a_bad_answer_is_named(world: World) -> None:
    async def unwell(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")

    server = await world.server("s1", unwell)
    assert (await check(world, server.address, HTTP)).detail == "status 503"


async def test_another_port_of_the_host_may_be_asked(world: World) -> None:
    server = await world.http_server("s1", port=9100)
    address = Address(server.address.host, 8000)
    assert (await check(world, address, attrs.evolve(HTTP, port=9100))).ok
    assert server.requests[0].header("host") == str(server.address)


async def test_a_cancelled_check_leaves_no_stream_open(world: World) -> None:
    server = await world.server("s1", keep_silent)
    with trio.move_on_after(0.5) as scope:
        await check(world, server.address, HTTP)
    assert scope.cancelled_caught
    await trio.sleep(0.01)
    assert world.net.open_streams() == []


async def test_a_stream_is_opened_as_requests_would_open_it(world: World) -> None:
    asked: list[tuple[str, int | None]] = []
    server = await world.http_server("s1")

    async def connect(one: Server, port: int | None) -> Stream:
        asked.append((one.id, port))
        return await world.env.network.connect(server.address)

    nowhere = server_at(Address("elsewhere", 1))
    assert (await check_server(nowhere, HTTP, world.env, connect)).ok
    assert (await check_server(nowhere, attrs.evolve(TCP, port=9), world.env, connect)).ok
    assert asked == [("s1", None), ("s1", 9)]


async def test_a_handshake_that_fails_is_a_failed_connect(world: World) -> None:
    async def connect(one: Server, port: int | None) -> Stream:
        await trio.lowlevel.checkpoint()
        raise ConnectError(f"{one.address}: certificate has expired")

    result = await check_server(server_at(Address("a", 443)), HTTP, world.env, connect)
    assert result.detail == "connect failed: a:443: certificate has expired"
    assert not result.refused


# ---------------------------------------------------------------------- several probes


def probes(*each: ProbeConfig, timeout: float = 2.0) -> HealthCheckConfig:
    return HealthCheckConfig(probes=each, timeout=timeout)


async def test_several_probes_are_all_asked_at_once_and_the_slowest_is_the_latency(
    world: World,
) -> None:
    web, admin = await world.http_server("s1"), await world.http_server("s1", port=9000)
    web.think_seconds, admin.think_seconds = 0.25, 1.0
    config = probes(ProbeConfig(path="/a"), ProbeConfig(port=9000), ProbeConfig(type="tcp"))
    result = await check(world, web.address, config)
    assert (result.ok, result.detail) == (True, "")
    assert result.latency_seconds == pytest.approx(1.004)
    assert world.env.now() == pytest.approx(1.004)
    assert [each.target for each in web.requests] == ["/a"]


async def test_the_first_probe_that_fails_decides_and_is_named(world: World) -> None:
    web = await world.http_server("s1")
    await world.server("s1", keep_silent, port=9000)
    web.answer = lambda request: answer_of(503 if request.target == "/ready" else 200)
    config = probes(ProbeConfig(port=9000), ProbeConfig(path="/"), ProbeConfig(path="/ready"))
    result = await check(world, web.address, config)
    assert (result.ok, result.detail) == (False, "http /ready: status 503")
    assert world.env.now() == pytest.approx(0.014), "the hanging one is not waited for"
    await trio.sleep(0.01)
    assert len(world.net.open_streams()) == 0


async def test_of_probes_that_fail_together_the_first_in_order_is_named(world: World) -> None:
    address = Address(world.net.host("s1").address, 8000)
    config = probes(ProbeConfig(type="tcp"), ProbeConfig(path="/a"), ProbeConfig(path="/b"))
    result = await check(world, address, config)
    assert (result.detail, result.refused) == ("tcp: connect refused", True)


async def test_a_probe_that_hangs_is_named_at_the_timeout(world: World) -> None:
    web = await world.http_server("s1")
    await world.server("s1", keep_silent, port=9000)
    config = probes(ProbeConfig(), ProbeConfig(port=9000, path="/deep"), timeout=0.5)
    result = await check(world, web.address, config)
    assert result == CheckResult(
        ok=False, latency_seconds=0.5, detail="http :9000/deep: timed out after 0.5 s"
    )


async def test_what_several_probes_told_stands_under_their_names(world: World) -> None:
    async def database(server: Server) -> ProbeResult:
        await trio.sleep(0.5)
        return ProbeResult(True, 0.125, {"lag": 3})

    web = await world.http_server("s1")
    config = probes(ProbeConfig(), ProbeConfig(type="custom", check=database))
    result = await check(world, web.address, config)
    assert result.details == {"custom database": {"lag": 3}}
    assert result.latency_seconds == 0.125, "a probe that tells its latency knows better"


@pytest.mark.parametrize(
    ("probe", "name"),
    [
        (ProbeConfig(), "http /"),
        (ProbeConfig(path="/ready", port=81), "http :81/ready"),
        (ProbeConfig(type="tcp"), "tcp"),
        (ProbeConfig(type="tcp", port=5432), "tcp :5432"),
        (ProbeConfig(type="websocket", path="/chat"), "websocket /chat"),
        (ProbeConfig(type="custom", check=keep_silent), "custom keep_silent"),
    ],
)
def test_a_probe_has_a_name_for_people(probe: ProbeConfig, name: str) -> None:
    assert name_of(probe) == name


# ---------------------------------------------------------------------- other types


async def test_a_websocket_is_checked_with_the_connect_in_its_latency(world: World) -> None:
    async def refuse(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer_of(404))

    server = await world.server("s1", refuse)
    result = await check(world, server.address, HealthCheckConfig(type="websocket"))
    assert (result.ok, result.detail) == (False, "status 404")
    assert result.latency_seconds == pytest.approx(0.004)


async def test_a_user_s_check_gets_the_server_and_tells_what_it_likes(world: World) -> None:
    seen: list[Server] = []

    async def deep(server: Server) -> ProbeResult:
        seen.append(server)
        await trio.sleep(0.25)
        return ProbeResult(True, details={"databaseStatus": "ok"})

    one = server_at(Address("s1", 80))
    config = HealthCheckConfig(type="custom", check=deep)
    result = await check_server(one, config, world.env)
    assert result == CheckResult(ok=True, latency_seconds=0.25, details={"databaseStatus": "ok"})
    assert seen == [one]


async def test_a_user_s_check_that_hangs_is_cut_at_the_timeout(world: World) -> None:
    ends: list[float] = []

    async def hang(server: Server) -> ProbeResult:
        try:
            await trio.sleep_forever()
        finally:
            ends.append(world.env.now())

    config = HealthCheckConfig(type="custom", check=hang, timeout=0.75)
    result = await check(world, Address("s1", 80), config)
    assert result == CheckResult(ok=False, latency_seconds=0.75, detail="timed out after 0.75 s")
    assert ends == [0.75]


async def test_a_user_s_check_that_does_not_let_itself_be_cut_is_late(world: World) -> None:
    async def stubborn(server: Server) -> ProbeResult:
        with trio.CancelScope(shield=True, deadline=world.env.now() + 5.0):
            await trio.sleep(3.0)
        return ProbeResult(True)

    config = HealthCheckConfig(type="custom", check=stubborn)
    result = await check(world, Address("s1", 80), config)
    assert (result.ok, result.detail) == (False, "timed out after 2 s")
    assert world.env.now() == 3.0
