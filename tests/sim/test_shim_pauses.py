"""The sockets of a host that is paused (SIGSTOP) stand still, and lose nothing."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
from trio.testing import assert_checkpoints

from tests.sim.programs import in_simulation, now, serve
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.shim import on_host


async def cancelled_in_a_pause(host: HostNetwork, call: Callable[[], Awaitable[object]]) -> None:
    """Begin ``call``, pause the host, cancel the call a second later, let the host go on."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as calling:
            calling.start_soon(call)
            await trio.testing.wait_all_tasks_blocked()
            host.pause()
            await trio.sleep(1.0)
            scope.cancel()
    assert scope.cancelled_caught
    host.resume()


def test_a_paused_host_takes_and_says_nothing_until_it_goes_on() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        async with await trio.open_tcp_stream("api", 80) as stream:
            await trio.sleep_until(1.0)
            net.host("api").pause()
            await stream.send_all(b"anybody?")
            await trio.sleep_until(5.0)
            net.host("api").resume()
            assert (await stream.receive_some(), now()) == (b"ANYBODY?", 5.01)

    in_simulation(play)


def test_what_came_while_a_host_was_paused_survives_a_cancelled_call() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        api = net.host("api")
        clients: list[trio.SocketStream] = []

        async def dial() -> None:
            clients.append(await trio.open_tcp_stream("api", 80))
            await clients[0].send_all(b"early")

        with on_host(api):
            (listener,) = await trio.open_tcp_listeners(80)
        async with listener:
            net.link("main", "api").set_latency(0.1)
            nursery.start_soon(dial)
            await cancelled_in_a_pause(api, listener.accept)
            async with await listener.accept() as server:
                assert (await server.receive_some(2), now()) == (b"ea", 1.0)
                await server.receive_some()
                await clients[0].send_all(b"later")
                await cancelled_in_a_pause(api, server.receive_some)
                assert server.socket.is_readable()
                with assert_checkpoints():
                    assert await server.receive_some(1) == b"l"
                assert [await server.receive_some(2) for _ in range(2)] == [b"at", b"er"]
                assert now() == 2.0
                await cancelled_in_a_pause(api, server.receive_some)
                await clients[0].aclose()
                assert await server.receive_some() == b""

    in_simulation(play)


def test_a_connection_that_nobody_was_told_of_is_reset_with_its_listener() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        with on_host(net.host("api")):
            (listener,) = await trio.open_tcp_listeners(80)
        clients: list[trio.SocketStream] = []

        async def dial() -> None:
            clients.append(await trio.open_tcp_stream("api", 80))

        async with listener:
            nursery.start_soon(dial)
            await cancelled_in_a_pause(net.host("api"), listener.accept)
            assert listener.socket.is_readable()
        with pytest.raises(trio.BrokenResourceError):
            await clients[0].receive_some()
        await clients[0].aclose()

    in_simulation(play)


def test_what_a_paused_host_wants_to_do_it_does_when_it_goes_on() -> None:
    done: list[tuple[str, float]] = []

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        main = net.host("main")
        stream = await trio.open_tcp_stream("api", 80)

        async def note(what: str, call: Callable[[], Awaitable[object]]) -> None:
            await call()
            done.append((what, now()))

        async def dial() -> None:
            async with await trio.open_tcp_stream("api", 80):
                pass

        async with stream:
            async with trio.open_nursery() as waiting:
                await trio.sleep_until(1.0)
                waiting.start_soon(note, "dial that was under way", dial)
                await trio.sleep(0.01)
                main.pause()
                waiting.start_soon(note, "send", partial(stream.send_all, b"x"))
                waiting.start_soon(note, "dial", dial)
                await trio.sleep_until(2.0)
                main.resume()
            main.pause()
            async with trio.open_nursery() as waiting:
                waiting.start_soon(note, "room", stream.wait_send_all_might_not_block)
                await trio.sleep_until(3.0)
                main.resume()

    in_simulation(play)
    assert sorted(done) == [
        ("dial", 2.02),
        ("dial that was under way", 2.0),
        ("room", 3.0),
        ("send", 2.0),
    ]


def test_a_host_that_never_goes_on_does_not_hold_up_the_end() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        stream = await trio.open_tcp_stream("api", 80)
        net.host("api").pause()
        net.host("main").pause()
        nursery.start_soon(stream.send_all, b"x")
        nursery.start_soon(trio.open_tcp_stream, "api", 80)
        await trio.sleep(1.0)
        stream.socket.close()

    in_simulation(play)
