"""The look for leaks sees what is left behind."""

import socket
import threading

import trio

from tests.sim.support import far_apart, listen_on_b, pair
from tests.support.leaks import (
    PATIENCE_SECONDS,
    find_leaks,
    lasting_descriptors,
    new_descriptors,
    open_descriptors,
    our_tasks,
)
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.seat import Seat


def test_a_socket_left_open_is_a_new_descriptor() -> None:
    before = open_descriptors()
    with socket.socket() as left_open:
        (found,) = new_descriptors(before)
        assert found.startswith("socket:")
        assert left_open.fileno() in open_descriptors()
    assert new_descriptors(before) == []


def test_a_descriptor_that_is_closed_a_moment_later_does_not_last() -> None:
    before = open_descriptors()
    passing = socket.socket()
    closer = threading.Timer(0.1, passing.close)
    closer.start()
    assert len(new_descriptors(before)) == 1
    assert lasting_descriptors(before) == []
    closer.join()


def test_a_descriptor_that_nobody_closes_lasts() -> None:
    before = open_descriptors()
    with socket.socket():
        assert len(lasting_descriptors(before)) == 1


def test_a_descriptor_that_changed_its_meaning_is_new() -> None:
    one, other = socket.socketpair()
    before = open_descriptors()
    one.close()
    with other, socket.socket():
        assert len(new_descriptors(before)) == 1


async def test_an_open_stream_and_an_open_listener_are_named(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    listener = await listen_on_b(net)
    assert await find_leaks(net) == [
        "<VirtualStream 10.0.0.1:32768 to 10.0.0.2:80, open>",
        "<VirtualStream 10.0.0.2:80 to 10.0.0.1:32768, open>",
        "<VirtualListener 10.0.0.2:80, 0 waiting>",
    ]
    near.close()
    far.close()
    await listener.aclose()
    assert await find_leaks(net) == []


async def test_last_words_are_waited_for(net: VirtualNetwork, nursery: trio.Nursery) -> None:
    far_apart(net)
    near, far = await pair(net)

    async def say_goodbye() -> None:
        await trio.sleep(PATIENCE_SECONDS / 2)
        near.close()
        far.close()

    nursery.start_soon(say_goodbye)
    assert await find_leaks(net) == []


async def test_a_task_that_stands_in_the_product_is_named(net: VirtualNetwork) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Seat("waiting").wait, lambda: 1e9, name="left behind")
        await trio.testing.wait_all_tasks_blocked()
        assert our_tasks() == ["left behind"]
        nursery.cancel_scope.cancel()
    assert our_tasks() == []
