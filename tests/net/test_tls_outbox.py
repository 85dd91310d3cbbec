"""No record is left behind: what is reported as sent has left, whatever the transport takes."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.net.tls_pairs import CLIENT, SERVER, shaken_engines
from tests.support.clock import run_in_virtual_time
from trio_lb.net.memory import MemoryStream, memory_stream_pair
from trio_lb.net.tls_engine import TlsEngine
from trio_lb.net.tls_outbox import TlsOutbox


class Wire:
    """An outbox over a transport of that capacity, and an engine at the other end."""

    def __init__(self, capacity: int) -> None:
        self.engine, self.reader = shaken_engines()
        self.near, self.far = memory_stream_pair(CLIENT, SERVER, capacity=capacity)
        self.outbox = TlsOutbox(self.near, self.engine)

    def read(self) -> bytes:
        """What can be decrypted of what the transport holds."""
        read = b""
        while ciphertext := self.far.receive_nowait(1 << 20):
            self.reader.feed(ciphertext)
            read += self.reader.take(1 << 20) or b""
        return read


def test_what_fits_is_taken_whole() -> None:
    wire = Wire(capacity=1000)
    assert wire.outbox.send_nowait(b"x" * 500) == 500
    assert (wire.outbox.unsent, wire.outbox.is_cut_short) == (b"", False)
    assert wire.read() == b"x" * 500


def test_the_last_byte_of_what_left_in_part_is_reported_only_when_all_has_left() -> None:
    wire = Wire(capacity=100)
    assert wire.outbox.send_nowait(b"x" * 199 + b"!") == 199
    assert wire.outbox.is_cut_short
    assert wire.outbox.send_nowait(b"!") == 0, "the transport is full"
    assert wire.read() == b""
    assert wire.outbox.send_nowait(b"!") == 0, "half of it is still here"
    assert wire.read() == b""
    assert wire.outbox.send_nowait(b"!") == 1
    assert wire.read() == b"x" * 199 + b"!", "and not twice"


def test_a_single_byte_that_does_not_fit_is_not_taken_and_goes_once() -> None:
    wire = Wire(capacity=10)
    assert wire.outbox.send_nowait(b"x") == 0
    while not wire.outbox.send_nowait(b"x"):
        assert wire.read() == b""
    assert wire.read() == b"x"


def test_a_send_that_was_given_up_does_not_eat_the_first_byte_of_the_next() -> None:
    wire = Wire(capacity=10)
    assert wire.outbox.send_nowait(b"\n") == 0
    wire.read()
    wire.read()
    while not (sent := wire.outbox.send_nowait(b"HTTP")):
        wire.read()
    received = wire.read()
    while sent < 4:
        received += wire.read()
        sent += wire.outbox.send_nowait(b"HTTP"[sent:])
    while wire.outbox.is_cut_short:
        received += wire.read()
    assert received + wire.read() == b"\nHTTP"


def test_a_full_transport_leaves_one_record_with_us_and_takes_the_rest_of_none() -> None:
    wire = Wire(capacity=1000)
    sent = wire.outbox.send_nowait(bytes(1 << 20))
    assert sent == 16 * 1024
    assert len(wire.outbox.unsent) < 17 * 1024
    assert wire.outbox.send_nowait(b"more") == 0


def test_a_transport_that_takes_everything_is_offered_ever_larger_pieces() -> None:
    wire = Wire(capacity=1 << 21)
    assert wire.outbox.send_nowait(bytes(1 << 20)) == 1 << 20
    pieces = [len(piece) >> 10 for piece in wire.near._outgoing._pieces]
    assert pieces[:4] == [16, 32, 64, 64]


def test_nothing_is_taken_of_nothing() -> None:
    wire = Wire(capacity=10)
    assert wire.outbox.send_nowait(b"xx") == 1
    assert wire.outbox.send_nowait(b"") == 0
    assert wire.outbox._owed == b"x", "an empty send settles nothing"


async def test_a_flush_waits_until_all_has_left(nursery: trio.Nursery) -> None:
    wire = Wire(capacity=100)
    wire.outbox.send_nowait(b"x" * 200)
    nursery.start_soon(wire.outbox.flush)
    await wait_all_tasks_blocked()
    assert wire.outbox.is_cut_short
    assert wire.outbox.send_nowait(b"x") == 0, "a task is waiting to send"
    with pytest.raises(trio.BusyResourceError):
        await wire.outbox.flush()
    received = wire.read()
    while wire.outbox.unsent:
        await wait_all_tasks_blocked()
        received += wire.read()
    assert received == b"x" * 200


async def test_a_cancelled_flush_keeps_what_has_not_left() -> None:
    wire = Wire(capacity=100)
    wire.outbox.send_nowait(b"x" * 200)
    with trio.CancelScope() as scope:
        scope.cancel()
        await wire.outbox.flush()
    assert scope.cancelled_caught
    received = b""
    while wire.outbox.is_cut_short:
        received += wire.read()
    assert received + wire.read() == b"x" * 200


def test_an_answer_never_waits_and_leaves_with_the_next_send() -> None:
    wire = Wire(capacity=20)
    wire.engine.session.write(b"an answer")  # As if receiving had brought it about.
    wire.outbox.answer()
    assert wire.outbox.unsent
    assert wire.outbox.send_nowait(b"data") == 0
    received = b""
    while not wire.outbox.send_nowait(b"data"):
        received += wire.read()
    while wire.outbox.is_cut_short:
        received += wire.read()
    assert received + wire.read() == b"an answerdata"


def test_a_peer_that_reads_no_answers_is_cut_off() -> None:
    wire = Wire(capacity=1000)

    def ask_for_ever() -> None:
        for _ in range(1000):
            wire.engine.session.write(bytes(1000))
            wire.outbox.answer()

    with pytest.raises(trio.BrokenResourceError, match="reads no answers"):
        ask_for_ever()
    assert len(wire.outbox.unsent) < 140_000


def test_an_answer_to_a_peer_that_is_gone_is_nobody_s_trouble() -> None:
    wire = Wire(capacity=1000)
    wire.far.abort()
    wire.engine.session.write(b"an answer")
    wire.outbox.answer()
    with pytest.raises(trio.BrokenResourceError):
        wire.outbox.send_nowait(b"x")


@given(
    sends=st.lists(st.binary(min_size=1, max_size=20_000), min_size=1, max_size=6),
    capacity=st.integers(1, 30_000),
    read_bytes=st.integers(1, 30_000),
)
def test_any_capacity_carries_the_same_bytes_and_reports_none_that_has_not_left(
    sends: list[bytes], capacity: int, read_bytes: int
) -> None:
    async def main() -> bytes:
        wire = Wire(capacity)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_send_all, wire, sends)
            received = [await _read_all(wire.far, wire.reader, read_bytes)]
        return received[0]

    assert run_in_virtual_time(main) == b"".join(sends)


async def _send_all(wire: Wire, sends: list[bytes]) -> None:
    for data in sends:
        sent = 0
        while sent < len(data):
            sent += wire.outbox.send_nowait(data[sent:])
            if sent < len(data):
                await wire.outbox.flush()
        assert not wire.outbox.unsent, "all was reported, so all has left"
    wire.near.close()


async def _read_all(far: MemoryStream, reader: TlsEngine, read_bytes: int) -> bytes:
    received = b""
    while ciphertext := await far.receive_some(read_bytes):
        reader.feed(ciphertext)
        received += reader.take(1 << 20) or b""
    return received
