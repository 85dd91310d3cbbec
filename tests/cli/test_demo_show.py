"""The demo's acts in virtual time: what a newcomer reads, at exact instants."""

import re
from typing import Final

import trio

from tests.cli.demo_text import printed, rows, story, told
from tests.support.world import World
from trio_lb.cli import demo
from trio_lb.cli.exits import Exit
from trio_lb.model.address import Address

SHORT: Final = 15.0
MINUTE: Final = 60.0


async def test_a_minute_shows_a_breaker_s_whole_life(world: World) -> None:
    assert await demo.main(world.env, MINUTE, None) == Exit.OK
    life = [each for each in story(printed(world), "birch") if each[0] < 20.0]
    assert life == [
        (2.0, ">>> birch falls ill: it hangs up on requests, but its health page says 200"),
        (2.3, "birch's breaker opens for 2.0 s (5 failures in a row); the others take over"),
        (4.3, "birch's breaker half-opens: one request at a time may try"),
        (4.4, "birch's breaker opens for 4.1 s (a trial failed); longer than before"),
        (8.4, "birch's breaker half-opens: one request at a time may try"),
        (8.5, "birch's breaker opens for 8.2 s (a trial failed); longer than before"),
        (14.0, ">>> birch is cured"),
        (16.7, "birch's breaker half-opens: one request at a time may try"),
        (17.0, "birch's breaker closes (3 trials went well); it gets a growing share"),
    ]


async def test_a_minute_shows_a_death_that_checks_find_and_a_return(world: World) -> None:
    await demo.main(world.env, MINUTE, None)
    assert story(printed(world), "cedar") == [
        (24.0, ">>> cedar dies: its port closes, its connections are reset"),
        (24.2, "cedar is unhealthy (3 checks failed: connect refused); the others take over"),
        (34.0, ">>> cedar comes back"),
        (34.1, "cedar is healthy (2 checks passed); it gets a growing share"),
    ]


async def test_a_minute_shows_an_ejection_that_neither_checks_nor_breaker_ask_for(
    world: World,
) -> None:
    await demo.main(world.env, MINUTE, None)
    assert story(printed(world), "alder") == [
        (40.0, ">>> alder falters: it hangs up on three requests of four"),
        (40.4, "alder is ejected for 6.3 s (1 of 6 requests went well)"),
        (46.0, ">>> alder is steady again"),
        (46.7, "alder is readmitted; it gets a growing share"),
    ]


async def test_a_minute_shows_a_drain_and_a_return_from_it(world: World) -> None:
    await demo.main(world.env, MINUTE, None)
    drain = [each for each in story(printed(world), "birch") if each[0] > 20.0]
    assert drain == [
        (52.0, ">>> birch is to be repaired: it gets nothing new and finishes what it has"),
        (52.0, "birch is drained: its last request has ended"),
        (56.0, ">>> birch is repaired"),
        (56.0, "birch takes requests again, a growing share"),
    ]


async def test_a_server_that_returns_gets_a_growing_share(world: World) -> None:
    """Four seconds of slow start after 17.0, then a third of everything."""
    await demo.main(world.env, MINUTE, None)
    counts = rows(printed(world))
    assert counts[20.0][1] == 14
    assert 50 < counts[25.0][1] < 60


async def test_a_visitor_is_told_who_answered(world: World, nursery: trio.Nursery) -> None:
    nursery.start_soon(demo.main, world.env, SHORT, None)
    await trio.sleep(1)
    visitor = await world.client(Address("127.0.0.1", 8000), host="lb")
    await visitor.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
    name = (await visitor.read_response()).body.decode().strip()
    visitor.reset()
    await trio.sleep(20)
    assert f"you asked for /hello, {name} answered" in printed(world)


async def test_on_a_terminal_what_is_done_stands_out(world: World) -> None:
    await demo.main(world.env, SHORT, None, style=lambda text: f"<b>{text}</b>")
    marked = re.findall(r"<b>(.*)</b>", printed(world))
    assert [line[:12] for line in marked[:2]] == [">>> birch fa", ">>> birch is"]
    assert marked[-1] == ">>> the end"


async def test_a_visitor_who_keeps_a_request_open_holds_no_deed_up(
    world: World, nursery: trio.Nursery
) -> None:
    """Three uploads that never end, so one of them at birch when it is drained at 13.0."""
    nursery.start_soon(demo.main, world.env, SHORT, None)
    await trio.sleep(12.9)
    visitors = [await world.client(Address("127.0.0.1", 8000), host="lb") for _ in range(3)]
    for visitor in visitors:
        await visitor.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
    await trio.sleep(10)
    text = printed(world)
    assert story(text, "birch")[-4:] == [
        (13.0, ">>> birch is to be repaired: it gets nothing new and finishes what it has"),
        (13.5, "birch is drained: a request of yours is still open"),
        (14.0, ">>> birch is repaired"),
        (14.0, "birch takes requests again, a growing share"),
    ]
    for visitor in visitors:
        visitor.reset()


async def test_the_clock_stands_still_until_the_curtain_rises(world: World) -> None:
    """However slow the first checks are, what they find is told at 0.0 s."""
    world.net.link("lb", "lb").set_latency(0.1)
    await demo.main(world.env, SHORT, None)
    instants = [at for at, words in told(printed(world)) if "first check passed" in words]
    assert instants == [0.0] * 3
