"""TLS without a task: the handshake, what is sent before its end, and how it fails."""

import ssl
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.sim.actors.test_end import Reader
from tests.sim.support import far_apart, pair
from tests.support.clock import run_in_virtual_time
from trio_lb.sim.actors.end import Distrusted
from trio_lb.sim.actors.tls_end import TlsEnd
from trio_lb.sim.certificates import NAME, client_context, server_context
from trio_lb.sim.clock import DesClock
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.rule import Rule, Ruling
from trio_lb.sim.stream import VirtualStream


def play(scene: Callable[[VirtualStream, VirtualStream], Awaitable[None]]) -> None:
    async def main() -> None:
        net = VirtualNetwork(7)
        far_apart(net)
        near, far = await pair(net)
        await scene(near, far)
        near.abort()
        far.abort()

    run_in_virtual_time(main, clock=DesClock())


def client(stream: VirtualStream, *, name: str = NAME) -> TlsEnd:
    return TlsEnd(stream, client_context(), server_name=name)


def server(stream: VirtualStream) -> TlsEnd:
    return TlsEnd(stream, server_context(), server_side=True)


class Scale(Rule):
    """Lets everything pass, and notes how much it was."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def judge(self, data: bytes, now: float) -> Ruling:
        self.seen.append(len(data))
        return Ruling(data)


def test_what_is_said_before_the_handshake_is_over_comes_with_its_end() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        ours, theirs = client(near), server(far)
        readers = [Reader(ours), Reader(theirs)]
        assert ours.send_nowait(b"early ") + ours.send_nowait(b"words") == 11
        await trio.sleep(2.5)
        assert readers[1].got == b"", "hello, their answer, and only then our own"
        await trio.sleep(1)
        assert readers[1].got == b"early words"
        assert trio.current_time() == 6.5

    play(scene)


def test_much_that_is_said_early_waits_for_room_and_keeps_its_order() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        ours, theirs = client(near), server(far)
        reader = Reader(theirs)
        Reader(ours)
        data = bytes(range(256)) * 1000
        assert ours.send_nowait(data) == len(data)
        await trio.sleep(3.5)
        assert ours.send_nowait(b"last") == 4
        await trio.sleep(60)
        assert reader.got == data + b"last"

    play(scene)


def test_it_knows_whose_certificate_it_was_shown_once() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        shown: list[tuple[float, str]] = []
        ours = TlsEnd(
            near,
            client_context(),
            server_name=NAME,
            on_shaken=lambda end: shown.append((trio.current_time(), end.shown)),
        )
        Reader(server(far))
        Reader(ours)
        await trio.sleep(20)
        assert shown == [(5.0, "0B")]

    play(scene)


def test_a_certificate_for_another_name_is_refused_at_both_ends() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        ours, theirs = client(near, name="elsewhere.example"), server(far)
        readers = [Reader(ours), Reader(theirs)]
        await trio.sleep(20)
        assert [each.ended_by for each in readers] == ["reset", "reset"]
        with pytest.raises(trio.BrokenResourceError, match="Hostname mismatch"):
            ours.send_nowait(b"x")

    play(scene)


def test_an_end_of_file_without_a_close_notify_is_a_cut() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        ours, theirs = client(near), server(far)
        readers = [Reader(ours), Reader(theirs)]
        await trio.sleep(20)
        far.close()
        await trio.sleep(2)
        assert readers[0].ended_by == "reset"

    play(scene)


def test_each_handshake_has_the_same_size() -> None:
    sizes: set[tuple[int, ...]] = set()

    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        scale = Scale()
        near.outgoing.rules.append(scale)
        far.outgoing.rules.append(scale)
        Reader(client(near))
        Reader(server(far))
        await trio.sleep(20)
        sizes.add(tuple(scale.seen))

    for _ in range(40):
        play(scene)
    assert len(sizes) == 1
    assert len(*sizes) == 3, "hello, their answer, our last word; no tickets"


def test_what_is_no_tls_is_a_fault() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        reader = Reader(server(far))
        near.send_nowait(b"GET / HTTP/1.1\r\n\r\n")
        await trio.sleep(2)
        assert reader.ended_by == "reset"

    play(scene)


def test_contexts_ask_for_modern_tls() -> None:
    assert client_context().verify_mode is ssl.CERT_REQUIRED


def test_what_is_objected_to_is_left_before_the_handshake_is_over() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        def objection(shown: str) -> str:
            return f"{shown} is too old"

        ours = TlsEnd(near, client_context(), server_name=NAME, objection=objection)
        theirs = server(far)
        ours.send_nowait(b"a secret")
        await trio.sleep(1.5)
        assert theirs.receive_nowait(10) is None, "a hello, which it answers"
        await trio.sleep(2)
        with pytest.raises(Distrusted, match="0B is too old"):
            ours.receive_nowait(10)
        with pytest.raises(trio.BrokenResourceError):
            ours.send_nowait(b"another")
        ours.abort()
        await trio.sleep(1)
        with pytest.raises(trio.BrokenResourceError):
            theirs.receive_nowait(10)

    play(scene)


def test_what_openssl_does_not_believe_is_distrusted_too() -> None:
    async def scene(near: VirtualStream, far: VirtualStream) -> None:
        ours = client(near)
        Reader(TlsEnd(far, server_context(expired=True), server_side=True))
        await trio.sleep(3.5)
        with pytest.raises(Distrusted, match="has expired"):
            ours.receive_nowait(10)

    play(scene)
