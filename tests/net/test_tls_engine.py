"""TLS without I/O: what is fed comes out, an end is a close_notify, and buffers are bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.net.tls_pairs import carry, shaken_engines
from tests.net.wires import split
from trio_lb.model.errors import IllegalTransition
from trio_lb.net.tls_engine import RECORD_BYTES, RECORD_OVERHEAD, Signal, State, TlsEngine
from trio_lb.net.tls_faults import TlsError, TlsFault

MEBIBYTE = bytes(range(256)) * 4096


def take_all(engine: TlsEngine, max_bytes: int = 1 << 20) -> bytes:
    """Everything that was fed, until the engine wants more or has ended."""
    parts = []
    while part := engine.take(max_bytes):
        assert len(part) <= max_bytes
        parts.append(part)
    return b"".join(parts)


# Data.


def test_what_one_encrypts_the_other_takes() -> None:
    client, server = shaken_engines()
    server.feed(client.encrypt(b"question"))
    assert server.take(100) == b"question"
    assert server.take(100) is None


def test_many_records_are_taken_at_once_as_far_as_they_fit() -> None:
    client, server = shaken_engines()
    server.feed(client.encrypt(MEBIBYTE[:100_000]))
    assert server.take(90_000) == MEBIBYTE[:90_000]
    assert server.has_more
    assert server.take(90_000) == MEBIBYTE[90_000:100_000]
    assert not server.has_more


def test_a_record_costs_no_more_than_its_overhead() -> None:
    client, _ = shaken_engines()
    for size in (1, 1000, RECORD_BYTES):
        assert len(client.encrypt(bytes(size))) <= size + RECORD_OVERHEAD


def test_half_a_record_is_nothing_yet() -> None:
    client, server = shaken_engines()
    ciphertext = client.encrypt(b"whole")
    server.feed(ciphertext[:-1])
    assert server.take(100) is None
    assert not server.has_more
    server.feed(ciphertext[-1:])
    assert server.take(100) == b"whole"


def test_a_mebibyte_that_is_fed_at_once_reaches_openssl_in_slices() -> None:
    client, server = shaken_engines()
    server.feed(client.encrypt(MEBIBYTE))
    most, taken = 0, b""
    while part := server.take(1000):
        most = max(most, server._incoming.pending)
        taken += part
    assert taken == MEBIBYTE
    assert most <= 2 * (RECORD_BYTES + RECORD_OVERHEAD)


@given(
    sends=st.lists(st.binary(min_size=1, max_size=40_000), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 100_000), max_size=8),
    read_bytes=st.integers(1, 50_000),
)
def test_any_split_of_writes_wire_and_reads_gives_the_same_bytes(
    sends: list[bytes], cuts: list[int], read_bytes: int
) -> None:
    client, server = shaken_engines()
    wire = b"".join(client.encrypt(data) for data in sends)
    received = b""
    for piece in split(wire, cuts):
        server.feed(piece)
        received += take_all(server, read_bytes)
    assert received == b"".join(sends)


# The end.


def test_a_close_notify_is_the_end_and_stays_it() -> None:
    client, server = shaken_engines()
    server.feed(client.encrypt(b"last"))
    client.finish()
    server.feed(client.ciphertext())
    assert [server.take(100) for _ in range(3)] == [b"last", b"", b""]
    assert server.state is State.ENDED


def test_the_other_half_goes_on_after_an_end() -> None:
    client, server = shaken_engines()
    client.finish()
    carry(client, server)
    assert server.take(100) == b""
    client.feed(server.encrypt(b"answer"))
    assert client.take(100) == b"answer"


def test_data_that_came_before_our_own_end_is_kept() -> None:
    client, server = shaken_engines()
    client.feed(server.encrypt(b"crossed on the way"))
    client.finish()
    assert client.holds_data
    server.feed(client.ciphertext())
    assert server.take(100) == b""
    assert [client.take(7), client.take(100)] == [b"crossed", b" on the way"]


def test_both_may_end() -> None:
    client, server = shaken_engines()
    client.finish()
    server.finish()
    carry(client, server)
    assert (client.take(1), server.take(1)) == (b"", b"")


def test_a_half_record_behind_which_our_end_was_said_is_still_read() -> None:
    client, server = shaken_engines()
    ciphertext = server.encrypt(b"slow")
    client.feed(ciphertext[:10])
    client.finish()
    client.feed(ciphertext[10:])
    assert client.take(100) == b"slow"


def test_an_end_of_the_transport_alone_is_a_cut_ever_after() -> None:
    client, server = shaken_engines()
    server.feed(client.encrypt(b"begun"))
    assert server.take(100) == b"begun"
    server.cut()
    for _ in range(3):
        with pytest.raises(TlsError, match="without a close_notify") as caught:
            server.take(100)
        assert caught.value.kind is TlsFault.CUT


def test_an_end_amid_the_handshake_says_so() -> None:
    client = shaken_engines()[0]
    fresh = TlsEngine(client.session.context, server_side=False, server_name="a.test")
    assert not fresh.shake()
    assert "amid the handshake" in str(fresh.cut())
    fresh.finish()
    assert fresh.state is State.BROKEN


# Faults.


def test_a_record_that_was_tampered_with_breaks_it_and_tells_the_peer() -> None:
    client, server = shaken_engines()
    good, bad = client.encrypt(b"good"), bytearray(client.encrypt(b"bad"))
    bad[-1] ^= 1
    server.feed(good + bytes(bad))
    assert server.take(100) == b"good"
    with pytest.raises(TlsError, match="bad record mac") as caught:
        server.take(100)
    assert (caught.value.kind, caught.value.by_peer) == (TlsFault.PROTOCOL, False)
    client.feed(server.ciphertext())
    with pytest.raises(TlsError, match="alert 'bad record mac'") as told:
        client.take(100)
    assert told.value.by_peer


def test_nothing_can_be_encrypted_after_the_peer_s_alert() -> None:
    client, server = shaken_engines()
    server.feed(b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(TlsError):
        server.take(1)
    client.feed(server.ciphertext())
    with pytest.raises(TlsError):
        client.take(1)
    with pytest.raises(TlsError):
        client.encrypt(b"more")


def test_an_error_that_is_raised_again_holds_no_frames_of_the_first_time() -> None:
    _, server = shaken_engines()
    server.cut()
    seen = []
    for _ in range(2):
        with pytest.raises(TlsError) as caught:
            server.take(1)
        seen.append(caught.value)
    assert seen[0] is not seen[1]


# Looking.


def test_a_look_finds_data_and_leaves_it_there() -> None:
    client, server = shaken_engines()
    assert not server.look()
    server.feed(client.encrypt(b"stray"))
    assert [server.look(), server.look(), server.take(100), server.look()] == [
        True,
        True,
        b"stray",
        False,
    ]


def test_a_look_finds_an_end_and_a_fault() -> None:
    client, server = shaken_engines()
    client.finish()
    carry(client, server)
    assert server.look()
    _, other = shaken_engines()
    other.feed(b"GET / HTTP/1.1\r\n\r\n")
    assert other.look()
    with pytest.raises(TlsError):
        other.take(1)


def test_session_tickets_are_nothing_to_be_seen() -> None:
    client, server = shaken_engines()
    assert client.session.version() == "TLSv1.3"
    fresh = TlsEngine(client.session.context, server_side=False, server_name="a.test")
    peer = TlsEngine(server.session.context, server_side=True)
    waiting = [fresh, peer]
    while waiting:
        waiting = [engine for engine in waiting if not engine.shake()]
        peer.feed(fresh.ciphertext())
        if fresh in waiting:
            fresh.feed(peer.ciphertext())
    tickets = peer.ciphertext()
    assert len(tickets) > 100
    fresh.feed(tickets)
    assert not fresh.look()
    assert not fresh.has_more


# The machine.


def test_what_the_table_does_not_draw_is_refused() -> None:
    client, server = shaken_engines()
    with pytest.raises(IllegalTransition, match="shaken is no news when TLS has flowing"):
        client._take_signal(Signal.SHAKEN)
    client.finish()
    carry(client, server)
    assert server.take(1) == b""
    with pytest.raises(IllegalTransition):
        server.cut()
