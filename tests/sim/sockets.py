"""Sockets of ``trio.socket`` to begin with, on whichever network they lead to."""

import socket
import struct
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.support.stage import Stage

Socket = trio.socket.SocketType

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def listening() -> Socket:
    sock = trio.socket.socket()
    await sock.bind(("127.0.0.1", 0))
    sock.listen(16)
    return sock


async def pair() -> tuple[Socket, Socket]:
    """The client's and the server's end; the caller closes both."""
    near = trio.socket.socket()
    with await listening() as listener:
        await near.connect(listener.getsockname())
        far, _ = await listener.accept()
    return near, far


async def number_of(act: Callable[[], Awaitable[object]]) -> int | None:
    """The number of the OSError that an act ends in."""
    with pytest.raises(OSError) as caught:
        await act()
    return caught.value.errno


def reset(sock: Socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    sock.close()


async def send_until_it_fails(place: Stage, sock: Socket) -> int | None:
    async def send() -> None:
        while True:
            await sock.send(b"x")
            await place.pause()

    return await number_of(send)


async def fill(place: Stage, sock: Socket) -> None:
    """Send until nothing more goes: twenty looks in a row see no progress."""
    sent, seen, idle_looks = 0, -1, 0

    async def send() -> None:
        nonlocal sent
        while True:
            sent += await sock.send(bytes(65536))

    async with trio.open_nursery() as sending:
        sending.start_soon(send)
        while idle_looks < 20:
            await place.pause()
            idle_looks = idle_looks + 1 if sent == seen else 0
            seen = sent
        sending.cancel_scope.cancel()
