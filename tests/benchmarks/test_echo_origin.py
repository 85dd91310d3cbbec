"""The origin of tunnels: a handshake as the RFC has it, and frames that come back."""

import socket
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.check import ask, wait_until_ready
from benchmarks.echo_origin import accept_of, bare, masked
from benchmarks.machine import free_port
from benchmarks.origin import SMALL_BODY, SMALL_PATH
from benchmarks.program import open_program
from benchmarks.rows.base import Bench


def test_the_example_of_the_rfc() -> None:
    assert accept_of(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@given(st.binary(max_size=125), st.binary(min_size=4, max_size=4))
def test_a_mask_is_undone_by_the_same_mask(payload: bytes, mask: bytes) -> None:
    frame = masked(payload, mask)
    assert frame[:2] == bytes((0x81, 0x80 | len(payload)))
    assert bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame[6:])) == payload
    assert bare(payload) == bytes((0x81, len(payload))) + payload


@pytest.mark.real
def test_it_answers_shakes_hands_and_echoes(bench: Bench) -> None:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.echo_origin", str(port)]
    with open_program("echo", command, core=bench.cores.load, folder=bench.folder) as program:
        wait_until_ready(program, port)
        assert ask(port, "GET", SMALL_PATH) == (200, SMALL_BODY)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n")
            head = client.recv(4096)
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"Sec-WebSocket-Accept: " + accept_of(b"a") in head
            client.sendall(masked(b"hello"))
            assert client.recv(4096) == bare(b"hello")
