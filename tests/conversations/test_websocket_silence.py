"""WebSockets at rest: who is silent is asked, if that is wanted; else they are left alone."""

import trio

from tests.conversations.chats import open_chat
from tests.conversations.play import timeouts, until
from tests.support.frames import BINARY, PING, PONG, TEXT, Frame, from_client, from_server
from tests.support.world import World
from trio_lb.config.schema import WebSocketConfig

# ---------------------------------------------------------------------- silence


ASKING = {"websocket": WebSocketConfig(ping_interval=20.0)}


async def test_a_silent_client_is_asked_and_its_pong_goes_on_to_the_server(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        await trio.sleep_until(7.0)
        await chat.client.send(from_client(TEXT, b"hello"))
        await chat.server_hears()
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        assert trio.current_time() == 27.0
        await trio.sleep_until(40.0)
        await chat.client.send(from_client(PONG, b"trio-lb"))
        assert await chat.server_hears() == Frame(PONG, b"trio-lb", is_masked=True)
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        assert trio.current_time() == 60.0


async def test_a_client_that_says_nothing_at_all_is_given_up(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        await chat.client.expect_reset()
        assert trio.current_time() == 40.0
        await chat.server.expect_reset()
        await chat.play.settle()
        assert chat.play.errors() == ["client_gone"]


async def test_an_answer_in_the_same_instant_counts(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        for turn in range(1, 10):
            assert await chat.client_hears() == Frame(PING, b"trio-lb")
            assert trio.current_time() == 20.0 * turn
            await chat.client.send(from_client(PONG, b"trio-lb"))


async def test_whatever_the_client_says_shows_that_it_lives(world: World) -> None:
    async with open_chat(world, **ASKING) as chat:
        for _ in range(10):
            await trio.sleep(19.0)
            await chat.client.send(from_client(TEXT, b"."))
        await trio.sleep(19.0)
        rest = bytes(chat.client.received).partition(b"\r\n\r\n")[2]
        assert rest == b"", "it was not asked"


async def test_a_ping_waits_for_the_end_of_a_long_frame(world: World) -> None:
    big = from_server(BINARY, b"x" * 100)
    async with open_chat(world, **ASKING) as chat:
        await chat.server.send(big[:50])
        await trio.sleep_until(90.0)
        assert chat.play.records() == [], "who was not asked is not given up"
        await chat.server.send(big[50:])
        assert (await chat.client_hears()).payload == b"x" * 100
        assert await chat.client_hears() == Frame(PING, b"trio-lb")
        await chat.client.send(from_client(PONG))
        await trio.sleep_until(105.0)
        assert chat.play.records() == []


async def test_pings_keep_a_tunnel_alive_beyond_its_idle_time(world: World) -> None:
    async with open_chat(world, timeouts=timeouts(tunnel_idle=50.0), **ASKING) as chat:
        for _ in range(10):
            assert await chat.client_hears() == Frame(PING, b"trio-lb")
            await chat.client.send(from_client(PONG))
        assert trio.current_time() == 200.0


async def test_without_a_ping_interval_nobody_is_asked_for_an_hour(world: World) -> None:
    async with open_chat(world) as chat:
        await trio.sleep_until(3599.0)
        await chat.server.send(from_server(TEXT, b"still here"))
        assert await chat.client_hears() == Frame(TEXT, b"still here")
        await chat.client.expect_reset()
        assert trio.current_time() == 3599.0 + 3600.0


async def test_who_has_half_closed_is_not_asked(world: World) -> None:
    async with open_chat(world, websocket=WebSocketConfig(ping_interval=10.0)) as chat:
        await chat.client.send_eof()
        await until(lambda: bool(chat.play.records()))
        assert chat.play.records()[0].total_seconds == 30.0


# ---------------------------------------------------------------------- being left alone


async def test_a_pong_a_compressed_frame_and_a_big_one_pass_untouched(world: World) -> None:
    compressed = b"\xc1\x02ok"
    big = from_server(BINARY, b"z" * 300_000)
    async with open_chat(world, **ASKING) as chat, trio.open_nursery() as nursery:
        nursery.start_soon(chat.server.send, from_server(PONG, b"?") + compressed + big)
        await chat.client.expect(from_server(PONG, b"?") + compressed + big)


async def test_a_reload_touches_no_tunnel(world: World) -> None:
    s2 = await world.http_server("s2")
    async with open_chat(world) as chat:
        lb = chat.play.lb
        for turn in range(20):
            await trio.sleep(10.0)
            lb.update_server("s1", weight=turn + 2)
            if turn == 10:
                lb.add_server(id="s2", address=str(s2.address))
            await chat.client.send(from_client(TEXT, b"%d" % turn))
            assert (await chat.server_hears()).payload == b"%d" % turn
        lb.update_config(algorithm="random")
        await chat.server.send(from_server(TEXT, b"still here"))
        assert (await chat.client_hears()).payload == b"still here"
        assert chat.play.records() == []
