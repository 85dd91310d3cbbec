"""PROXY, TLS and what is spoken inside, one upon the other: on a listener, towards servers, at a stop."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.app.test_front import https, shown
from tests.conversations.chats import SWITCH, UPGRADE, next_frame
from tests.conversations.play import GET, LAST_GET, OK, Play, limits, open_play, until
from tests.conversations.test_pools import open_pools, servers
from tests.net.identities import issued, write, write_ca
from tests.support.frames import CLOSE, TEXT, close_payload, from_client, from_server
from tests.support.messages import Message
from tests.support.raw import RawClient, RawPeer
from tests.support.servers import Script
from tests.support.world import World
from trio_lb.config.schema import AccessConfig, HealthCheckConfig, UpstreamTls
from trio_lb.model.address import Address
from trio_lb.model.events import RequestShed
from trio_lb.net.certificates import client_context, server_context
from trio_lb.net.proxy_header import Header, Version, decode
from trio_lb.net.proxy_writer import encode
from trio_lb.net.tls import TlsStream
from trio_lb.proxy.connection import NEWCOMER_SECONDS
from trio_lb.proxy.websockets import CLOSES_PER_SECOND

CLIENT, SERVICE = Address("203.0.113.9", 5555), Address("198.51.100.1", 443)


def both(folder: Path, **tls: Any) -> dict[str, Any]:
    """A listener that wants a PROXY header and then TLS."""
    made = https(folder, "a", **tls)
    made["listener"]["proxy_protocol"] = "any"
    return made


async def through(play: Play, folder: Path, client: Address = CLIENT, **own: Any) -> RawClient:
    """A client behind a proxy that names it, over TLS."""
    raw = await play.client()
    await raw.send(encode(Version.V2, client, SERVICE))
    context = client_context(ca=write_ca(folder), **own)
    return RawClient(await TlsStream.connect(raw.stream, context, "a.test"), "client")


# ---------------------------------------------------------------------- in


async def test_a_header_and_a_handshake_later_the_client_goes_by_its_name_over_https(
    world: World, tmp_path: Path
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **both(tmp_path)) as play:
        client = await through(play, tmp_path)
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).body == b"s1"
        await client.close()
        named = [(r.header("x-forwarded-for"), r.header("x-forwarded-proto")) for r in s1.requests]
        assert named == [(CLIENT.host, "https")] * 2
        await play.settle()
        assert [record.client for record in play.records()] == [CLIENT.host] * 2


async def test_lists_and_limits_see_the_client_behind_both(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(
        world,
        s1,
        access=AccessConfig(deny=("192.0.2.0/24",)),
        limits=limits(per_client=1),
        **both(tmp_path),
    ) as play:
        first = await through(play, tmp_path)
        await first.send(GET)
        assert (await first.read_response()).status == 200
        second = await through(play, tmp_path)
        refused = await second.read_response()
        assert (refused.status, refused.header("connection")) == (503, "close")
        denied = await through(play, tmp_path, Address("192.0.2.1", 1))
        await denied.send(LAST_GET)
        assert (await denied.read_response()).status == 403
        assert [event.reason for event in play.told(RequestShed)] == ["per_client"]
        for client in (first, second, denied):
            await client.close()
        assert len(s1.requests) == 1


@pytest.mark.parametrize("order", ["TLS first", "no TLS", "no header"])
async def test_what_comes_in_another_order_meets_no_server(
    world: World, tmp_path: Path, order: str
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, **both(tmp_path)) as play:
        raw = await play.client()
        if order == "no TLS":
            await raw.send(encode(Version.V1, CLIENT, SERVICE) + GET)
            assert (await raw.read_response()).status == 400
        else:
            await raw.send(b"\x16\x03\x01\x02\x00\x01" if order == "TLS first" else GET)
            await raw.expect_reset()
        await raw.close()
        assert (s1.peers, play.records()) == ([], [])


@pytest.mark.parametrize(
    ("binds", "port"),
    [([("lb", 8443)], ":8443"), ([("lb", 443)], ""), ([None, ("lb", 9443)], ":9443"), ([None], "")],
)
async def test_a_redirect_leads_to_the_first_port_where_tls_is_spoken(
    world: World, tmp_path: Path, binds: list[tuple[str, int] | None], port: str
) -> None:
    """A unix socket has no port: if TLS is spoken there only, something in front has the usual one."""
    s1 = await world.http_server("s1")
    ssl = shown_as_given(tmp_path)
    encrypted = [
        {
            "protocol": "https",
            "ssl": ssl,
            "bind": "unix:/run/tls.sock" if at is None else str(world.stage.bind(*at)),
        }
        for at in binds
    ]
    async with open_pools(
        world, [{"https_redirect": True}, *encrypted], default={"servers": servers(s1)}
    ) as (play, (plain, *_)):
        world.front = plain
        answer = await play.ask(
            b"POST /a?b=c HTTP/1.1\r\nHost: a.test:80\r\nContent-Length: 1\r\n"
            b"Connection: close\r\n\r\nx"
        )
        assert answer.status == 308
        assert answer.header("location") == f"https://a.test{port}/a?b=c"
        (record,) = play.records()
        assert (record.status, record.error, record.attempts, s1.peers) == (308, None, 0, [])


def shown_as_given(folder: Path) -> dict[str, object]:
    (made,) = shown(folder, "a")
    return {"certificate": made.certificate, "private_key": made.private_key}


# ---------------------------------------------------------------------- out


def behind_both(folder: Path, heard: list[tuple[bytes, Address | None, Message]]) -> Script:
    """A server that wants a PROXY header and then TLS, and notes who was named and what was asked."""
    tls = server_context([write(folder, "s1", issued("s1.test"))])

    async def serve(peer: RawPeer) -> None:
        verdict = None
        data = b""
        while not isinstance(verdict, Header):
            data += await peer.stream.receive_some(1)
            verdict = decode(data, tuple(Version))
        stream = await TlsStream.accept(peer.stream, tls, deadline=trio.current_time() + 1.0)
        spoken = RawPeer(stream, peer.name)
        while not await spoken.at_end():
            heard.append((data[:12], verdict.source, await spoken.read_request()))
            await spoken.send(OK)

    return serve


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_server_is_told_of_the_client_before_the_handshake_and_so_are_probes(
    world: World, tmp_path: Path, version: str
) -> None:
    heard: list[tuple[bytes, Address | None, Message]] = []
    s1 = await world.server("s1", behind_both(tmp_path, heard))
    async with open_play(
        world,
        s1,
        pool={
            "proxy_protocol": version,
            "tls": UpstreamTls(ca=write_ca(tmp_path), server_name="s1.test"),
        },
        health_check=HealthCheckConfig(path="/probe", interval=100.0),
        **both(tmp_path),
    ) as play:
        await until(lambda: play.server("s1").is_usable)
        client = await through(play, tmp_path)
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).status == 200
        await client.close()
        probe, *asked = heard
        assert probe[2].target == "/probe"
        assert [source for _, source, _ in asked] == [CLIENT] * 2
        assert len(s1.peers) == 3, "what named a client carries no other request"


# ---------------------------------------------------------------------- WebSockets inside


@asynccontextmanager
async def open_socket(
    world: World, folder: Path, **options: Any
) -> AsyncGenerator[tuple[Play, RawClient, RawPeer], None]:
    """A WebSocket of a client behind a proxy, over TLS, to a server that the test drives."""
    switched: list[RawPeer] = []

    async def switch(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(SWITCH)
        switched.append(peer)
        await trio.sleep_forever()

    s1 = await world.server("s1", switch)
    async with open_play(world, s1, accept_grace=0.0, **both(folder), **options) as play:
        client = await through(play, folder)
        await client.send(UPGRADE)
        assert (await client.read_response()).status == 101
        await until(lambda: bool(switched))
        yield play, client, switched[0]
        client.reset()
        switched[0].reset()


async def test_a_websocket_over_all_of_it_is_told_of_a_stop_and_closed_in_order(
    world: World, tmp_path: Path
) -> None:
    async with open_socket(world, tmp_path) as (play, client, server):
        await client.send(from_client(TEXT, b"hello"))
        assert (await next_frame(server)).payload == b"hello"
        await server.send(from_server(TEXT, b"world"))
        assert (await next_frame(client)).payload == b"world"
        stops: list[bool] = []

        async def stop() -> None:
            stops.append(await play.lb.shutdown(30.0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop)
            for end in (client, server):
                frame = await next_frame(end)
                assert (frame.opcode, frame.payload[:2]) == (CLOSE, close_payload(1001)[:2])
            await client.send(from_client(CLOSE, close_payload(1001)))
            await server.send(from_server(CLOSE, close_payload(1001)))
            await client.eof()
            await server.eof()
        assert stops == [True]
        assert trio.current_time() <= 1.0 / CLOSES_PER_SECOND
        (record,) = play.records()
        assert (record.status, record.error, record.client) == (101, None, CLIENT.host)


async def test_a_websocket_s_server_may_be_drained_or_removed_and_the_talk_goes_on(
    world: World, tmp_path: Path
) -> None:
    async with open_socket(world, tmp_path) as (play, client, server):
        assert not await play.lb.drain("s1", deadline_seconds=5.0)
        assert trio.current_time() == 5.0
        await client.send(from_client(TEXT, b"still here"))
        assert (await next_frame(server)).payload == b"still here"
        assert play.server("s1").active_connections == 1


# ---------------------------------------------------------------------- a stop in the entrance


@pytest.mark.parametrize("said", ["nothing", "half a header", "a header", "half a handshake"])
async def test_a_stop_waits_a_second_for_who_is_silent_in_the_entrance(
    world: World, tmp_path: Path, said: str
) -> None:
    """As for a connection that never said a word of HTTP: a port scan must not hold it up."""
    s1 = await world.http_server("s1")
    header = encode(Version.V2, CLIENT, SERVICE)
    words = {
        "nothing": b"",
        "half a header": header[:10],
        "a header": header,
        "half a handshake": header + b"\x16\x03\x01\x02\x00\x01",
    }
    async with open_play(world, s1, accept_grace=0.0, **both(tmp_path)) as play:
        raw = await play.client()
        await raw.send(words[said])
        await trio.sleep(2.0)
        assert await play.lb.shutdown(30.0)
        assert trio.current_time() == 2.0 + NEWCOMER_SECONDS
        await raw.expect_reset()


async def test_a_stop_lets_who_is_arriving_ask_once(world: World, tmp_path: Path) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, accept_grace=0.0, **both(tmp_path)) as play:
        raw = await play.client()
        await play.settle()
        stops: list[bool] = []

        async def stop() -> None:
            stops.append(await play.lb.shutdown(30.0))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop)
            await trio.sleep(0.5)
            await raw.send(encode(Version.V2, CLIENT, SERVICE))
            context = client_context(ca=write_ca(tmp_path))
            client = RawClient(await TlsStream.connect(raw.stream, context, "a.test"), "client")
            await client.send(GET)
            assert (await client.read_response()).header("connection") == "close"
            await client.close()
        assert stops == [True]
        assert len(s1.requests) == 1
