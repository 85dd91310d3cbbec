"""What virtual sockets refuse, they refuse by name and with the reason."""

import errno
import inspect
import socket
from typing import Any

import pytest
import trio

from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.shim import install

DATAGRAMS = ("recvfrom", "recvfrom_into", "recvmsg", "recvmsg_into", "sendto", "sendmsg")


@pytest.mark.parametrize("name", ["detach", "dup", *DATAGRAMS])
async def test_a_refusal_says_what_and_why(net: VirtualNetwork, name: str) -> None:
    async def use(sock: Any) -> None:
        used = getattr(sock, name)()
        if inspect.isawaitable(used):
            await used

    with install(net), trio.socket.socket() as sock:
        with pytest.raises(OSError, match=rf"{name}\(\) is not simulated: ") as caught:
            await use(sock)
        assert caught.value.errno == errno.EOPNOTSUPP


async def test_flags_are_refused_but_for_the_one_that_means_nothing(net: VirtualNetwork) -> None:
    with install(net), trio.socket.socket() as listener, trio.socket.socket() as near:
        listener.listen()
        await near.connect(listener.getsockname())
        await near.send(b"x", socket.MSG_NOSIGNAL)
        far, _ = await listener.accept()
        with far, pytest.raises(OSError, match=r"recv\(\) with flags 2 is not simulated"):
            await far.recv(1, socket.MSG_PEEK)


async def test_a_socketpair_is_refused_as_it_would_be_real(net: VirtualNetwork) -> None:
    with install(net), pytest.raises(OSError, match="memory_stream_pair"):
        trio.socket.socketpair()
    for each in trio.socket.socketpair():
        each.close()


async def test_no_other_process_inherits_a_virtual_socket(net: VirtualNetwork) -> None:
    with install(net), trio.socket.socket() as sock:
        sock.set_inheritable(True)
        assert not sock.get_inheritable()
