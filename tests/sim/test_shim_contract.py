"""A socket of ``trio.socket`` does on the virtual network what it does on the loopback: bytes, ends.

Every test runs on both, without a line that knows which one it is on.
"""

import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import pytest
import trio
from trio.testing import assert_checkpoints, open_stream_to_socket_listener, wait_all_tasks_blocked

from tests.sim.sockets import fill, listening, number_of, pair, reset, send_until_it_fails
from tests.support.stage import Stage, until

# Bytes.


async def test_bytes_go_both_ways(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        assert await near.send(b"question") == 8
        assert await far.recv(100) == b"question"
        await far.send(memoryview(b"answer"))
        assert [await near.recv(3), await near.recv(100)] == [b"ans", b"wer"]


async def test_it_receives_into_a_buffer(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        await near.send(b"abcdef")
        buffer = bytearray(b"........")
        assert await far.recv_into(buffer, 4) == 4
        assert await far.recv_into(memoryview(buffer)[6:]) == 2
        assert buffer == b"abcd..ef"


async def test_nothing_is_received_and_sent_at_once(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        with assert_checkpoints():
            assert await near.recv(0) == b""
        assert await near.send(b"") == 0
        with pytest.raises(ValueError):
            await near.recv(-1)


async def test_a_receive_that_is_cancelled_takes_nothing(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        await near.send(b"stays")
        with trio.CancelScope() as scope:
            scope.cancel()
            await far.recv(100)
        assert scope.cancelled_caught
        assert await far.recv(100) == b"stays"


async def test_two_tasks_cannot_wait_for_the_same_bytes(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        async with trio.open_nursery() as readers:
            readers.start_soon(far.recv, 1)
            await wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await far.recv(1)
            await near.send(b"x")


async def test_who_may_write_is_told_when_the_reader_has_made_room(place: Stage) -> None:
    near, far = await pair()
    told = []

    async def ask() -> None:
        await near.wait_writable()
        told.append(True)

    with near, far:
        await near.wait_writable()
        await fill(place, near)
        async with trio.open_nursery() as asking:
            asking.start_soon(ask)
            await wait_all_tasks_blocked()
            assert told == []
            while not told:
                await far.recv(65536)
                await place.pause()


async def test_it_says_whether_there_is_something_to_read(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        assert not far.is_readable()
        await near.send(b"x")
        await until(place, far.is_readable)
        await far.recv(1)
        assert not far.is_readable()
        near.shutdown(socket.SHUT_WR)
        await until(place, far.is_readable)


async def test_a_listener_is_readable_when_somebody_waits(place: Stage) -> None:
    with await listening() as listener, trio.socket.socket() as near:
        assert not listener.is_readable()
        await near.connect(listener.getsockname())
        await until(place, listener.is_readable)


# The end of it.


async def test_a_half_close_leaves_the_answer_flowing(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        await near.send(b"question")
        near.shutdown(socket.SHUT_WR)
        near.shutdown(socket.SHUT_WR)
        assert near.did_shutdown_SHUT_WR
        assert not far.did_shutdown_SHUT_WR
        assert [await far.recv(100) for _ in range(3)] == [b"question", b"", b""]
        await far.send(b"answer")
        assert await near.recv(100) == b"answer"
        assert await number_of(lambda: near.send(b"more")) == errno.EPIPE


async def test_who_shuts_both_halves_down_wakes_its_own_reader(place: Stage) -> None:
    near, far = await pair()
    read: list[bytes] = []

    async def receive() -> None:
        read.append(await near.recv(100))

    with near, far:
        async with trio.open_nursery() as readers:
            readers.start_soon(receive)
            await wait_all_tasks_blocked()
            near.shutdown(socket.SHUT_RDWR)
        assert read == [b""]
        assert await far.recv(100) == b""


async def test_a_shutdown_of_something_else_is_refused(place: Stage) -> None:
    near, far = await pair()
    with near, far, pytest.raises(OSError) as caught:
        near.shutdown(7)
    assert caught.value.errno == errno.EINVAL


async def test_a_reset_is_told_once_and_then_it_is_an_end(place: Stage) -> None:
    near, far = await pair()
    with near:
        reset(far)
        await until(place, near.is_readable)
        assert await number_of(lambda: near.recv(10)) == errno.ECONNRESET
        assert await near.recv(10) == b""
        assert await number_of(lambda: near.send(b"x")) == errno.EPIPE


async def test_what_came_before_a_reset_can_be_read(place: Stage) -> None:
    near, far = await pair()
    with near:
        await far.send(b"last words")
        reset(far)
        await until(place, near.is_readable)
        assert await near.recv(4) == b"last"
        assert await near.recv(100) == b" words"
        assert await number_of(lambda: near.recv(10)) == errno.ECONNRESET


async def test_who_is_reset_has_no_peer_any_more(place: Stage) -> None:
    near, far = await pair()
    with near:
        reset(far)
        await until(place, near.is_readable)
        for act in (near.getpeername, lambda: near.shutdown(socket.SHUT_WR)):
            with pytest.raises(OSError) as caught:
                act()
            assert caught.value.errno == errno.ENOTCONN


async def test_a_send_learns_of_a_reset_that_was_no_end_before(place: Stage) -> None:
    near, far = await pair()
    with near:
        reset(far)
        assert await send_until_it_fails(place, near) == errno.ECONNRESET
        assert await number_of(lambda: near.send(b"x")) == errno.EPIPE
        assert await near.recv(10) == b""


async def test_a_send_to_who_has_closed_breaks_the_pipe(place: Stage) -> None:
    near, far = await pair()
    with near:
        far.close()
        await until(place, near.is_readable)
        assert await send_until_it_fails(place, near) == errno.EPIPE
        assert await near.recv(10) == b""


async def test_a_close_with_bytes_unread_is_a_reset(place: Stage) -> None:
    near, far = await pair()
    with near:
        await near.send(b"unread")
        await until(place, far.is_readable)
        far.close()
        assert await number_of(lambda: near.recv(10)) == errno.ECONNRESET


async def test_nothing_works_on_a_closed_socket(place: Stage) -> None:
    near, far = await pair()
    with far:
        near.close()
        near.close()
        assert near.fileno() == -1
        acts: list[Callable[[], Awaitable[object]]] = [
            lambda: near.recv(1),
            lambda: near.send(b"x"),
            lambda: near.bind(("127.0.0.1", 0)),
            lambda: near.connect(("127.0.0.1", 1)),
            near.accept,
        ]
        assert [await number_of(act) for act in acts] == [errno.EBADF] * 5
        stream = trio.SocketStream(far)
        await stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"")


@pytest.mark.parametrize("what", ["recv", "accept"])
async def test_a_close_wakes_who_waits(what: str, nursery: trio.Nursery, place: Stage) -> None:
    near, far = await pair()
    listener = await listening()
    waiting = near if what == "recv" else listener
    woken: list[str] = []

    async def wait() -> None:
        with suppress(trio.ClosedResourceError):
            await (near.recv(1) if what == "recv" else listener.accept())
            woken.append("by something else")
        woken.append("closed")

    with near, far, listener:
        async with trio.open_nursery() as waiters:
            waiters.start_soon(wait)
            await wait_all_tasks_blocked()
            waiting.close()
    assert woken == ["closed"]


# What trio builds of it.


async def test_trio_serves_and_dials(nursery: trio.Nursery, place: Stage) -> None:
    async def shout(stream: trio.SocketStream) -> None:
        async with stream:
            async for data in stream:
                await stream.send_all(data.upper())

    (listener,) = await nursery.start(partial(trio.serve_tcp, shout, 0, host="127.0.0.1"))
    async with await open_stream_to_socket_listener(listener) as stream:
        await stream.send_all(b"hello")
        await stream.send_eof()
        assert b"".join([data async for data in stream]) == b"HELLO"
        with pytest.raises(trio.ClosedResourceError):
            await stream.send_all(b"more")
    nursery.cancel_scope.cancel()


async def test_a_mebibyte_arrives_as_it_was_sent(nursery: trio.Nursery, place: Stage) -> None:
    near, far = await pair()
    data = bytes(range(256)) * 4096
    one, other = trio.SocketStream(near), trio.SocketStream(far)

    async def send() -> None:
        async with one:
            await one.send_all(data)

    nursery.start_soon(send)
    async with other:
        assert b"".join([part async for part in other]) == data
