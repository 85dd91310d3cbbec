"""Clients that are not let in: told so in HTTP, reset on TCP, and no server ever sees them."""

import pytest
import trio

from tests.conversations.play import LAST_GET, open_play
from tests.support.world import World
from trio_lb.config.schema import AccessConfig


def client_of(world: World) -> str:
    return world.net.host("client").address


async def test_who_is_denied_gets_one_403_and_meets_no_server(world: World) -> None:
    s1 = await world.http_server("s1")
    access = AccessConfig(deny=(client_of(world),))
    async with open_play(world, s1, access=access) as play:
        answer = await play.ask()
        assert answer.status == 403
        assert answer.body.startswith(b"403 this address is not let in\n")
        assert (play.errors(), s1.peers) == (["access_denied"], [])


async def test_who_is_not_on_the_list_of_the_allowed_stays_out_and_may_ask_again(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, access=AccessConfig(allow=("192.0.2.0/24",))) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.read_response()).status == 403
        await client.close()
        assert s1.peers == []


async def test_a_denied_upload_is_not_waited_for(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, access=AccessConfig(deny=("0.0.0.0/0",))) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc")
        answer = await client.read_response()
        assert (answer.status, answer.header("connection")) == (403, "close")
        assert trio.current_time() == 0.0
        await client.close()


async def test_behind_a_trusted_proxy_the_client_is_judged_and_not_the_proxy(world: World) -> None:
    s1 = await world.http_server("s1")
    access = AccessConfig(allow=("198.51.100.0/24",), deny=("198.51.100.66",))
    options = {"access": access, "trusted_proxies": (client_of(world),)}
    async with open_play(world, s1, **options) as play:
        statuses = []
        for name in (b"198.51.100.7", b"198.51.100.66", b"203.0.113.1"):
            head = LAST_GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: " + name + b"\r\n\r\n")
            statuses.append((await play.ask(head)).status)
        assert statuses == [200, 403, 403]


@pytest.mark.parametrize("let_in", [True, False])
async def test_on_a_tcp_listener_who_is_denied_is_reset(world: World, let_in: bool) -> None:
    s1 = await world.http_server("s1")
    access = AccessConfig(allow=(client_of(world) if let_in else "192.0.2.1",))
    async with open_play(world, s1, listener={"protocol": "tcp"}, access=access) as play:
        client = await play.client()
        await client.send(LAST_GET)
        if let_in:
            assert (await client.read_response()).status == 200
        else:
            with pytest.raises(trio.BrokenResourceError):
                await client.stream.receive_some(1)
            assert s1.peers == []
        await client.close()
        await play.settle()
        assert play.errors() == [None if let_in else "access_denied"]


async def test_a_list_that_changes_counts_for_the_next_request_of_an_open_connection(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        statuses = []
        for deny in ([], ["0.0.0.0/0"], []):
            play.lb.update_config(access={"deny": deny})
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            statuses.append((await client.read_response()).status)
        assert statuses == [200, 403, 200]
        await client.close()
