"""What only the real network has: unix sockets, names, descriptors that run out."""

import errno
import os
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.stage import fill
from trio_lb.model.address import Address
from trio_lb.net.env import AcceptError, ConnectError, OutOfDescriptors
from trio_lb.net.real_lookup import ask_system
from trio_lb.net.real_network import RealListener, RealNetwork, RealStream, _dial
from trio_lb.net.resolver import OnAnswer, Resolver

pytestmark = pytest.mark.real

ANYWHERE = Address("127.0.0.1", 0)
NETWORK = RealNetwork()


async def test_a_unix_socket_is_a_path_that_goes_with_its_listener(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    listener = await NETWORK.listen(Address(f"unix:{path}", 0))
    assert path.is_socket()
    assert listener.address == Address(f"unix:{path}", 0)
    async with await NETWORK.connect(listener.address) as near:
        (far,) = await listener.accept_batch(1)
        near.send_nowait(b"hello")
        assert await far.receive_some(10) == b"hello"
        assert near.peer.is_unix
        far.close()
    await listener.aclose()
    await listener.aclose()
    assert not path.exists()
    with pytest.raises(ConnectError) as caught:
        await NETWORK.connect(listener.address)
    assert caught.value.refused


async def test_a_name_is_resolved_and_dialled() -> None:
    listener = await NETWORK.listen(Address("localhost", 0))
    async with await NETWORK.connect(Address("localhost", listener.address.port)) as near:
        assert near.peer.port == listener.address.port
        (far,) = await listener.accept_batch(1)
        far.close()
    await listener.aclose()
    assert "127.0.0.1" in await NETWORK.resolve("127.0.0.1")


async def test_a_refused_name_says_that_it_was_refused() -> None:
    listener = await NETWORK.listen(Address("localhost", 0))
    await listener.aclose()
    with pytest.raises(ConnectError) as caught:
        await NETWORK.connect(Address("localhost", listener.address.port))
    assert caught.value.refused


async def test_one_lookup_serves_a_crowd_of_connects() -> None:
    asked: list[str] = []

    def ask(name: str, on_answer: OnAnswer) -> None:
        asked.append(name)
        ask_system(name, on_answer)

    network = RealNetwork()
    network._names = Resolver(ask)
    listener = await network.listen(ANYWHERE)
    near: list[RealStream] = []

    async def connect() -> None:
        near.append(await network.connect(Address("localhost", listener.address.port)))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(connect)
    await connect()
    assert asked == ["localhost"]
    assert len(near) == 21
    for stream in (*near, *await listener.accept_batch(64)):
        stream.close()
    await listener.aclose()


async def test_an_address_that_refuses_is_passed_over_for_the_next() -> None:
    network = RealNetwork()
    network._names = Resolver(lambda name, on_answer: on_answer(("127.0.0.2", "127.0.0.1")))
    listener = await network.listen(ANYWHERE)
    async with await network.connect(Address("two.example", listener.address.port)) as near:
        (far,) = await listener.accept_batch(1)
        assert (far.local, far.peer) == (listener.address, near.local)
        far.close()
    await listener.aclose()
    with pytest.raises(ConnectError, match=r"two\.example.*127\.0\.0\.2.*127\.0\.0\.1") as caught:
        await network.connect(Address("two.example", listener.address.port))
    assert caught.value.refused


async def test_a_literal_is_its_own_address_and_asks_nobody() -> None:
    network = RealNetwork()
    assert list(await network.resolve("::1")) == ["::1"]
    assert network._names.names_known == 0


async def test_an_unknown_name_is_no_refusal() -> None:
    with pytest.raises(ConnectError) as caught:
        await NETWORK.connect(Address("no-such-host.invalid", 80))
    assert not caught.value.refused


# Each of these passes for an address in a configuration, and none has a number of its own.
NOWHERE = [
    Address("a..example", 80),
    Address("a" * 64 + ".example", 80),
    Address("fe80::1%no-such-zone", 80),
    Address("unix:/" + "a" * 200, 0),
]


@pytest.mark.parametrize("address", NOWHERE, ids=str)
async def test_what_can_not_be_dialled_is_an_error_of_connecting_and_no_other(
    address: Address,
) -> None:
    with pytest.raises(ConnectError, match=re.escape(str(address))) as caught:
        await NETWORK.connect(address)
    assert not caught.value.refused


@pytest.mark.parametrize("address", NOWHERE, ids=str)
async def test_what_can_not_be_bound_is_an_oserror(address: Address) -> None:
    with pytest.raises(OSError, match=r"label|known|too long"):
        await NETWORK.listen(address)


async def test_an_ipv6_literal_is_listened_on_and_dialled() -> None:
    try:
        listener = await NETWORK.listen(Address("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    assert str(listener.address) == f"[::1]:{listener.address.port}"
    async with await NETWORK.connect(listener.address) as near:
        (far,) = await listener.accept_batch(1)
        assert (near.peer, far.local) == (listener.address, listener.address)
        assert far.peer == near.local
        far.close()
    await listener.aclose()


async def test_all_of_ipv6_leaves_ipv4_to_a_listener_of_its_own() -> None:
    try:
        listener = await NETWORK.listen(Address("::", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert listener._sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
    await listener.aclose()


async def test_a_unix_socket_whose_backlog_is_full_refuses(tmp_path: Path) -> None:
    listener = await NETWORK.listen(Address(f"unix:{tmp_path}/app.sock", 0), backlog=0)
    async with await NETWORK.connect(listener.address):
        with pytest.raises(ConnectError, match="temporarily unavailable") as caught:
            await NETWORK.connect(listener.address)
        assert caught.value.refused
    await listener.aclose()


async def test_a_connection_that_met_itself_is_refused() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        with pytest.raises(ConnectError, match="refused") as caught:
            await _dial(sock, Address("127.0.0.1", sock.getsockname()[1]))
    assert caught.value.refused


async def test_a_taken_address_is_an_error_and_nothing_is_left_open() -> None:
    listener = await NETWORK.listen(ANYWHERE)
    with pytest.raises(OSError, match="in use"):
        await NETWORK.listen(listener.address)
    await listener.aclose()


async def test_both_ends_send_without_delay() -> None:
    listener = await NETWORK.listen(ANYWHERE)
    async with await NETWORK.connect(listener.address) as near:
        (far,) = await listener.accept_batch(1)
        for stream in (near, far):
            assert stream._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        far.close()
    await listener.aclose()


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="not on this system")
async def test_a_client_that_reads_nothing_holds_little_of_the_kernel_s_memory() -> None:
    """Its own window lets some out; behind that the kernel would take megabytes more."""
    listener = await NETWORK.listen(ANYWHERE)
    async with await NETWORK.connect(listener.address):
        (far,) = await listener.accept_batch(1)
        assert 256 * 1024 <= fill(far) <= 1024 * 1024
        far.abort()
    await listener.aclose()


async def test_a_batch_takes_all_that_wait_up_to_its_limit() -> None:
    listener = await NETWORK.listen(ANYWHERE)
    near = [await NETWORK.connect(listener.address) for _ in range(5)]
    sizes = []
    for limit in (3, 3):
        batch = await listener.accept_batch(limit)
        sizes.append(len(batch))
        for stream in (*batch, *near):
            stream.close()
    assert sizes == [3, 2]
    await listener.aclose()


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Lower the limit of this process to what is open now."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_without_descriptors_a_connection_waits_and_is_accepted_later() -> None:
    listener = await NETWORK.listen(ANYWHERE)
    async with await NETWORK.connect(listener.address):
        with no_more_descriptors(), pytest.raises(OutOfDescriptors):
            await listener.accept_batch(8)
        (far,) = await listener.accept_batch(8)
        far.close()
    await listener.aclose()


async def test_without_descriptors_a_connect_fails_and_is_no_refusal() -> None:
    with no_more_descriptors(), pytest.raises(ConnectError, match="Too many open files") as caught:
        await NETWORK.connect(Address("127.0.0.1", 9))
    assert not caught.value.refused
    assert caught.value.ours


async def test_a_refused_connect_is_not_our_own_want() -> None:
    with pytest.raises(ConnectError) as caught:
        await NETWORK.connect(Address("127.0.0.1", 9))
    assert (caught.value.refused, caught.value.ours) == (True, False)


async def test_a_name_that_nobody_can_look_up_without_descriptors_is_not_called_unknown() -> None:
    with no_more_descriptors(), pytest.raises(ConnectError, match="Too many open files") as caught:
        await RealNetwork().connect(Address("no-such-name.invalid", 80))
    assert caught.value.ours


class FailingSocket(socket.socket):
    """A listening socket whose next accepts fail as they are told."""

    failures: list[int]

    def accept(self) -> tuple[socket.socket, Any]:
        """Fail, while failures are left."""
        if self.failures:
            raise OSError(self.failures.pop(0), "as the test says")
        return super().accept()


def failing_listener(*failures: int) -> RealListener:
    sock = FailingSocket()
    sock.failures = list(failures)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return RealListener(sock)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_what_passes_by_waiting_is_no_end_of_the_listener(code: int) -> None:
    listener = failing_listener(code)
    async with await NETWORK.connect(listener.address):
        with pytest.raises(OutOfDescriptors):
            await listener.accept_batch(8)
        (far,) = await listener.accept_batch(8)
        far.close()
    await listener.aclose()


# accept(2): "for TCP/IP these are ENETDOWN, ... treat like EAGAIN by retrying", and more.
OF_ONE_CONNECTION = [
    "ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENONET",
    "ENOPROTOOPT", "ENOSR", "EOPNOTSUPP", "EPERM", "EPROTO", "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT", "ETIMEDOUT",
]  # fmt: skip


async def test_connections_that_died_in_the_queue_are_passed_over() -> None:
    listener = failing_listener(*(getattr(errno, name) for name in OF_ONE_CONNECTION))
    async with await NETWORK.connect(listener.address):
        (far,) = await listener.accept_batch(1)
        far.close()
    await listener.aclose()


async def test_an_error_that_never_ends_is_no_row_of_dead_connections() -> None:
    listener = failing_listener(*[errno.EPERM] * 5000)
    async with await NETWORK.connect(listener.address):
        with pytest.raises(AcceptError, match="as the test says"):
            await listener.accept_batch(8)
    await listener.aclose()


async def test_any_other_error_has_a_name_and_the_next_accept_goes_on() -> None:
    listener = failing_listener(errno.EINVAL)
    async with await NETWORK.connect(listener.address):
        with pytest.raises(AcceptError, match="as the test says") as caught:
            await listener.accept_batch(8)
        assert caught.value.errno == errno.EINVAL
        assert not isinstance(caught.value, OutOfDescriptors)
        (far,) = await listener.accept_batch(8)
        far.close()
    await listener.aclose()


async def test_a_closed_listener_says_so() -> None:
    listener = await NETWORK.listen(ANYWHERE)
    await listener.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept_batch(1)
