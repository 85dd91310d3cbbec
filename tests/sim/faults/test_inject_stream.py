"""The faults of connections that stand: what both ends see, and what afterwards."""

import pytest
import trio

from tests.sim.faults.play import LINK, SERVER, Play, play
from trio_lb.sim.stream import VirtualStream

QUESTION = b"GET / HTTP/1.1\r\nHost: api\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
BODY = bytes(100)

both_targets = pytest.mark.parametrize("target", [LINK, SERVER])


async def everything(stream: VirtualStream) -> tuple[bytes, str]:
    """What can be read of it, and how it ends: with "end", "reset" or, for a minute, "nothing"."""
    got = bytearray()
    with trio.move_on_after(60):
        try:
            while data := await stream.receive_some(10_000):
                got += data
        except trio.BrokenResourceError:
            return bytes(got), "reset"
        return bytes(got), "end"
    return bytes(got), "nothing"


async def ask(near: VirtualStream, far: VirtualStream) -> tuple[bytes, str]:
    """Send a question, answer it, and return what comes of the answer."""
    near.send_nowait(QUESTION)
    await far.receive_some(1000)
    far.send_nowait(HEAD + BODY)
    return await everything(near)


@both_targets
def test_a_reset_is_seen_by_both_ends_at_once_and_by_nobody_later(target: object) -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        _, elsewhere = await world.pair("s2")
        world.inject("reset", target)
        for end in (near, far):
            assert await everything(end) == (b"", "reset")
        assert trio.current_time() == 6.0
        assert not elsewhere.is_stale()
        near, far = await world.pair()
        assert (await ask(near, far))[1] == "nothing", "and the connection lives on"

    play(scene)


@both_targets
@pytest.mark.parametrize(
    ("kind", "args", "passes", "end"),
    [
        ("reset_after", {"bytes": 50}, 50, "reset"),
        ("reset_after", {"bytes": 1000}, len(HEAD) + 100, "nothing"),
        ("reset_before_body", {}, len(HEAD), "reset"),
        ("fin_mid_body", {"bytes": 16}, len(HEAD) + 16, "end"),
    ],
)
def test_answers_break_off_on_old_connections_and_new_ones_until_the_heal(
    target: object, kind: str, args: dict[str, object], passes: int, end: str
) -> None:
    async def scene(world: Play) -> None:
        old, untouched = await world.pair(), await world.pair()
        heal = world.inject(kind, target, **args)
        whole = HEAD + BODY
        assert await ask(*old) == (whole[:passes], end)
        assert await ask(*await world.pair()) == (whole[:passes], end)
        heal()
        assert await ask(*untouched) == (whole, "nothing")
        assert await ask(*await world.pair()) == (whole, "nothing")

    play(scene)


def test_what_passed_before_a_reset_arrives_a_latency_later_and_the_reset_with_it() -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        world.inject("reset_after", SERVER, bytes=10)
        assert far.send_nowait(BODY) == 100
        with pytest.raises(trio.BrokenResourceError):
            far.send_nowait(b"the sender knows at once")
        assert await everything(near) == (BODY[:10], "reset")
        assert trio.current_time() == 4.0

    play(scene)


@both_targets
def test_a_half_closed_server_ends_its_stream_when_it_read_the_head_and_reads_on(
    target: object,
) -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        heal = world.inject("half_close", target)
        near.send_nowait(QUESTION[:-1])
        await far.receive_some(1000)
        near.send_nowait(QUESTION[-1:] + b"body")
        await far.receive_some(1)
        assert trio.current_time() == 5.0
        far.send_nowait(b"nobody hears this")
        assert await everything(near) == (b"", "end")
        assert trio.current_time() == 6.0
        near.send_nowait(b", more of it")
        await trio.sleep(1)
        assert await far.receive_some(100) == b"body, more of it"
        heal()
        assert (await ask(*await world.pair()))[1] == "nothing"

    play(scene)


@both_targets
def test_a_server_that_forgot_its_connections_answers_the_next_byte_with_rst(
    target: object,
) -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        world.inject("half_open", target)
        assert await everything(far) == (b"", "reset")
        far.close()
        await trio.sleep(7)
        assert not near.is_stale(), "nobody told it"
        near.send_nowait(b"x")
        assert await everything(near) == (b"", "reset")
        assert trio.current_time() == 12.0

    play(scene)


@both_targets
def test_a_stalled_reader_closes_the_window_until_it_reads_again(target: object) -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        heals = [world.inject("stalled_reader", target) for _ in range(2)]
        assert near.send_nowait(bytes(100_000)) == 65536
        world.at(30.0, heals[0])
        world.at(60.0, heals[1])
        await far.receive_some(100_000)
        assert trio.current_time() == 60.0
        await near.send_some(b"x")
        assert trio.current_time() == 61.0

    play(scene)


@both_targets
def test_a_trickle_comes_in_drops_and_the_rest_at_the_heal(target: object) -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        heal = world.inject("trickle", target, bytes=2, every=0.5)
        far.send_nowait(b"0123456789")
        near.send_nowait(b"questions are not slowed")
        got = [(await near.receive_some(100), trio.current_time()) for _ in range(3)]
        assert got == [(b"01", 4.0), (b"23", 4.5), (b"45", 5.0)]
        assert len(await far.receive_some(100)) == 24
        heal()
        assert (await near.receive_some(100), trio.current_time()) == (b"6789", 5.0)

    play(scene)


@both_targets
def test_silence_longer_than_the_least_allowed_is_forgotten(target: object) -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        heals = [world.inject("idle_drop", target, idle=idle) for idle in (60.0, 10.0)]
        await trio.sleep(11)
        near.send_nowait(b"x")
        assert await everything(far) == (b"", "nothing")
        near, far = await world.pair()
        heals[1]()
        await trio.sleep(11)
        near.send_nowait(b"x")
        assert await far.receive_some(1) == b"x"
        heals[0]()
        assert world.link().idle_drop_seconds is None

    play(scene)
