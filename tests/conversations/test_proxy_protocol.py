"""PROXY headers at the door and towards the servers: who is believed, and what is passed on."""

import pytest
import trio

from tests.conversations.play import (
    GET,
    OK,
    open_play,
    patient,
    quick_retries,
    timeouts,
    until,
)
from tests.support.messages import parse_head
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.net.proxy_header import Version
from trio_lb.net.proxy_writer import encode, encode_own

CLIENT, SERVICE = Address("203.0.113.9", 5555), Address("198.51.100.1", 443)
LINE = encode(Version.V1, CLIENT, SERVICE)
BLOCK = encode(Version.V2, CLIENT, SERVICE)
OWN = encode_own(Version.V2, CLIENT, SERVICE)


async def parrot(peer: RawPeer) -> None:
    await peer.send(await peer.expect_rest())


def tcp(proxy_protocol: str) -> dict[str, str]:
    return {"protocol": "tcp", "proxy_protocol": proxy_protocol}


# ---------------------------------------------------------------------- in


@pytest.mark.parametrize(
    ("wanted", "header"), [("v1", LINE), ("v2", BLOCK), ("any", LINE), ("any", BLOCK)]
)
async def test_behind_a_header_a_tcp_client_goes_by_its_own_name(
    world: World, wanted: str, header: bytes
) -> None:
    s1 = await world.server("s1", parrot)
    async with open_play(world, s1, listener=tcp(wanted)) as play:
        client = await play.client()
        await client.send(header + b"hello ")
        await client.send(b"world")
        await client.send_eof()
        assert await client.expect_rest() == b"hello world"
        await play.settle()
        (record,) = play.records()
        assert (record.client, record.target) == (CLIENT.host, str(SERVICE))
        assert (record.bytes_in, record.bytes_out) == (11, 11)


async def test_behind_a_header_an_http_client_goes_by_its_own_name(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, listener={"proxy_protocol": "any"}) as play:
        client = await play.client()
        await client.send(BLOCK + GET)
        assert (await client.read_response()).body == b"s1"
        await client.send(GET)
        assert (await client.read_response()).body == b"s1"
        await client.close()
        assert [r.header("x-forwarded-for") for r in s1.requests] == [CLIENT.host] * 2
        await play.settle()
        assert [record.client for record in play.records()] == [CLIENT.host] * 2


async def test_a_header_may_come_byte_by_byte_and_a_server_hears_nothing_before_it_is_whole(
    world: World,
) -> None:
    s1 = await world.server("s1", parrot)
    async with open_play(world, s1, listener=tcp("any")) as play:
        client = await play.client()
        await client.send_slowly(LINE, seconds_a_byte=0.1)
        assert s1.peers == []
        await client.send(b"x")
        await client.send_eof()
        assert await client.expect_rest() == b"x"


async def test_a_proxy_that_speaks_for_itself_goes_by_its_real_name(world: World) -> None:
    s1 = await world.server("s1", parrot)
    async with open_play(world, s1, listener=tcp("v2")) as play:
        client = await play.client()
        await client.send(OWN)
        await client.send_eof()
        await client.eof()
        await play.settle()
        assert play.records()[0].client == world.net.host("client").address


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("any", GET),
        ("any", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("any", BLOCK[:12] + b"\x31" + BLOCK[13:]),
        ("any", BLOCK[:14] + b"\xff\xff"),
        ("any", b"PROXY TCP4 203.0.113.9 198.51.100.1 5555 443\n"),
        ("any", b"PROXY UNKNOWN ".ljust(107, b"x")),
        ("v1", BLOCK + GET),
        ("v2", LINE + GET),
    ],
)
@pytest.mark.parametrize("protocol", ["tcp", "http"])
async def test_who_sends_no_right_header_is_reset_before_a_server_hears_of_it(
    world: World, protocol: str, wanted: str, said: bytes
) -> None:
    s1 = await world.server("s1", parrot)
    door = {"protocol": protocol, "proxy_protocol": wanted}
    async with open_play(world, s1, listener=door) as play:
        client = await play.client()
        await client.send(said)
        await client.expect_reset()
        assert (bytes(client.received), len(s1.peers), len(play.records())) == (b"", 0, 0)
        assert trio.current_time() == 0.0


@pytest.mark.parametrize("begun", [b"", LINE[:20], BLOCK[:20]])
async def test_a_header_that_does_not_come_is_waited_for_as_long_as_for_a_head(
    world: World, begun: bytes
) -> None:
    s1 = await world.server("s1", parrot)
    async with open_play(
        world, s1, listener=tcp("any"), timeouts=timeouts(client_head=7.0)
    ) as play:
        client = await play.client()
        await client.send(begun)
        await client.expect_reset()
        assert (trio.current_time(), s1.peers, play.records()) == (7.0, [], [])


