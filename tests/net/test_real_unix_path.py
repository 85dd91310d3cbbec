"""Paths of unix sockets: who is dead is replaced, who lives is not."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from trio_lb.model.address import Address
from trio_lb.net.real_network import RealNetwork
from trio_lb.net.real_unix_path import bind_path, release_path

pytestmark = pytest.mark.real


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        yield made


def listening(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    made.listen(0)
    return made


def test_what_a_killed_process_left_is_taken_over(tmp_path: Path, sock: socket.socket) -> None:
    path = tmp_path / "lb.sock"
    listening(path).close()
    assert path.is_socket()
    bind_path(sock, str(path))
    sock.listen()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(str(path))


def test_who_serves_is_left_alone_also_when_its_backlog_is_full(
    tmp_path: Path, sock: socket.socket
) -> None:
    path = tmp_path / "lb.sock"
    with listening(path):
        for _ in range(3):  # The first look leaves no room in the backlog for the next ones.
            with pytest.raises(OSError, match="in use") as caught:
                bind_path(sock, str(path))
            assert caught.value.errno == errno.EADDRINUSE
            assert path.is_socket()


@pytest.mark.parametrize("kind", ["a file", "a link to nowhere"])
def test_what_is_no_socket_is_left_alone(tmp_path: Path, sock: socket.socket, kind: str) -> None:
    path = tmp_path / "lb.sock"
    if kind == "a file":
        path.write_text("precious")
    else:
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="in use"):
        bind_path(sock, str(path))
    assert path.is_symlink() or path.read_text() == "precious"


def test_a_path_that_is_gone_is_released_already(tmp_path: Path) -> None:
    release_path(str(tmp_path / "lb.sock"))


async def test_a_listener_begins_where_another_was_killed_and_ends_where_its_file_was_removed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lb.sock"
    listening(path).close()
    listener = await RealNetwork().listen(Address(f"unix:{path}", 0))
    async with await RealNetwork().connect(listener.address):
        (far,) = await listener.accept_batch(1)
        far.close()
    path.unlink()
    await listener.aclose()
