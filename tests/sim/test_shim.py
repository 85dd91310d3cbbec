"""``trio.socket`` on the virtual network: trio's own programs, hosts, and what is refused.

That a virtual socket does what a real one does is in tests/sim/test_shim_contract.py, what
others build of it in tests/sim/test_shim_programs.py.
"""

import errno
import itertools
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import pytest
import trio

from tests.sim.programs import in_simulation, now, serve
from trio_lb.model.address import Address
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Connects
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.poison import Poisoned
from trio_lb.sim.run import run
from trio_lb.sim.shim import FIRST_DESCRIPTOR, install, on_host
from trio_lb.sim.shim_names import VirtualNames
from trio_lb.sim.shim_socket import VirtualSocket
from trio_lb.sim.stream import VirtualStream

# trio's own.


def test_an_echo_takes_two_round_trips() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        async with await trio.open_tcp_stream("api", 80) as stream:
            assert now() == 0.02
            await stream.send_all(b"hello")
            assert (await stream.receive_some(), now()) == (b"HELLO", 0.04)
            assert stream.socket.getpeername() == (net.host("api").address, 80)
            assert stream.socket.getsockname()[0] == net.host("main").address

    in_simulation(play)


def test_a_half_close_leaves_the_answer_flowing() -> None:
    async def count(stream: trio.SocketStream) -> None:
        async with stream:
            size = sum([len(data) async for data in stream])
            await trio.sleep(1.0)
            await stream.send_all(f"{size} bytes".encode())

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery, count)
        async with await trio.open_tcp_stream("api", 80) as stream:
            await stream.send_all(bytes(300_000))
            await stream.send_eof()
            assert b"".join([data async for data in stream]) == b"300000 bytes"

    in_simulation(play)


def test_nobody_listens_and_nobody_answers() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        net.host("api")
        with pytest.raises(OSError) as caught:
            await trio.open_tcp_stream("api", 80)
        assert isinstance(caught.value.__cause__, ExceptionGroup)
        assert isinstance(caught.value.__cause__.exceptions[0], ConnectionRefusedError)
        assert now() == 0.02
        with pytest.raises(socket.gaierror):
            await trio.open_tcp_stream("nobody", 80)
        net.link("main", "api").connects = Connects.BLACKHOLE
        sock = trio.socket.socket()
        with sock, pytest.raises(TimeoutError):
            await sock.connect(("api", 80))
        assert now() == 127.02

    in_simulation(play)


def test_a_reset_of_the_link_breaks_both_ends_at_once() -> None:
    broken: list[tuple[str, float]] = []

    async def listen_to(who: str, stream: trio.SocketStream) -> None:
        async with stream:
            with pytest.raises(trio.BrokenResourceError) as caught:
                await stream.receive_some()
            assert isinstance(caught.value.__cause__, ConnectionResetError)
            broken.append((who, now()))

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery, partial(listen_to, "server"))
        nursery.start_soon(listen_to, "client", await trio.open_tcp_stream("api", 80))
        await trio.sleep_until(5.0)
        net.link("main", "api").reset()
        await trio.sleep(1.0)

    in_simulation(play)
    assert sorted(broken) == [("client", 5.0), ("server", 5.0)]


def test_a_partition_holds_the_bytes_until_it_is_healed() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        async with await trio.open_tcp_stream("api", 80) as stream:
            net.link("main", "api").stall()
            await stream.send_all(b"late")
            with trio.move_on_after(30.0) as patience:
                await stream.receive_some()
            assert patience.cancelled_caught
            net.link("main", "api").heal()
            assert (await stream.receive_some(), now()) == (b"LATE", 30.03)

    in_simulation(play)


def test_a_second_address_is_tried_a_quarter_of_a_second_later() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        net.host("dead", "10.0.0.99")
        net.link("main", "dead").connects = Connects.BLACKHOLE
        net.set_name("both", ["10.0.0.99", net.host("api").address])
        async with await trio.open_tcp_stream("both", 80) as stream:
            assert (stream.socket.getpeername()[0], now()) == (net.host("api").address, 0.27)

    in_simulation(play)