@pytest.mark.parametrize(
    ("trusted", "is_taken"), [(("10.0.0.0/16",), True), (("192.0.2.0/24",), False)]
)
async def test_where_proxies_are_named_only_they_may_send_a_header(
    world: World, trusted: tuple[str, ...], is_taken: bool
) -> None:
    s1 = await world.server("s1", parrot)
    async with open_play(world, s1, listener=tcp("any"), trusted_proxies=trusted) as play:
        client = await play.client()
        if not is_taken:
            await client.expect_reset()
            assert s1.peers == []
            return
        await client.send(LINE + b"hello")
        await client.send_eof()
        assert await client.expect_rest() == b"hello"


# ---------------------------------------------------------------------- out


@pytest.mark.parametrize("version", list(Version))
async def test_a_server_is_told_of_the_tcp_client_before_its_first_byte(
    world: World, version: Version
) -> None:
    heard = []

    async def listen(peer: RawPeer) -> None:
        heard.append(await peer.expect_rest())

    s1 = await world.server("s1", listen)
    async with open_play(
        world, s1, listener={"protocol": "tcp"}, pool={"proxy_protocol": version.value}
    ) as play:
        client = await play.client()
        await client.send(b"hello")
        await client.close()
        await play.settle()
        assert heard == [encode(version, client.stream.local, client.stream.peer) + b"hello"]


async def test_a_server_that_speaks_first_has_been_told_too(world: World) -> None:
    async def greet(peer: RawPeer) -> None:
        await peer.send(b"220 " + await peer.expect_until(b"\r\n"))

    s1 = await world.server("s1", greet)
    async with open_play(
        world, s1, listener={"protocol": "tcp"}, pool={"proxy_protocol": "v1"}
    ) as play:
        client = await play.client()
        told = encode(Version.V1, client.stream.local, client.stream.peer)
        assert await client.expect_rest() == b"220 " + told
        await client.close()


async def test_a_chain_of_proxies_passes_the_first_client_on(world: World) -> None:
    heard = []

    async def listen(peer: RawPeer) -> None:
        heard.append(await peer.expect_rest())

    s1 = await world.server("s1", listen)
    async with open_play(world, s1, listener=tcp("any"), pool={"proxy_protocol": "v2"}) as play:
        client = await play.client()
        await client.send(LINE + b"hello")
        await client.close()
        await play.settle()
        assert heard == [BLOCK + b"hello"]


async def test_each_server_that_is_tried_gets_a_header_of_its_own(world: World) -> None:
    heard = []

    async def listen(peer: RawPeer) -> None:
        heard.append(await peer.expect_rest())

    s2 = await world.server("s2", listen)
    nobody = ServerConfig(id="s1", address=Address(world.net.host("s1").address, 9))
    async with open_play(
        world, nobody, s2, listener=tcp("any"), pool={"proxy_protocol": "v1"},
        retry=quick_retries(),
    ) as play:  # fmt: skip
        client = await play.client()
        await client.send(LINE + b"once")
        await client.close()
        await play.settle()
        assert heard == [LINE + b"once"]


@pytest.mark.parametrize("version", list(Version))
async def test_a_connection_that_was_told_of_a_client_carries_no_other_request(
    world: World, version: Version
) -> None:
    told: list[bytes] = []
    size = len(encode(version, Address("10.0.0.2", 32768), Address("10.0.0.1", 80)))

    async def answer(peer: RawPeer) -> None:
        told.append(await peer.expect_bytes(size))
        while not await peer.at_end():
            await peer.read_request()
            await peer.send(OK)

    s1 = await world.server("s1", patient(answer))
    async with open_play(world, s1, pool={"proxy_protocol": version.value}) as play:
        clients = [await play.client(), await play.client()]
        for client in (*clients, *clients):
            await client.send(GET)
            assert (await client.read_response()).status == 200
        expected = [encode(version, each.stream.local, each.stream.peer) for each in clients]
        assert told == expected * 2
        for client in clients:
            await client.close()


async def test_probes_say_that_they_come_from_the_proxy_itself(world: World) -> None:
    heard = []

    async def answer(peer: RawPeer) -> None:
        heard.append(await peer.expect_bytes(len(OWN)))
        request = parse_head(await peer.expect_until(b"\r\n\r\n"))
        assert request.start.startswith("GET ")
        await peer.send(OK)

    s1 = await world.server("s1", patient(answer))
    probing = HealthCheckConfig(interval=10.0)
    async with open_play(world, s1, health_check=probing, pool={"proxy_protocol": "v2"}) as play:
        await until(lambda: play.server("s1").is_usable)
        assert heard[0] == OWN


async def test_a_probe_of_another_port_says_nothing_of_a_proxy(world: World) -> None:
    """Who answers there (Patroni beside PostgreSQL) was not set up to read a PROXY header."""
    s1 = await world.server("s1", parrot)
    status = await world.http_server("s1", port=8008)
    check = HealthCheckConfig(path="/primary", port=8008)
    async with open_play(
        world,
        s1,
        listener=tcp("off"),
        pool={"proxy_protocol": "v2"},
        health_check=check,
    ) as play:
        await play.settle()
        assert [request.target for request in status.requests] == ["/primary"]
        assert play.server("s1").is_usable
