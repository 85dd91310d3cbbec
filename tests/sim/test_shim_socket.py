"""A socket of ``trio.socket`` does on the virtual network what it does on the loopback: connections.

Every test runs on both, without a line that knows which one it is on. Bytes and ends are in
tests/sim/test_shim_contract.py.
"""

import errno
import socket

import pytest
import trio

from tests.sim.sockets import RESET_ON_CLOSE, listening, number_of, pair
from tests.support.stage import Stage

# Names and numbers.


async def test_both_ends_call_each_other_by_the_same_names(place: Stage) -> None:
    with await listening() as listener, trio.socket.socket() as near:
        await near.connect(listener.getsockname())
        far, name = await listener.accept()
        with far:
            assert near.getpeername() == far.getsockname() == listener.getsockname()
            assert near.getsockname() == far.getpeername() == name
            assert name[0] == "127.0.0.1"


async def test_a_socket_knows_what_it_is(place: Stage) -> None:
    near, far = await pair()
    with near, far:
        for sock in (near, far):
            assert (sock.family, sock.type) == (socket.AF_INET, socket.SOCK_STREAM)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 0
            assert isinstance(sock, trio.socket.SocketType)
        assert len({near.fileno(), far.fileno()}) == 2


async def test_a_fresh_socket_is_bound_to_nothing(place: Stage) -> None:
    with trio.socket.socket() as sock:
        assert sock.getsockname() == ("0.0.0.0", 0)


async def test_options_are_kept(place: Stage) -> None:
    with trio.socket.socket() as sock:
        for value in (1, 0):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, value)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == value
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == RESET_ON_CLOSE
        with pytest.raises(TypeError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, None)  # type: ignore[call-overload] # the point


# Listening.


async def test_port_zero_becomes_a_port_when_it_is_bound(place: Stage) -> None:
    with trio.socket.socket() as sock:
        await sock.bind(("127.0.0.1", 0))
        name = sock.getsockname()
        assert name[1] > 0
        sock.listen(1)
        assert sock.getsockname() == name
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


async def test_it_can_listen_without_having_been_bound(place: Stage) -> None:
    with trio.socket.socket() as sock:
        sock.listen()
        assert sock.getsockname()[1] > 0


async def test_what_somebody_listens_on_cannot_be_bound(place: Stage) -> None:
    with await listening() as listener, trio.socket.socket() as other:
        assert await number_of(lambda: other.bind(listener.getsockname())) == errno.EADDRINUSE


async def test_an_address_of_nobody_here_cannot_be_bound(place: Stage) -> None:
    with trio.socket.socket() as sock:
        assert await number_of(lambda: sock.bind(("192.0.2.1", 0))) == errno.EADDRNOTAVAIL


async def test_it_is_bound_only_once(place: Stage) -> None:
    with trio.socket.socket() as sock:
        await sock.bind(("127.0.0.1", 0))
        assert await number_of(lambda: sock.bind(("127.0.0.1", 0))) == errno.EINVAL


async def test_who_does_not_listen_cannot_accept(place: Stage) -> None:
    with trio.socket.socket() as sock:
        assert await number_of(sock.accept) == errno.EINVAL


async def test_listening_twice_changes_nothing(place: Stage) -> None:
    with await listening() as listener, trio.socket.socket() as near:
        listener.listen(4)
        await near.connect(listener.getsockname())
        far, _ = await listener.accept()
        far.close()


async def test_what_nobody_accepted_is_reset_by_the_close(place: Stage) -> None:
    with trio.socket.socket() as near:
        with await listening() as listener:
            await near.connect(listener.getsockname())
        assert await number_of(lambda: near.recv(10)) == errno.ECONNRESET


async def test_an_accept_that_is_cancelled_leaves_the_connection_for_the_next_one(
    place: Stage,
) -> None:
    with await listening() as listener, trio.socket.socket() as near:
        await near.connect(listener.getsockname())
        with trio.CancelScope() as scope:
            scope.cancel()
            await listener.accept()
        assert scope.cancelled_caught
        far, name = await listener.accept()
        with far:
            assert name == near.getsockname()


async def test_trio_refuses_to_make_a_listener_of_a_socket_that_does_not_listen(
    place: Stage,
) -> None:
    with trio.socket.socket() as sock, pytest.raises(ValueError, match="listening socket"):
        trio.SocketListener(sock)


# Connecting.


async def test_a_listener_cannot_connect(place: Stage) -> None:
    with await listening() as one, await listening() as other:
        assert await number_of(lambda: one.connect(other.getsockname())) == errno.EISCONN


async def test_a_connect_that_is_cancelled_closes_the_socket(place: Stage) -> None:
    with await listening() as listener:
        near = trio.socket.socket()
        with trio.CancelScope() as scope:
            scope.cancel()
            await near.connect(listener.getsockname())
        assert (scope.cancelled_caught, near.fileno()) == (True, -1)


@pytest.mark.parametrize("address", ["127.0.0.1", ("127.0.0.1",), ("127.0.0.1", 80, 0, 0)])
async def test_what_is_no_address_is_a_value_error(address: object, place: Stage) -> None:
    with trio.socket.socket() as sock:
        for act in (sock.connect, sock.bind):
            with pytest.raises(ValueError):
                await act(address)


async def test_what_is_not_connected_has_no_peer_and_no_bytes(place: Stage) -> None:
    with trio.socket.socket() as sock:
        assert await number_of(lambda: sock.recv(1)) == errno.ENOTCONN
        assert await number_of(lambda: sock.send(b"x")) == errno.EPIPE
        for act in (sock.getpeername, lambda: sock.shutdown(socket.SHUT_WR)):
            with pytest.raises(OSError) as caught:
                act()
            assert caught.value.errno == errno.ENOTCONN


async def test_open_tcp_stream_tells_who_refused(place: Stage) -> None:
    with await listening() as listener:
        _, port = listener.getsockname()
    with pytest.raises(OSError) as caught:
        await trio.open_tcp_stream("127.0.0.1", port)
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    (cause,) = caught.value.__cause__.exceptions
    assert isinstance(cause, ConnectionRefusedError)
