"""A TLS stream: ends that are ends, looks that take nothing away, and no wait that hangs.

That it behaves as any stream does is shown by ``test_tls_contract``.
"""

from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.net.identities import both_sides
from tests.net.tls_pairs import CLIENT, SERVER, tls_over, tls_pair
from tests.support.clock import run_in_virtual_time
from tests.support.stage import receive_all, send_all
from trio_lb.model.address import Address
from trio_lb.net.env import Stream
from trio_lb.net.memory import memory_stream_pair
from trio_lb.net.tls import TlsCut, TlsStream

MEBIBYTE = bytes(range(256)) * 4096


async def test_it_tells_what_was_agreed() -> None:
    near, far = await tls_pair()
    async with near, far:
        assert (near.version, far.version) == ("TLSv1.3", "TLSv1.3")
        assert near.cipher == far.cipher != ""
        assert (near.server_name, far.server_name) == (None, "a.test")
        assert (near.peer, near.local, far.peer) == (SERVER, CLIENT, CLIENT)
        assert repr(near) == (
            "<TlsStream open, flowing, over <MemoryStream 192.0.2.1:50000 to 192.0.2.2:443, open>>"
        )


# Staleness.


async def test_session_tickets_do_not_make_an_idle_connection_stale() -> None:
    near, far = await tls_pair()
    async with near, far:
        assert near._transport.is_stale(), "the tickets are there, unread"
        assert not near.is_stale()
        assert not near._transport.is_stale()


