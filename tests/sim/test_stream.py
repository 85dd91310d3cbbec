"""Virtual streams: the instants at which things are seen, and what no story may break.

What they have in common with real sockets is in tests/net/test_stream_contract.py.
"""

from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.support import LATENCY, far_apart, pair
from tests.support.clock import run_in_virtual_time
from tests.support.stage import receive_all, send_all
from trio_lb.model.errors import IllegalTransition
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.phase import Act
from trio_lb.sim.stream import VirtualStream


@pytest.fixture
def net(net: VirtualNetwork) -> VirtualNetwork:
    far_apart(net)
    return net


async def instant_of_end(stream: VirtualStream) -> tuple[str, float]:
    """How a stream ends for its receiver, and when."""
    try:
        await receive_all(stream)
    except trio.BrokenResourceError:
        return "reset", trio.current_time()
    return "end", trio.current_time()


async def test_bytes_and_their_end_are_seen_one_latency_later(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with near, far:
        near.send_nowait(b"x")
        await near.send_eof()
        assert await far.receive_some(1) == b"x"
        assert await far.receive_some(1) == b""
        assert trio.current_time() == 3.0 + LATENCY


async def test_a_reset_is_seen_one_latency_later(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with far:
        near.abort()
        assert far.send_nowait(b"not known yet") > 0
        assert await instant_of_end(far) == ("reset", 3.0 + LATENCY)


async def test_a_closed_end_s_answer_is_seen_a_round_trip_after_the_bytes(
    net: VirtualNetwork,
) -> None:
    near, far = await pair(net)
    async with far:
        await near.aclose()
        await trio.sleep(10)
        far.send_nowait(b"x")
        await trio.sleep(2 * LATENCY - 0.001)
        far.send_nowait(b"still believed")
        await trio.sleep(0.001)
        with pytest.raises(trio.BrokenResourceError):
            far.send_nowait(b"x")


async def test_bytes_under_way_to_an_end_that_closes_are_answered_by_a_reset(
    net: VirtualNetwork,
) -> None:
    near, far = await pair(net)
    async with far:
        far.send_nowait(b"crosses the FIN")
        await trio.sleep(0.5)
        await near.aclose()
        assert await far.receive_some(1) == b""
        assert trio.current_time() == 3.5 + LATENCY
        await trio.sleep_until(3.0 + 2 * LATENCY - 0.001)
        far.send_nowait(b"still believed")
        await trio.sleep(0.001)
        with pytest.raises(trio.BrokenResourceError):
            far.send_nowait(b"x")


async def test_an_answer_that_is_under_way_keeps_its_latency(
    net: VirtualNetwork,
) -> None:
    near, far = await pair(net)
    far.close()
    async with near:
        near.send_nowait(b"x")
        await trio.sleep_until(4.5)
        net.link("a", "b").set_latency(0.25)
        await trio.sleep_until(4.75)
        assert not near.is_reset
        await trio.sleep_until(5.0)
        assert near.is_reset


async def test_the_answer_to_held_bytes_comes_after_they_were_let_go(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    link = net.link("a", "b")
    async with far:
        await near.aclose()
        await trio.sleep(10)
        link.stall(sent_by="b")
        far.send_nowait(b"held")
        await trio.sleep(100)
        assert far.send_nowait(b"nobody said no") > 0
        link.heal()
        await trio.sleep(LATENCY)
        with pytest.raises(trio.BrokenResourceError):
            far.send_nowait(b"x")


async def test_a_reset_overtakes_bytes_that_wait_for_bandwidth(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    net.link("a", "b").set_bandwidth(10.0)
    async with far:
        near.send_nowait(b"ten bytes.")
        near.send_nowait(b"never seen")
        await trio.sleep(1.0)
        near.abort()
        assert await far.receive_some(100) == b"ten bytes."
        assert await instant_of_end(far) == ("reset", 5.0)


async def test_a_sender_waits_for_the_acknowledgement_of_its_reader(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with near, far:
        assert near.send_nowait(bytes(100_000)) == 65536
        await trio.sleep(10)
        await far.receive_some(1000)
        assert near.send_nowait(b"x") == 0
        assert await near.send_some(bytes(5000)) == 1000
        assert trio.current_time() == 13.0 + LATENCY


async def test_a_mebibyte_takes_a_round_trip_a_window(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    near, far = await pair(net)

    async def send() -> None:
        await send_all(near, bytes(1 << 20))
        await near.aclose()

    async with far:
        nursery.start_soon(send)
        assert len(await receive_all(far)) == 1 << 20
        # Fifteen windows and their acknowledgements, then the sixteenth.
        assert trio.current_time() == 3.0 + 15 * 2 * LATENCY + LATENCY


async def test_a_transition_that_the_table_does_not_draw_is_our_bug(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with near, far:
        await near.send_eof()
        with pytest.raises(IllegalTransition, match="cannot finish: it is finished"):
            near._take(Act.FINISH)


async def test_says_who_it_is(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with near, far:
        assert repr(near) == "<VirtualStream 10.0.0.1:32768 to 10.0.0.2:80, open>"


acts = st.lists(
    st.tuples(
        st.sampled_from(["near", "far"]),
        st.sampled_from(
            ["send", "send", "receive", "eof", "close", "abort", "stall", "heal", "pass", "reset"]
        ),
    ),
    max_size=30,
)


@given(acts)
def test_in_any_story_each_end_reads_a_beginning_of_what_the_other_sent(
    story: list[tuple[str, str]],
) -> None:
    run_in_virtual_time(lambda: act_out(story))


async def act_out(story: list[tuple[str, str]]) -> None:
    """Act it out, then read what is left at both ends, and hold it against what was sent."""
    net = VirtualNetwork()
    far_apart(net)
    ends = dict(zip(("near", "far"), await pair(net), strict=True))
    sent, read = {"near": b"", "far": b""}, {"near": b"", "far": b""}
    for who, act in story:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            if act == "send":
                data = bytes([len(sent[who]) % 251] * 1000)
                sent[who] += data[: ends[who].send_nowait(data)]
            elif act == "receive":
                with trio.move_on_after(0.25):
                    read[who] += await ends[who].receive_some(700)
            else:
                await do(net, ends[who], act)
    net.link("a", "b").heal()
    for who, other in (("near", "far"), ("far", "near")):
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await ends[other].send_eof()
        try:
            while data := await ends[who].receive_some(700):
                read[who] += data
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            assert sent[other].startswith(read[who])
        else:
            assert read[who] == sent[other], "an end of file means that all was read"
    for end in ends.values():
        end.abort()
    assert net.open_streams() == []


# What a socket can do, and a stream of the proxy need not.


async def test_who_stops_hearing_reads_what_came_and_then_the_end(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    near, far = await pair(net)
    ends: list[tuple[str, float]] = []

    async def read() -> None:
        ends.append(await instant_of_end(near))

    async with near, far:
        nursery.start_soon(read)
        await trio.sleep(0.5)
        near.stop_hearing()
        await trio.lowlevel.checkpoint()
        assert ends == [("end", 3.5)]
        await far.send_some(b"late")
        await trio.sleep(LATENCY)
        assert [near.receive_nowait(9), near.receive_nowait(9)] == [b"late", b""]


async def test_waiting_for_room_ends_an_acknowledgement_after_the_first_read(
    net: VirtualNetwork,
) -> None:
    near, far = await pair(net)
    async with near, far:
        await near.wait_writable()
        assert trio.current_time() == 3.0
        near.send_nowait(bytes(net.window_bytes))
        await far.receive_some(1)
        assert trio.current_time() == 4.0
        await near.wait_writable()
        assert (trio.current_time(), near.send_nowait(b"ab")) == (5.0, 1)


async def test_waiting_for_room_ends_with_the_reset_that_says_there_is_none(
    net: VirtualNetwork,
) -> None:
    near, far = await pair(net)
    async with near:
        near.send_nowait(bytes(net.window_bytes))
        far.abort()
        assert not near.is_reset
        await near.wait_writable()
        assert (trio.current_time(), near.is_reset) == (4.0, True)
    with pytest.raises(trio.ClosedResourceError):
        await near.wait_writable()


async def test_who_waits_for_room_is_told_when_the_end_is_said(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    near, far = await pair(net)
    async with near, far:
        while near.send_nowait(bytes(65536)):
            pass

        async def say_the_end() -> None:
            await trio.sleep_until(5.0)
            near.finish()

        nursery.start_soon(say_the_end)
        with pytest.raises(trio.BrokenResourceError, match="broken pipe"):
            await near.send_some(b"x")
        assert trio.current_time() == 5.0


async def test_a_paused_host_sees_a_reset_when_it_goes_on_and_what_came_before_it_first(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    b = net.host("b")
    near, far = await pair(net)

    async def reset_while_it_stands_still() -> None:
        b.pause()
        near.send_nowait(b"before the reset")
        await trio.sleep_until(10.0)
        near.abort()
        await trio.sleep_until(60.0)
        assert not far.is_stale(), "nobody there has looked"
        b.resume()

    async with far:
        nursery.start_soon(reset_while_it_stands_still)
        assert await far.receive_some(100) == b"before the reset"
        assert trio.current_time() == 60.0
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_an_end_that_arrived_is_known_before_it_is_read(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with near:
        far.send_nowait(b"bytes")
        far.close()
        assert not near.has_ended
        await trio.sleep(LATENCY)
        assert near.has_ended
        near.send_nowait(b"nobody takes it")
        await trio.sleep(2 * LATENCY)
        assert (near.is_reset, near.has_ended) == (True, True)


async def test_an_end_that_a_reset_overtook_never_arrives(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    async with near:
        net.link("a", "b").set_bandwidth(1.0)
        far.send_nowait(b"four")
        await far.send_eof()
        far.abort()
        await trio.sleep(60.0)
        assert (near.is_reset, near.has_ended) == (True, False)


async def do(net: VirtualNetwork, end: VirtualStream, act: str) -> None:
    match act:
        case "eof":
            await end.send_eof()
        case "close":
            await end.aclose()
        case "abort":
            end.abort()
        case "stall":
            net.link("a", "b").stall()
        case "heal":
            net.link("a", "b").heal()
        case "pass":
            await trio.sleep(0.5)
        case "reset":
            net.link("a", "b").reset()


@pytest.mark.parametrize("leave", ["close", "abort"])
async def test_nothing_is_said_on_a_connection_that_was_reset(
    net: VirtualNetwork, leave: str
) -> None:
    far_apart(net)
    near, far = await pair(net)
    far.cut()
    getattr(far, leave)()
    await trio.sleep(10)
    assert not near.is_stale(), "the peer was not told, and is answered when it sends"
    near.send_nowait(b"x")
    with pytest.raises(trio.BrokenResourceError):
        await near.receive_some(1)
    assert trio.current_time() == 15.0
    near.close()