def test_a_client_can_say_from_which_of_its_addresses_it_dials() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        own = net.host("main").address
        async with await trio.open_tcp_stream("api", 80, local_address=own) as stream:
            assert stream.socket.getsockname()[0] == own
        with pytest.raises(OSError, match="all attempts"):
            await trio.open_tcp_stream("api", 80, local_address="10.9.9.9")
        sock = trio.socket.socket()
        await sock.bind((own, 4711))
        with sock, pytest.raises(OSError, match="to dial from port 4711 is not simulated"):
            await sock.connect(("api", 80))

    in_simulation(play)


# Hosts.


def test_a_task_is_on_the_host_of_who_started_it() -> None:
    peers: list[str] = []

    async def note(stream: trio.SocketStream) -> None:
        async with stream:
            peers.append(stream.socket.getpeername()[0])
            assert await stream.receive_some() == b""

    async def dial() -> None:
        async with await trio.open_tcp_stream("api", 80):
            pass

    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery, note)
        one, two = net.host("one"), net.host("two")
        async with trio.open_nursery() as clients:
            with on_host(one):
                clients.start_soon(dial)
                with on_host(two):
                    await dial()
                await dial()
            await dial()
        await trio.sleep(1.0)
        addresses = [each.address for each in (one, two, one, net.host("main"))]
        assert sorted(peers) == sorted(addresses)

    in_simulation(play)


def test_a_host_of_another_network_is_refused() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        other = VirtualNetwork()
        with on_host(other.host("api")), pytest.raises(ValueError, match="not on the network"):
            trio.socket.socket()

    in_simulation(play)


def test_a_crash_closes_the_sockets_of_a_host_under_its_tasks() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        api = net.host("api")
        with on_host(api):
            (listener,) = await trio.open_tcp_listeners(80)
        client = await trio.open_tcp_stream("api", 80)
        server = await listener.accept()
        api.crash(fin=True)
        with pytest.raises(trio.ClosedResourceError):
            await listener.accept()
        with pytest.raises(trio.ClosedResourceError):
            await server.receive_some()
        assert await client.receive_some() == b""
        api.crash()
        with on_host(api), pytest.raises(OSError) as caught:
            await trio.open_tcp_listeners(80)
        assert caught.value.errno == errno.ENETDOWN
        for each in (client, server, listener):
            await each.aclose()

    in_simulation(play)


def test_what_a_host_lacks_is_told_by_its_number() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        main = net.host("main")

        async def number(target: str) -> int | None:
            with trio.socket.socket() as sock, pytest.raises(OSError) as caught:
                await sock.connect((target, 80))
            return caught.value.errno

        net.host("api")
        assert await number("10.7.7.7") == errno.EHOSTUNREACH
        main.client_ports.allowed = range(0)
        assert await number("api") == errno.EADDRNOTAVAIL
        main.crash()
        assert await number("api") == errno.ENETDOWN
        main.restart()
        sock = trio.socket.socket()
        main.descriptors.limit = 0
        with sock, pytest.raises(OSError) as caught:
            await sock.connect(("api", 80))
        assert caught.value.errno == errno.EMFILE
        with pytest.raises(OSError) as caught:
            trio.socket.socket()
        assert caught.value.errno == errno.EMFILE
        main.descriptors.limit, main.out_of_descriptors = None, True
        with pytest.raises(OSError) as caught:
            trio.socket.socket()
        assert caught.value.errno == errno.EMFILE

    in_simulation(play)


def test_a_queue_of_connections_is_as_long_as_linux_lets_it_be() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        with on_host(net.host("api")):
            (listener,) = await trio.open_tcp_listeners(80)
        (queue,) = net.open_listeners()
        client = await net.host("main").connect(Address(net.host("api").address, 80))
        async with listener, client:
            path = net.link("main", "api").path_from("main")
            for _ in range(4096):  # And the client's own place: one more than the backlog.
                assert not queue.is_full()
                queue.admit(client, path)
            assert queue.is_full()

    in_simulation(play)


