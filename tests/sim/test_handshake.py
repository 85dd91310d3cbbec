"""The handshake: one round trip, refusals, lost SYNs, and a client that gives up."""

from contextlib import aclosing

import pytest
import trio

from tests.sim.support import LATENCY, far_apart, listen_on_b
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.handshake import TRANSITIONS, At, Overflow, Step
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Connects, Greeter, Link
from trio_lb.sim.network import VirtualNetwork

B = Address("10.0.0.2", 80)


@pytest.fixture
def a(net: VirtualNetwork) -> HostNetwork:
    """The host that connects, a second away from ``b``."""
    far_apart(net)
    return net.host("a")


async def failure_of(a: HostNetwork) -> tuple[bool, float]:
    """Whether connecting to ``b`` was refused, and when that was known."""
    with pytest.raises(ConnectError) as caught:
        await a.connect(B)
    return caught.value.refused, trio.current_time()


async def test_the_client_stands_after_a_round_trip_and_the_server_half_a_one_later(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    async with aclosing(await listen_on_b(net)) as listener, await a.connect(B):
        assert trio.current_time() == 2 * LATENCY
        (far,) = await listener.accept_batch(1)
        assert trio.current_time() == 3 * LATENCY
        far.close()


async def test_a_refusal_takes_a_round_trip(a: HostNetwork) -> None:
    assert await failure_of(a) == (True, 2 * LATENCY)


async def test_a_link_can_refuse_though_somebody_listens(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    async with aclosing(await listen_on_b(net)):
        net.link("a", "b").connects = Connects.REFUSE
        assert await failure_of(a) == (True, 2 * LATENCY)


async def test_a_blackhole_swallows_seven_syns_in_127_seconds(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    async with aclosing(await listen_on_b(net)):
        net.link("a", "b").connects = Connects.BLACKHOLE
        assert await failure_of(a) == (False, 127.0)


async def test_who_dials_at_any_instant_sends_seven_syns_and_no_eighth(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    net.link("a", "b").connects = Connects.BLACKHOLE
    begun_at = 11.16230433868215  # From here, 127 s at once are more than 1 + 2 + 4 + ... + 64.
    await trio.sleep_until(begun_at)
    is_refused, at = await failure_of(a)
    assert not is_refused
    assert at == pytest.approx(begun_at + 127.0)


async def test_an_answer_to_a_host_that_lost_its_sockets_is_lost_and_the_next_syn_gets_through(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery
) -> None:
    async def crash() -> None:
        await trio.sleep(1.5)
        a.crash()
        a.restart()

    async with aclosing(await listen_on_b(net)) as listener:
        nursery.start_soon(crash)
        async with await a.connect(B) as near:
            assert not near.is_closed
            assert trio.current_time() == 1.0 + 2 * LATENCY, "the SYN of 1 s was on its way"
            (far,) = await listener.accept_batch(16)
            far.close()
    assert a.descriptors.used == 0


async def test_the_syn_after_the_healing_gets_through(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery
) -> None:
    link = net.link("a", "b")

    async def heal_later() -> None:
        await trio.sleep(4.5)
        link.heal()

    async with aclosing(await listen_on_b(net)):
        link.connects = Connects.BLACKHOLE
        nursery.start_soon(heal_later)
        async with await a.connect(B):
            # SYNs at 0, 1, 3 and 7 s; the fourth is answered.
            assert trio.current_time() == 7.0 + 2 * LATENCY


@pytest.mark.parametrize("sent_by", ["a", "b"])
async def test_a_stall_loses_a_syn_or_its_answer(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery, sent_by: str
) -> None:
    link = net.link("a", "b")
    link.set_latency(0.125)

    async def heal_later() -> None:
        await trio.sleep(0.5)
        link.heal()

    async with aclosing(await listen_on_b(net)):
        link.stall(sent_by=sent_by)
        nursery.start_soon(heal_later)
        async with await a.connect(B):
            assert trio.current_time() == 1.25


async def test_a_full_backlog_drops_syns_until_somebody_accepts(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery
) -> None:
    async def accept_later() -> None:
        await trio.sleep(6.0)
        for far in await listener.accept_batch(16):
            far.close()

    async with aclosing(await listen_on_b(net, backlog=1)) as listener:
        async with await a.connect(B), await a.connect(B):
            assert trio.current_time() == 4.0, "a backlog of 1 holds two, as in Linux"
            nursery.start_soon(accept_later)
            async with await a.connect(B):
                # SYNs at 4, 5, 7 and 11 s: the listener accepts at 10.
                assert trio.current_time() == 11.0 + 2 * LATENCY


async def test_syns_of_one_instant_do_not_slip_past_the_backlog_together(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    stood: list[float] = []

    async def connect() -> None:
        async with await a.connect(B):
            stood.append(trio.current_time())
            await trio.sleep_forever()

    async with aclosing(await listen_on_b(net, backlog=1)):
        with trio.move_on_after(100):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(connect)
        assert stood == [2 * LATENCY, 2 * LATENCY]


@pytest.mark.parametrize("given_up_after", [0.0, 0.5, 1.0, 1.5])
async def test_a_client_that_gives_up_leaves_no_connection_at_either_end(
    net: VirtualNetwork, a: HostNetwork, given_up_after: float
) -> None:
    async with aclosing(await listen_on_b(net)) as listener:
        with trio.move_on_after(given_up_after) as patience:
            await a.connect(B)
        assert patience.cancelled_caught
        assert net.open_streams() == []
        with trio.move_on_after(10) as nobody:
            await listener.accept_batch(1)
        assert nobody.cancelled_caught


async def test_a_listener_that_closes_under_the_handshake_cuts_the_client(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery
) -> None:
    listener = await listen_on_b(net)

    async def close_later() -> None:
        await trio.sleep(1.5)
        await listener.aclose()

    nursery.start_soon(close_later)
    async with await a.connect(B) as near:
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(1)
        assert trio.current_time() == 2.5


async def test_bytes_sent_at_once_arrive_with_the_handshake(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    async with aclosing(await listen_on_b(net)) as listener, await a.connect(B) as near:
        near.send_nowait(b"GET /")
        (far,) = await listener.accept_batch(1)
        async with far:
            assert await far.receive_some(100) == b"GET /"
            assert trio.current_time() == 3 * LATENCY


@pytest.mark.parametrize("sent_by", ["a", "b"])
async def test_a_jam_holds_the_syn_or_its_answer_and_lets_it_go(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery, sent_by: str
) -> None:
    path = net.link("a", "b").path_from(sent_by)

    async def clear_later() -> None:
        await trio.sleep(60)
        path.clear(60.0)

    async with aclosing(await listen_on_b(net)):
        path.jam(0.0)
        nursery.start_soon(clear_later)
        async with await a.connect(B):
            assert trio.current_time() == (61.0 if sent_by == "a" else 60.0)


async def test_a_jam_that_becomes_a_cut_has_lost_the_syn(
    net: VirtualNetwork, a: HostNetwork, nursery: trio.Nursery
) -> None:
    path = net.link("a", "b").path_from("a")

    async def cut_then_mend() -> None:
        await trio.sleep(4)
        path.stall(4.0)
        path.clear(4.0)
        await trio.sleep(0.5)
        path.mend(4.5)

    async with aclosing(await listen_on_b(net)):
        path.jam(0.0)
        nursery.start_soon(cut_then_mend)
        async with await a.connect(B):
            # Those of 0, 1 and 3 s are lost with each other: the next one leaves at 7 s.
            assert trio.current_time() == 7.0 + 2 * LATENCY


@pytest.mark.parametrize(
    ("cleared_at", "syn_at"),
    [
        pytest.param(
            18.0, 33.0, id="those of 2, 3, 5, 9 and 17 s are all there before the place is"
        ),
        pytest.param(5.5, 5.0, id="those of 2 and 3 s are, and that of 5 s comes in its own time"),
    ],
)
async def test_syns_that_a_jam_held_meet_a_full_backlog_together(
    net: VirtualNetwork,
    a: HostNetwork,
    nursery: trio.Nursery,
    cleared_at: float,
    syn_at: float,
) -> None:
    path = net.link("a", "b").path_from("a")

    async def clear_then_accept() -> None:
        await trio.sleep_until(cleared_at)
        path.clear(cleared_at)
        await trio.sleep(0.25)
        for far in await listener.accept_batch(16):
            far.close()

    async with aclosing(await listen_on_b(net, backlog=0)) as listener:
        async with await a.connect(B):
            path.jam(2.0)
            nursery.start_soon(clear_then_accept)
            async with await a.connect(B):
                assert trio.current_time() == syn_at + 2 * LATENCY


async def test_each_syn_that_a_jam_held_is_answered(
    net: VirtualNetwork,
    a: HostNetwork,
    nursery: trio.Nursery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there, back = map(net.link("a", "b").path_from, "ab")
    lost = [True, True]
    monkeypatch.setattr(back, "is_lost", lambda: bool(lost) and lost.pop())

    async def clear_later() -> None:
        await trio.sleep(10)
        there.clear(10.0)

    async with aclosing(await listen_on_b(net)) as listener:
        there.jam(0.0)
        nursery.start_soon(clear_later)
        async with await a.connect(B):
            assert trio.current_time() == 10.0 + LATENCY, "the answer to the third SYN of four"
            (far,) = await listener.accept_batch(16)
            assert trio.current_time() == 10.0 + 2 * LATENCY
            far.close()


async def test_who_gives_up_in_a_jam_leaves_nothing_in_it(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    path = net.link("a", "b").path_from("a")
    async with aclosing(await listen_on_b(net)):
        path.jam(0.0)
        for _ in range(1000):
            with trio.move_on_after(2 * LATENCY):
                await a.connect(B)
            assert path.held_handshakes == 0
    assert net.open_streams() == []


async def test_who_waits_as_long_as_for_silence_leaves_nothing_in_the_jam(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    path = net.link("a", "b").path_from("a")
    path.jam(0.0)
    assert await failure_of(a) == (False, 127.0)
    assert path.held_handshakes == 0


async def test_nobody_waits_longer_for_a_jam_than_for_silence(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    async with aclosing(await listen_on_b(net)):
        net.link("a", "b").path_from("a").jam(0.0)
        assert await failure_of(a) == (False, 127.0)


@pytest.mark.parametrize(
    ("connects", "seen"),
    [(Connects.REFUSE, (True, 2 * LATENCY)), (Connects.BLACKHOLE, (False, 127.0))],
)
async def test_a_host_can_refuse_or_swallow_whoever_dials_it(
    net: VirtualNetwork, a: HostNetwork, connects: Connects, seen: tuple[bool, float]
) -> None:
    async with aclosing(await listen_on_b(net)):
        net.host("b").connects = connects
        assert await failure_of(a) == seen


@pytest.mark.parametrize(
    ("overflow", "seen"),
    [(Overflow.RESET, (True, 2 * LATENCY)), (Overflow.DROP, (False, 127.0))],
)
async def test_a_capped_backlog_has_no_place_and_says_so_or_not(
    net: VirtualNetwork, a: HostNetwork, overflow: Overflow, seen: tuple[bool, float]
) -> None:
    async with aclosing(await listen_on_b(net)):
        net.host("b").backlog_cap, net.host("b").overflow = -1, overflow
        assert await failure_of(a) == seen


async def test_greeters_see_each_end_before_anything_is_sent(
    net: VirtualNetwork, a: HostNetwork
) -> None:
    met: list[tuple[str, bool, float]] = []
    places: dict[str, Link | HostNetwork]
    places = {"link": net.link("a", "b"), "a": a, "b": net.host("b")}

    def greeter(name: str) -> Greeter:
        return lambda end: met.append((name, end.has_dialled, trio.current_time()))

    for name, place in places.items():
        place.greeters.append(greeter(name))
    async with aclosing(await listen_on_b(net)), await a.connect(B):
        assert met == [
            ("link", True, 1.0),
            ("a", True, 1.0),
            ("link", False, 1.0),
            ("b", False, 1.0),
        ]


def test_what_has_ended_leads_nowhere_and_the_rest_can_be_left() -> None:
    ended = [at for at, steps in TRANSITIONS.items() if not steps]
    assert ended == [At.STANDS, At.FAILED, At.LEFT]
    assert all(Step.LEAVE in steps for at, steps in TRANSITIONS.items() if at not in ended)
