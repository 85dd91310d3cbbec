"""Clients and servers without an IPv4 address: unix sockets and IPv6, wherever addresses are looked at."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.conversations.play import GET, LAST_GET, OK, Play, limits, open_play
from tests.support.raw import RawClient, RawPeer
from tests.support.servers import RawServer, Script
from tests.support.world import World
from trio_lb.config.schema import AccessConfig, HealthCheckConfig, ServerConfig, UpstreamTls
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError
from trio_lb.model.events import RequestShed, ServerSelected
from trio_lb.net.proxy_header import Version
from trio_lb.net.proxy_writer import encode

FRONT = Address("unix:/run/front.sock", 0)
BACK = Address("unix:/run/back.sock", 0)
CLIENT_6, SERVICE_6 = Address("2001:db8::9", 5555), Address("2001:db8::1", 443)
LINE_6 = encode(Version.V1, CLIENT_6, SERVICE_6)


async def neighbour(play: Play) -> RawClient:
    """A client over the balancer's unix socket."""
    return RawClient(await play.world.env.network.connect(FRONT), "neighbour")


@asynccontextmanager
async def serving(world: World, address: Address, script: Script) -> AsyncGenerator[None, None]:
    """A server on the balancer's own machine."""
    server = RawServer("neighbour", await world.env.network.listen(address), script)
    accept_all = server.serve  # Its listener is open: nobody has to wait for it.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept_all)
        yield
        nursery.cancel_scope.cancel()


async def mirror(peer: RawPeer) -> None:
    """Say once what was heard."""
    await peer.send(await peer.expect_rest())


# ---------------------------------------------------------------------- unix sockets in front


async def test_a_client_over_a_unix_socket_has_no_address_to_be_named_by(world: World) -> None:
    """What it says of itself does not pass; where a name must stand, it is ``unknown`` (RFC 7239)."""
    s1 = await world.http_server("s1")
    async with open_play(world, s1, listener={"bind": FRONT}) as play:
        client = await neighbour(play)
        await client.send(
            b"GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n"
            b"X-Forwarded-For: 1.2.3.4\r\nConnection: close\r\n\r\n"
        )
        assert (await client.read_response()).body == b"s1"
        await client.close()
        (request,) = s1.requests
        assert request.all("x-forwarded-for") == request.all("x-real-ip") == []
        assert request.header("forwarded") == 'for=unknown;proto=http;host="a"'
        assert request.header("x-forwarded-proto") == "http"
        await play.settle()
        assert play.records()[0].client == "unix:"


async def test_the_permissions_of_its_file_and_no_list_guard_a_unix_socket(world: World) -> None:
    s1 = await world.http_server("s1")
    everybody = AccessConfig(deny=("0.0.0.0/0", "::/0"))
    async with open_play(world, s1, listener={"bind": FRONT}, access=everybody) as play:
        client = await neighbour(play)
        await client.send(LAST_GET)
        assert (await client.read_response()).status == 200
        await client.close()


async def test_behind_a_proxy_on_the_same_machine_clients_go_by_their_own_names(
    world: World,
) -> None:
    """HTTP over a unix socket, with a PROXY header: lists, records and fields see the client."""
    s1 = await world.http_server("s1")
    door = {"bind": FRONT, "proxy_protocol": "any"}
    denied = AccessConfig(deny=("203.0.113.0/24",))
    async with open_play(world, s1, listener=door, access=denied) as play:
        for host, status in (("203.0.113.9", 403), ("198.51.100.7", 200)):
            client = await neighbour(play)
            header = encode(Version.V2, Address(host, 1), Address("192.0.2.1", 80))
            await client.send(header + LAST_GET)
            assert (await client.read_response()).status == status
            await client.close()
        assert [one.header("x-forwarded-for") for one in s1.requests] == ["198.51.100.7"]
        await play.settle()
        assert [record.client for record in play.records()] == ["203.0.113.9", "198.51.100.7"]