# Sockets that are not.


def test_only_tcp_is_simulated() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        for family, kind, number in (
            (socket.AF_INET, socket.SOCK_DGRAM, errno.EPROTONOSUPPORT),
            (socket.AF_UNIX, socket.SOCK_STREAM, errno.EAFNOSUPPORT),
        ):
            with pytest.raises(OSError) as caught:
                trio.socket.socket(family, kind)
            assert caught.value.errno == number
        flagged = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with trio.socket.socket(socket.AF_INET, flagged, socket.IPPROTO_TCP) as sock:
            assert sock.type == socket.SOCK_STREAM

    in_simulation(play)


def test_descriptors_are_numbers_that_no_kernel_knows() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        with ExitStack() as sockets:
            made = [sockets.enter_context(trio.socket.socket()) for _ in range(8)]
            assert [each.fileno() for each in made] == [FIRST_DESCRIPTOR + n for n in range(8)]
            assert list({*reversed(made)}) == made, "a set of sockets has an order"

    in_simulation(play)


def test_one_connection_is_made_once_and_a_refused_one_can_be_tried_again() -> None:
    # On the loopback the kernel's answer depends on whether the handshake was over at once.
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        net.host("api")
        with trio.socket.socket() as sock:
            with pytest.raises(ConnectionRefusedError):
                await sock.connect(("api", 80))
            await serve(net, nursery)
            await sock.connect(("api", 80))
            with pytest.raises(OSError) as caught:
                await sock.connect(("api", 80))
            assert caught.value.errno == errno.EISCONN

    in_simulation(play)


def test_a_second_connect_meets_the_first_and_a_close_ends_it() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        net.host("api")
        sock = trio.socket.socket()

        async def dial() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await sock.connect(("api", 80))

        async with trio.open_nursery() as dialling:
            dialling.start_soon(dial)
            await trio.sleep(0.001)
            with pytest.raises(OSError) as caught:
                await sock.connect(("api", 80))
            assert caught.value.errno == errno.EALREADY
            sock.close()
        assert now() == 0.001

    in_simulation(play)


class HastyHost(HostNetwork):
    """Something else happens between a dial's success and its news."""

    meanwhile: Callable[[], None]

    async def connect(self, address: Address) -> VirtualStream:
        stream = await super().connect(address)
        self.meanwhile()
        return stream


def test_a_close_in_the_instant_of_the_answer_leaves_nothing_open() -> None:
    async def play(net: VirtualNetwork, nursery: trio.Nursery) -> None:
        await serve(net, nursery)
        host = HastyHost(net, "hasty", "10.0.0.77")
        names = VirtualNames(net, lambda: host)
        sock = VirtualSocket(host, names, itertools.count(), socket.AF_INET)
        host.meanwhile = sock.close
        with pytest.raises(trio.ClosedResourceError):
            await sock.connect(("api", 80))
        assert net.streams_of("hasty") == []

    in_simulation(play)


def test_without_it_the_real_network_is_poison() -> None:
    async def main() -> None:
        with install(VirtualNetwork()):
            pass
        await trio.open_tcp_stream("127.0.0.1", 80)

    with pytest.raises(Poisoned):
        run(main)


async def test_what_was_installed_before_comes_back(net: VirtualNetwork) -> None:
    inner = VirtualNetwork()
    inner.host("only inside")
    look_up = socket.getaddrinfo
    with install(net):
        with install(inner):
            await trio.socket.getaddrinfo("only inside", 80)
        with pytest.raises(socket.gaierror):
            await trio.socket.getaddrinfo("only inside", 80)
        with trio.socket.socket() as sock:
            await sock.bind((net.host("main").address, 80))
    assert socket.getaddrinfo is look_up
    with trio.socket.socket() as sock:
        assert sock.fileno() < FIRST_DESCRIPTOR
