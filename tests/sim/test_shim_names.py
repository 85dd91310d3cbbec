"""Names and addresses, as ``trio.socket`` asks for them on the virtual network."""

import socket
from collections.abc import AsyncGenerator

import pytest
import trio
from trio.testing import assert_checkpoints

from trio_lb.model.address import Address
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.shim import install, on_host
from trio_lb.sim.shim_names import address_of, sockaddr_of

STREAM = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")


@pytest.fixture
async def net(net: VirtualNetwork) -> AsyncGenerator[VirtualNetwork, None]:
    """Two hosts, ``api`` on IPv4 and ``six`` on IPv6, to which ``trio.socket`` leads."""
    net.host("api", "10.0.0.2")
    net.host("six", "fd00::6")
    with install(net):
        yield net


async def answers(host: str | None, port: str | int, **options: int) -> list[object]:
    return [entry[4] for entry in await trio.socket.getaddrinfo(host, port, **options)]


async def test_a_name_is_told_as_getaddrinfo_tells_it(net: VirtualNetwork) -> None:
    assert await trio.socket.getaddrinfo("api", 80) == [(socket.AF_INET, *STREAM, ("10.0.0.2", 80))]
    assert await trio.socket.getaddrinfo("six", "443") == [
        (socket.AF_INET6, *STREAM, ("fd00::6", 443, 0, 0))
    ]


async def test_addresses_come_in_the_order_of_their_name(net: VirtualNetwork) -> None:
    net.set_name("both", ["10.0.0.2", "fd00::6", "10.0.0.9"])
    everything = [("10.0.0.2", 1), ("fd00::6", 1, 0, 0), ("10.0.0.9", 1)]
    assert await answers("both", 1) == everything
    assert await answers("both", 1, family=socket.AF_INET6) == everything[1:2]
    assert await answers("both", 1, family=socket.AF_INET) == everything[::2]


async def test_a_literal_answers_for_itself(net: VirtualNetwork) -> None:
    assert await answers("192.0.2.7", 80) == [("192.0.2.7", 80)]
    assert await answers("::1", 80) == [("::1", 80, 0, 0)]
    assert await answers("localhost", 80) == [("127.0.0.1", 80)]


async def test_no_name_is_any_address_to_a_listener_and_the_loopback_to_a_client(
    net: VirtualNetwork,
) -> None:
    assert await answers(None, 80, flags=socket.AI_PASSIVE) == [("0.0.0.0", 80)]
    assert await answers(None, 80) == [("127.0.0.1", 80)]
    six = await answers(None, "http", family=socket.AF_INET6, flags=socket.AI_PASSIVE)
    assert six == [("::", 80, 0, 0)]


async def test_an_ipv4_address_can_be_had_for_an_ipv6_socket(net: VirtualNetwork) -> None:
    mapped = await answers("api", 80, family=socket.AF_INET6, flags=socket.AI_V4MAPPED)
    assert mapped == [("::ffff:10.0.0.2", 80, 0, 0)]


@pytest.mark.parametrize(
    ("host", "port", "options", "number"),
    [
        ("nobody", 80, {}, socket.EAI_NONAME),
        ("api", 80, {"family": socket.AF_INET6}, socket.EAI_NONAME),
        ("api", "gopher", {}, socket.EAI_SERVICE),
        ("api", 80, {"family": socket.AF_UNIX}, socket.EAI_FAMILY),
        ("api", 80, {"type": socket.SOCK_DGRAM}, socket.EAI_SOCKTYPE),
    ],
)
async def test_what_has_no_answer_is_a_gaierror(
    net: VirtualNetwork, host: str, port: str | int, options: dict[str, int], number: int
) -> None:
    with pytest.raises(socket.gaierror) as caught:
        await trio.socket.getaddrinfo(host, port, **options)
    assert caught.value.errno == number
    assert host in str(caught.value) or str(port) in str(caught.value) or options


async def test_asking_for_a_name_is_a_checkpoint_and_for_a_number_no_look_up(
    net: VirtualNetwork,
) -> None:
    with assert_checkpoints():
        await trio.socket.getaddrinfo("api", 80)
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo("api", 80, flags=socket.AI_NUMERICHOST)
    assert caught.value.errno == socket.EAI_NONAME
    with pytest.raises(socket.gaierror):
        await trio.socket.getaddrinfo("10.0.0.2", 80, family=socket.AF_INET6)


async def test_a_resolver_can_be_slow_and_can_fail(net: VirtualNetwork) -> None:
    entry = net.names.entry("api")
    entry.delay_seconds = 2.0
    assert await answers("api", 80) == [("10.0.0.2", 80)]
    assert trio.current_time() == 2.0
    entry.is_failing = True
    with pytest.raises(socket.gaierror) as caught:
        await trio.open_tcp_stream("api", 80)
    assert (caught.value.errno, trio.current_time()) == (socket.EAI_AGAIN, 4.0)


async def test_who_asks_without_trio_is_answered_alike(net: VirtualNetwork) -> None:
    assert socket.getaddrinfo("api", "http", 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME) == [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "api", ("10.0.0.2", 80))
    ]


async def test_an_address_has_a_name(net: VirtualNetwork) -> None:
    assert await trio.socket.getnameinfo(("10.0.0.2", 80), 0) == ("api", "80")
    numeric = await trio.socket.getnameinfo(("10.0.0.2", 80), socket.NI_NUMERICHOST)
    assert numeric == ("10.0.0.2", "80")
    assert await trio.socket.getnameinfo(("10.0.0.99", 80), 0) == ("10.0.0.99", "80")
    with on_host(net.host("six")):
        assert await trio.socket.getnameinfo(("127.0.0.1", 1), 0) == ("six", "1")
    with pytest.raises(socket.gaierror):
        await trio.socket.getnameinfo(("10.0.0.99", 80), socket.NI_NAMEREQD)


async def test_a_socket_resolves_what_it_is_given(net: VirtualNetwork) -> None:
    with on_host(net.host("api")):
        listener = trio.socket.socket()
        await listener.bind(("", 80))
        listener.listen()
    with listener, trio.socket.socket() as near, trio.socket.socket(socket.AF_INET6) as six:
        await near.connect(("api", 80))
        assert near.getpeername() == ("10.0.0.2", 80)
        await six.connect(("api", 80))
        assert six.getpeername() == ("::ffff:10.0.0.2", 80, 0, 0)
        with pytest.raises(socket.gaierror):
            await near.bind(("nobody", 0))


def test_an_address_survives_the_way_through_a_socket() -> None:
    four, six = Address("10.0.0.1", 80), Address("fd00::1", 80)
    for address in (four, six):
        assert address_of(sockaddr_of(address, socket.AF_INET6)) == address
    assert address_of(sockaddr_of(four, socket.AF_INET)) == four