async def test_tickets_and_an_answer_behind_them_are_stray_bytes() -> None:
    near, far = await tls_pair()
    async with near, far:
        far.send_nowait(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        assert near.is_stale()
        assert (await near.receive_some(12)) == b"HTTP/1.1 408"
        assert near.is_stale()


async def test_a_look_takes_nothing_from_under_a_task_that_waits(nursery: trio.Nursery) -> None:
    near, far = await tls_pair()
    got: list[bytes] = []

    async def receive() -> None:
        got.append(await near.receive_some(100))

    async with near, far:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        far.send_nowait(b"x")
        assert near.is_stale()
        await wait_all_tasks_blocked()
        assert got == [b"x"]


async def test_a_connection_with_a_record_half_sent_is_stale() -> None:
    near, far = await tls_pair(capacity=2000)
    async with far:
        assert near.send_nowait(bytes(4000)) == 3999
        assert near.is_stale()
        near.abort()


async def test_garbage_on_an_idle_connection_makes_it_stale_and_breaks_it() -> None:
    near, far = await tls_pair()
    async with near:
        far._transport.send_nowait(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert near.is_stale()
        for _ in range(2):
            with pytest.raises(trio.BrokenResourceError, match="wrong version number"):
                await near.receive_some(100)
        far.abort()


async def test_a_flood_without_data_makes_an_idle_connection_stale() -> None:
    near, far = await tls_pair(capacity=1 << 20)
    async with near:
        # Records of TLS 1.3 that say nothing: a change of cipher is ignored, and counted.
        far._transport.send_nowait(b"\x14\x03\x03\x00\x01\x01" * 100_000)
        assert near.is_stale()
        far.abort()


# Ends.


async def test_an_end_without_a_close_notify_is_a_cut() -> None:
    near, far = await tls_pair()
    async with far:
        near.send_nowait(b"half a bo")
        assert not near.is_stale(), "with its tickets unread the close would be a reset"
        near._transport.close()
        assert await far.receive_some(100) == b"half a bo"
        for _ in range(2):
            with pytest.raises(TlsCut, match=r"192\.0\.2\.1:50000.*without a close_notify"):
                await far.receive_some(100)


async def test_a_reset_is_no_cut_but_a_reset() -> None:
    near, far = await tls_pair()
    async with far:
        near.abort()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await far.receive_some(100)
        assert not isinstance(caught.value, TlsCut)


async def test_a_close_with_only_tickets_unread_is_an_orderly_end() -> None:
    near, far = await tls_pair()
    async with far:
        near.close()
        assert await far.receive_some(100) == b""


async def test_a_close_with_a_record_half_sent_is_a_reset() -> None:
    near, far = await tls_pair(capacity=2000)
    async with far:
        assert near.send_nowait(bytes(4000)) == 3999
        near.close()
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_a_close_whose_close_notify_finds_no_room_loses_no_data() -> None:
    near, far = await tls_pair(capacity=2000)
    async with far:
        # One record that fills the transport to its last byte but five.
        overhead = len(near._engine.encrypt(b"")) or 22
        sent = near.send_nowait(bytes(2000 - overhead - 5))
        near.close()
        received = b""
        while len(received) < sent:
            received += await far.receive_some(100)
        with pytest.raises(TlsCut):
            await far.receive_some(100)


async def test_a_close_after_the_peer_has_gone_is_quiet() -> None:
    near, far = await tls_pair()
    far.abort()
    near.close()
    near.close()
    with pytest.raises(trio.ClosedResourceError):
        near.receive_nowait(1)


async def test_a_stream_that_fails_to_decrypt_tells_its_peer_why() -> None:
    near, far = await tls_pair()
    async with near, far:
        near._transport.send_nowait(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(trio.BrokenResourceError, match="bad record mac"):
            await far.receive_some(100)
        with pytest.raises(trio.BrokenResourceError, match="the alert 'bad record mac'"):
            await near.receive_some(100)
        with pytest.raises(trio.BrokenResourceError):
            near.send_nowait(b"x")


# Much, slowly, and both ways.


async def test_a_mebibyte_both_ways_at_once_never_locks_up() -> None:
    near, far = await tls_pair(capacity=1000)
    received: dict[Stream, bytes] = {}

    async def talk(stream: TlsStream) -> None:
        await send_all(stream, MEBIBYTE)
        await stream.send_eof()

    async def listen(stream: TlsStream) -> None:
        received[stream] = await receive_all(stream)

    async with near, far, trio.open_nursery() as nursery:
        for stream in (near, far):
            nursery.start_soon(talk, stream)
            nursery.start_soon(listen, stream)
    assert received[near] == received[far] == MEBIBYTE


async def test_a_transport_of_one_byte_is_enough_for_everything() -> None:
    near, far = await tls_pair(capacity=1)
    async with near, far, trio.open_nursery() as nursery:

        async def ask() -> None:
            await send_all(near, b"question")
            await near.send_eof()

        nursery.start_soon(ask)
        assert await receive_all(far) == b"question"


async def test_a_sender_that_its_peer_ignores_buffers_no_more_than_a_piece() -> None:
    near, far = await tls_pair(capacity=10_000)
    sent = 0
    while fitted := near.send_nowait(MEBIBYTE[sent:]):
        sent += fitted
    assert sent == 16 * 1024
    assert len(near._outbox.unsent) < 17_000
    near.abort()
    far.abort()


async def test_a_receiver_takes_no_more_from_the_transport_than_it_can_use() -> None:
    near, far = await tls_pair(capacity=1 << 21)
    async with near, far:
        await send_all(near, MEBIBYTE)
        assert len(await far.receive_some(1000)) == 1000
        assert far._transport.receive_nowait(1 << 21), "the rest is still below"
        near.abort()


@settings(max_examples=40)
@given(
    sends=st.lists(st.binary(min_size=1, max_size=30_000), min_size=1, max_size=5),
    read_sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=5),
    capacity=st.integers(1, 20_000),
)
def test_any_split_of_sends_and_reads_carries_the_same_bytes(
    sends: list[bytes], read_sizes: list[int], capacity: int
) -> None:
    async def main() -> bytes:
        near, far = await tls_pair(capacity)
        received = b""

        async def send() -> None:
            for data in sends:
                await send_all(near, data)
            await near.send_eof()

        async with near, far, trio.open_nursery() as nursery:
            nursery.start_soon(send)
            while data := await far.receive_some(read_sizes[len(received) % len(read_sizes)]):
                received += data
        return received

    assert run_in_virtual_time(main) == b"".join(sends)


async def test_tls_may_run_inside_tls(tmp_path: Path) -> None:
    outer = await tls_pair()
    near, far = await tls_over(*outer, both_sides(tmp_path, "inner.test"), name="inner.test")
    async with near, far:
        assert far.server_name == "inner.test"
        await send_all(near, b"wrapped twice")
        assert await far.receive_some(100) == b"wrapped twice"
        assert (near.is_stale(), far.is_stale()) == (False, False)


async def test_speaks_to_a_server_by_its_address(tmp_path: Path) -> None:
    pair = memory_stream_pair(CLIENT, Address("127.0.0.1", 443))
    near, far = await tls_over(*pair, both_sides(tmp_path, "127.0.0.1"), name="127.0.0.1")
    async with near, far:
        assert far.server_name is None
