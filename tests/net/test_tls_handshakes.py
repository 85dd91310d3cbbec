"""Handshakes: those that fail have a code, those that stall have an end, and both sides learn why."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from tests.net.identities import issued, write, write_ca
from tests.net.tls_pairs import CLIENT, SERVER, house_tls
from tests.support.stage import VirtualStage, open_pair
from trio_lb.net.certificates import client_context, server_context
from trio_lb.net.memory import MemoryStream, memory_stream_pair
from trio_lb.net.tls import TlsError, TlsFault, TlsStream
from trio_lb.sim.network import VirtualNetwork

Play = Callable[[MemoryStream], Awaitable[None]]


async def fault_of_accept(client: Play) -> TlsError:
    """What the server finds when a client does that; its stream stays the server's to close."""
    near, far = memory_stream_pair(CLIENT, SERVER)
    async with near, far, trio.open_nursery() as nursery:
        nursery.start_soon(client, near)
        with pytest.raises(TlsError) as caught:
            await TlsStream.accept(far, house_tls()[0])
        assert repr(far).endswith("open>")
        nursery.cancel_scope.cancel()
    return caught.value


async def test_plain_http_on_a_tls_port_can_be_answered_in_plain_http() -> None:
    near, far = memory_stream_pair(CLIENT, SERVER)
    async with near, far:
        near.send_nowait(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        with pytest.raises(TlsError, match="http request") as caught:
            await TlsStream.accept(far, house_tls()[0])
        assert caught.value.kind is TlsFault.HTTP_REQUEST
        assert near.receive_nowait(100) is None, "no alert stands before the answer"
        far.send_nowait(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert (await near.receive_some(100)).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH\r\n", b"DELETE / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n", bytes(99)]
)
async def test_what_is_no_tls_at_all_is_told_from_bad_tls(said: bytes) -> None:
    async def client(near: MemoryStream) -> None:
        await near.send_some(said)

    assert (await fault_of_accept(client)).kind is TlsFault.NOT_TLS


async def test_a_record_that_is_no_hello_is_answered_with_an_alert() -> None:
    near, far = memory_stream_pair(CLIENT, SERVER)
    async with near, far:
        near.send_nowait(b"\x16\x03\x01\x00\x05hello")
        with pytest.raises(TlsError) as caught:
            await TlsStream.accept(far, house_tls()[0])
        assert caught.value.kind is TlsFault.PROTOCOL
        assert (await near.receive_some(100))[:1] == b"\x15"


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
async def test_a_client_that_leaves_amid_the_handshake_was_cut(said: bytes) -> None:
    async def client(near: MemoryStream) -> None:
        await near.send_some(said)
        near.close()

    error = await fault_of_accept(client)
    assert (error.kind, str(error)) == (TlsFault.CUT, "the connection ended amid the handshake")


async def test_a_reset_amid_the_handshake_is_a_cut_too() -> None:
    async def client(near: MemoryStream) -> None:
        await trio.lowlevel.checkpoint()
        near.abort()

    error = await fault_of_accept(client)
    assert error.kind is TlsFault.CUT
    assert "connection reset by peer" in str(error)


async def test_a_client_that_never_says_hello_is_let_go_at_the_deadline(
    net: VirtualNetwork,
) -> None:
    near, far = await open_pair(VirtualStage(net))
    async with near, far:
        begun = trio.current_time()
        with pytest.raises(TlsError, match="not done in time") as caught:
            await TlsStream.accept(far, house_tls()[0], deadline=begun + 10)
        assert caught.value.kind is TlsFault.TIMEOUT
        assert trio.current_time() == begun + 10


async def test_a_client_that_trickles_its_hello_is_let_go_at_the_deadline(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(VirtualStage(net))
    hello = house_tls()[1].engine("a.test")
    assert not hello.shake()

    async def trickle() -> None:
        for byte in hello.ciphertext():
            await near.send_some(bytes([byte]))
            await trio.sleep(1)

    async with near, far:
        begun = trio.current_time()
        nursery.start_soon(trickle)
        with pytest.raises(TlsError) as caught:
            await TlsStream.accept(far, house_tls()[0], deadline=begun + 10)
        assert caught.value.kind is TlsFault.TIMEOUT
        assert trio.current_time() == begun + 10
        nursery.cancel_scope.cancel()


async def test_a_server_that_stalls_amid_the_handshake_is_let_go_at_the_deadline(
    net: VirtualNetwork,
) -> None:
    near, far = await open_pair(VirtualStage(net))
    async with near, far:
        begun = trio.current_time()
        with pytest.raises(TlsError) as caught:
            await TlsStream.connect(near, house_tls()[1], "a.test", deadline=begun + 3)
        assert caught.value.kind is TlsFault.TIMEOUT
        assert trio.current_time() == begun + 3


async def test_both_sides_learn_why_a_certificate_was_refused() -> None:
    near, far = memory_stream_pair(CLIENT, SERVER)
    faults: list[TlsError] = []

    async def accept() -> None:
        with pytest.raises(TlsError) as caught:
            await TlsStream.accept(far, house_tls()[0])
        faults.append(caught.value)

    async with near, far, trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        with pytest.raises(TlsError, match=r"not valid for 'other\.test'") as caught:
            await TlsStream.connect(near, house_tls()[1], "other.test")
    assert (caught.value.kind, caught.value.by_peer) == (TlsFault.WRONG_NAME, False)
    assert [(each.kind, each.by_peer) for each in faults] == [(TlsFault.BAD_CERTIFICATE, True)]


async def test_a_client_without_its_certificate_learns_it_when_it_reads(tmp_path: Path) -> None:
    guarded = server_context(
        [write(tmp_path, "a", issued("a.test"))], client_ca=write_ca(tmp_path, "clients")
    )
    near, far = memory_stream_pair(CLIENT, SERVER)

    async def accept() -> None:
        with pytest.raises(TlsError, match="did not return a certificate"):
            await TlsStream.accept(far, guarded)

    async with near, far, trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        # TLS 1.3: the client is done before the server has looked at what it shows.
        stream = await TlsStream.connect(near, client_context(ca=write_ca(tmp_path)), "a.test")
        with pytest.raises(trio.BrokenResourceError, match="alert 'certificate required'"):
            await stream.receive_some(100)