async def test_a_proxy_behind_a_unix_socket_is_believed_where_unix_is_trusted(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(
        world,
        s1,
        listener={"bind": FRONT},
        trusted_proxies=("10.0.0.0/8", "unix:"),
        access=AccessConfig(deny=("6.6.6.6",)),
    ) as play:
        client = await neighbour(play)
        for chain, status in (("6.6.6.6", 403), ("6.6.6.6, 203.0.113.9, 10.0.0.2", 200), ("", 200)):
            said = f"X-Forwarded-For: {chain}\r\nForwarded: for=x\r\n" if chain else ""
            await client.send(f"GET / HTTP/1.1\r\nHost: a\r\n{said}\r\n".encode())
            assert (await client.read_response()).status == status
        await client.close()
        told, untold = s1.requests
        assert told.header("x-forwarded-for") == "6.6.6.6, 203.0.113.9, 10.0.0.2"
        assert told.header("x-real-ip") == "203.0.113.9"
        assert told.header("forwarded") == 'for=x, for=unknown;proto=http;host="a"'
        assert untold.all("x-forwarded-for") == untold.all("x-real-ip") == []
        await play.settle()
        assert [each.client for each in play.records()] == ["6.6.6.6", "203.0.113.9", "unix:"]


@pytest.mark.parametrize(("trusted", "believed"), [(("10.0.0.0/8",), False), (("unix:",), True)])
async def test_who_may_send_proxy_headers_is_said_of_unix_sockets_too(
    world: World, trusted: tuple[str, ...], believed: bool
) -> None:
    s1 = await world.http_server("s1")
    door = {"bind": FRONT, "proxy_protocol": "v1"}
    async with open_play(world, s1, listener=door, trusted_proxies=trusted) as play:
        client = await neighbour(play)
        await client.send(LINE_6 + LAST_GET)
        if believed:
            assert (await client.read_response()).body == b"s1"
        else:
            await client.expect_reset()
        await client.close()
        assert len(s1.requests) == believed


async def test_a_tcp_client_of_a_unix_socket_is_passed_on_as_unknown(world: World) -> None:
    s1 = await world.server("s1", mirror)
    door = {"bind": FRONT, "protocol": "tcp"}
    async with open_play(world, s1, listener=door, pool={"proxy_protocol": "v1"}) as play:
        client = await neighbour(play)
        await client.send(b"hello")
        await client.send_eof()
        assert await client.expect_rest() == b"PROXY UNKNOWN\r\nhello"
        await client.close()
        await play.settle()
        assert (play.records()[0].client, play.records()[0].target) == ("unix:", str(FRONT))


async def test_clients_without_an_address_share_a_server_under_a_hash(world: World) -> None:
    servers = [await world.http_server(name) for name in ("s1", "s2", "s3")]
    async with open_play(
        world, *servers, listener={"bind": FRONT}, algorithm="ip_hash", pool=UNBOUNDED
    ) as play:
        for _ in range(3):
            client = await neighbour(play)
            await client.send(LAST_GET)
            await client.read_response()
            await client.close()
        assert sorted(len(one.requests) for one in servers) == [0, 0, 3]


UNBOUNDED = {"hash_balance_factor": None}


# ---------------------------------------------------------------------- unix sockets behind


async def test_a_server_on_a_unix_socket_is_probed_asked_and_kept(world: World) -> None:
    """A path is no name: Host is ``localhost`` where a client of HTTP/1.0 sent none."""
    hosts: list[str | None] = []

    async def answer(peer: RawPeer) -> None:
        while not await peer.at_end():
            hosts.append((await peer.read_request()).header("host"))
            await peer.send(OK)

    server = ServerConfig(id="app", address=BACK)
    check = HealthCheckConfig(interval=10.0, jitter_fraction=0.0)
    async with serving(world, BACK, answer), open_play(world, server, health_check=check) as play:
        await play.settle()
        assert (await play.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 200
        assert (await play.ask()).status == 200
        assert hosts == ["localhost", "localhost", "a"]


async def test_a_socket_that_nobody_listens_on_is_refused_at_once(world: World) -> None:
    async with open_play(world, ServerConfig(id="app", address=BACK)) as play:
        assert (await play.ask()).status == 502
        assert play.records()[0].error == "upstream_connect_refused"
        assert trio.current_time() < 0.1


async def test_a_server_without_a_host_name_must_be_given_one_to_be_verified(world: World) -> None:
    server = ServerConfig(id="app", address=BACK, tls=UpstreamTls())
    with pytest.raises(ConfigError, match=r"pools\.default\.servers\[0\].*tls\.server_name"):
        async with open_play(world, server):
            pytest.fail("it started")
    pool = {"tls": UpstreamTls()}
    with pytest.raises(ConfigError, match=r"server_name"):
        async with open_play(world, ServerConfig(id="app", address=BACK), pool=pool):
            pytest.fail("it started")
    await trio.lowlevel.checkpoint()


# ---------------------------------------------------------------------- IPv6


async def test_an_ipv6_client_is_written_as_each_field_wants_it(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, listener={"proxy_protocol": "v1"}, answer_headers=True) as play:
        client = await play.client()
        await client.send(LINE_6 + b"GET / HTTP/1.1\r\nHost: a\r\nForwarded: x\r\n\r\n")
        assert (await client.read_response()).status == 200
        await client.close()
        (request,) = s1.requests
        assert request.header("x-forwarded-for") == request.header("x-real-ip") == "2001:db8::9"
        assert request.header("forwarded") == 'for="[2001:db8::9]";proto=http;host="a"'
        await play.settle()
        assert play.records()[0].client == "2001:db8::9"
        assert {event.client_id for event in play.told(ServerSelected)} == {"2001:db8::9"}


async def test_an_ipv6_listener_and_server_in_brackets(world: World) -> None:
    door, back = Address("::1", 8080), Address("::1", 9000)

    async def answer(peer: RawPeer) -> None:
        assert (await peer.read_request()).header("host") == "[::1]:9000"
        await peer.send(OK)
        assert await peer.at_end()

    server = ServerConfig(id="six", address=back)
    async with serving(world, back, answer), open_play(world, server, listener={"bind": door}):
        client = RawClient(await world.env.network.connect(door), "client")
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await client.read_response()).status == 200
        await client.close()


async def test_lists_and_trust_know_ipv4_within_ipv6(world: World) -> None:
    """A proxy that serves both writes ``::ffff:10.0.0.1``: the same peer, the same trust."""
    s1 = await world.http_server("s1")
    mapped = encode(Version.V2, Address("::ffff:10.0.0.1", 1), SERVICE_6)
    async with open_play(
        world,
        s1,
        listener={"proxy_protocol": "any"},
        trusted_proxies=("10.0.0.0/8",),
        access=AccessConfig(deny=("203.0.113.0/24",)),
    ) as play:
        for said, status in (("203.0.113.5", 403), ("::ffff:203.0.113.5", 403), ("192.0.2.1", 200)):
            client = await play.client()
            await client.send(mapped)
            await client.send(
                b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %b\r\n\r\n" % said.encode()
            )
            assert (await client.read_response()).status == status
            await client.close()


# ---------------------------------------------------------------------- who is who


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("203.0.113.9:5555", "203.0.113.9"),
        ("[2001:db8::9]:5555", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("unix:, 10.0.0.2", "10.0.0.2"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
    ],
)
async def test_whatever_a_trusted_proxy_says_the_client_is_an_address(
    world: World, said: str, client: str
) -> None:
    """Some write ports. Who says what is no address answers for it: no list is passed by a word."""
    s1 = await world.http_server("s1")
    async with open_play(
        world,
        s1,
        listener={"proxy_protocol": "any"},
        trusted_proxies=("10.0.0.0/8",),
        access=AccessConfig(allow=("203.0.113.0/24", "2001:db8::/32")),
    ) as play:
        proxy = await play.client()
        await proxy.send(encode(Version.V1, Address("10.0.0.1", 1), Address("10.0.0.9", 80)))
        await proxy.send(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: %b\r\n\r\n" % said.encode()
        )
        status = (await proxy.read_response()).status
        await proxy.close()
        await play.settle()
        assert play.records()[0].client == client
        assert status == (403 if client.startswith("10.") else 200)
        assert [one.header("x-real-ip") for one in s1.requests] == [client] * (status == 200)


async def test_a_client_s_limit_is_not_its_proxy_s(world: World) -> None:
    """Three that come through one proxy in the same instant are three, and each may come once."""
    s1 = await world.http_server("s1")
    async with open_play(
        world, s1, listener={"proxy_protocol": "any"}, limits=limits(per_client=1)
    ) as play:
        names = ["203.0.113.1", "203.0.113.2", "203.0.113.1", "203.0.113.3"]
        clients = [await play.client() for _ in names]
        for client, name in zip(clients, names, strict=True):
            header = encode(Version.V2, Address(name, 1), Address("10.0.0.9", 80))
            await client.send(header + GET)
        answers = [(await client.read_response()).status for client in clients]
        assert answers == [200, 200, 503, 200]
        assert [event.reason for event in play.told(RequestShed)] == ["per_client"]
        for client in clients:
            await client.close()
        await play.settle()
        assert play.lb.connection_count == 0


async def test_a_proxy_that_speaks_for_itself_has_a_limit_too(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(
        world, s1, listener={"proxy_protocol": "v1"}, limits=limits(per_client=1)
    ) as play:
        clients = [await play.client() for _ in range(2)]
        for client in clients:
            await client.send(b"PROXY UNKNOWN\r\n" + GET)
        assert [(await client.read_response()).status for client in clients] == [200, 503]
        for client in clients:
            await client.close()


async def test_nobody_waits_in_the_entrance_beyond_the_limit_of_all(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(
        world, s1, listener={"proxy_protocol": "v1"}, limits=limits(max_connections=2)
    ) as play:
        silent = [await play.client() for _ in range(2)]
        third = await play.client()
        assert (await third.read_response()).status == 503
        for client in silent:
            await client.close()
