"""Options of virtual sockets are kept as Linux keeps them."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.shim_options import Options

LINGER = (socket.SOL_SOCKET, socket.SO_LINGER)
NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)


@given(value=st.integers(-(2**31), 2**31 - 1))
def test_a_number_is_read_back_as_a_number_and_as_its_bytes(value: int) -> None:
    options = Options()
    options.set(NODELAY, value)
    assert options.get(NODELAY) == value
    assert options.get_bytes(NODELAY, 16) == struct.pack("i", value)


@given(value=st.binary(min_size=1, max_size=32), size=st.integers(0, 40))
def test_bytes_are_read_back_as_far_as_is_asked(value: bytes, size: int) -> None:
    options = Options()
    options.set(LINGER, bytearray(value))
    assert options.get_bytes(LINGER, size) == value[:size]


def test_what_nobody_set_is_zero_but_for_the_buffers_and_the_type() -> None:
    options = Options()
    assert options.get(NODELAY) == 0
    assert options.get((socket.SOL_SOCKET, socket.SO_SNDBUF)) == 65536
    assert options.get((socket.SOL_SOCKET, socket.SO_RCVBUF)) == 65536
    assert options.get((socket.SOL_SOCKET, socket.SO_TYPE)) == socket.SOCK_STREAM


def test_none_and_a_size_are_that_many_zeros() -> None:
    options = Options()
    options.set(LINGER, None, 8)
    assert options.get_bytes(LINGER, 100) == bytes(8)


@pytest.mark.parametrize(("value", "size"), [(None, None), (1, 4), (b"x", 1)])
def test_a_value_and_a_size_exclude_each_other(value: int | bytes | None, size: int | None) -> None:
    with pytest.raises(TypeError, match="give a value, or None and its size"):
        Options().set(NODELAY, value, size)


@pytest.mark.parametrize(
    ("value", "resets"),
    [
        (struct.pack("ii", 1, 0), True),
        (struct.pack("ii", 1, 5), False),
        (struct.pack("ii", 0, 0), False),
        (b"", False),
    ],
)
def test_to_linger_for_no_time_is_to_reset(value: bytes, resets: bool) -> None:
    options = Options()
    assert not options.resets_on_close
    options.set(LINGER, value)
    assert options.resets_on_close is resets
