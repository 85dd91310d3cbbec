"""A client's connection against a server that is played in raw bytes: each try is told once."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio

from tests.sim.actors.support import Theatre, once, play
from trio_lb.model.address import Address
from trio_lb.sim.actors.asking import LeavesAfter, SlowBody, SlowHead
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import What
from trio_lb.sim.stream import VirtualStream

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: s1\r\n\r\n"
Part = Callable[[VirtualStream], Awaitable[object]]


def played(
    *parts: Part,
    policy: ClientPolicy | None = None,
    at: tuple[float, ...] = (0.0,),
    depth: int = 1,
    window_bytes: int = 65536,
) -> Theatre:
    """Let a client ask at these instants; each connection that comes is played by one part."""

    async def act(theatre: Theatre) -> None:
        host = theatre.net.host("s1")
        listener = await host.listen(Address(host.address, 80))
        client = theatre.client(once(*at), policy or ClientPolicy(timeout=60.0))
        client.depth = depth
        client.start()
        async with trio.open_nursery() as nursery:
            for part in parts:
                (stream,) = await listener.accept_batch(1)
                nursery.start_soon(part, stream)
        await trio.sleep(100.0)
        client.stop()
        await client.wait_quiet()
        assert len(client.lines) == 0

    return play(act, window_bytes=window_bytes)


def says(*pieces: bytes, then: str = "keep") -> Part:
    """A server that reads once, says this, and parts."""

    async def part(stream: VirtualStream) -> None:
        await stream.receive_some(65536)
        with suppress(trio.BrokenResourceError):
            for piece in pieces:
                await stream.send_some(piece)
                await trio.sleep(0.1)
        match then:
            case "fin":
                stream.close()
            case "reset":
                stream.abort()

    return part


ENDS = [
    (says(OK + b"1 "), ("answer", (200, 2, "s1"))),
    (says(OK, b"1", b" "), ("answer", (200, 2, "s1"))),
    (says(b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + OK + b"1 "), ("answer", (200, 2, "s1"))),
    (says(b"HTTP/1.1 204 No Content\r\n\r\n"), ("answer", (204, 0, ""))),
    (says(b"HTTP/1.1 200 OK\r\n\r\nabc", then="fin"), ("answer", (200, 3, ""))),
    (says(then="fin"), ("fail", ("closed", 0))),
    (says(then="reset"), ("fail", ("reset", 0))),
    (says(OK + b"1", then="fin"), ("fail", ("cut", 1))),
    (says(OK[:20], then="reset"), ("fail", ("cut", 0))),
    (says(b"SSH-2.0\r\n\r\n"), ("fail", ("garbled", 0))),
    (says(OK.replace(b"2", b"x", 1)), ("fail", ("garbled", 0))),
    (says(OK + b"7 "), ("fail", ("alien", 1))),
    (says(OK + b"1x"), ("fail", ("altered", 1))),
]


@pytest.mark.parametrize(("part", "told"), ENDS)
def test_a_try_is_told_what_became_of_it_once(
    part: Part, told: tuple[str, tuple[int | str, ...]]
) -> None:
    heard = played(part).told(What.ANSWER, What.FAIL)
    assert len(heard) == 1
    _, what, values = heard[0]
    if what == "answer":
        status, size, _, server = values
        assert ("answer", (status, size, server)) == told
    else:
        reason, _, had_head = values
        assert ("fail", (reason, had_head)) == told


def test_a_status_line_without_a_number_is_garbled() -> None:
    heard = played(says(b"HTTP/1.1 OK\r\n\r\n")).told(What.FAIL)
    assert [values[0] for _, _, values in heard] == ["garbled"]


def test_an_answer_comes_on_the_connection_of_the_one_before() -> None:
    async def part(stream: VirtualStream) -> None:
        for number in (b"1", b"2"):
            await stream.receive_some(65536)
            await stream.send_some(OK + number + b" ")

    theatre = played(part, at=(0.0, 1.0))
    assert len(theatre.told(What.ANSWER)) == 2
    assert len({each.conn for each in theatre.heard if each.what is What.TRY}) == 1


def test_a_second_answer_to_one_request_is_told_and_given_to_nobody() -> None:
    twice = says(OK + b"1 " + OK + b"1 ")
    theatre = played(twice, says(OK + b"2 "), at=(0.0, 1.0))
    assert [values for _, _, values in theatre.told(What.NOTE)] == [
        ("bytes that nobody asked for", len(OK) + 2)
    ]
    assert len(theatre.told(What.ANSWER)) == 2


def test_bytes_on_a_connection_that_rests_are_told() -> None:
    theatre = played(says(OK + b"1 ", b"HTTP/1.1 408 Request Timeout\r\n\r\n"))
    assert [(at, values[1]) for at, _, values in theatre.told(What.NOTE)] == [(0.104, 32)]


def test_who_asks_head_expects_no_body() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server()
        stream = await theatre.dial()
        await stream.send_some(b"HEAD / HTTP/1.1\r\nUser-Agent: sim/1\r\n\r\n")
        data = await stream.receive_some(1000)
        assert data.endswith(b"\r\n\r\n")
        assert b"Content-Length: 2" in data

    play(act)


def test_impatience_resets_the_connection() -> None:
    ends: list[float] = []

    async def part(stream: VirtualStream) -> None:
        await stream.receive_some(65536)
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(65536)
        ends.append(round(trio.current_time(), 9))

    theatre = played(part, policy=ClientPolicy(timeout=2.0))
    assert theatre.told(What.FAIL) == [(2.0, "fail", ("timeout", 2_000_000_000, 0))]
    assert ends == [2.001]


def test_who_leaves_in_mid_answer_takes_no_byte_more() -> None:
    policy = ClientPolicy(timeout=60.0, habits=(LeavesAfter(len(OK) + 1),))
    theatre = played(says(OK, b"1", b" "), policy=policy)
    assert theatre.told(What.ANSWER, What.FAIL) == [(0.104, "fail", ("left", 104_000_000, 1))]


@pytest.mark.parametrize(("habit", "quick"), [(SlowHead(2.0), 0), (SlowBody(2.0), 82)])
def test_a_slowloris_sends_a_byte_now_and_then(habit: SlowHead | SlowBody, quick: int) -> None:
    came: list[tuple[float, int]] = []

    async def part(stream: VirtualStream) -> None:
        while data := await stream.receive_some(65536):
            came.append((round(trio.current_time(), 9), len(data)))
            if len(came) == 4:
                await stream.send_some(OK + b"1 ")
                stream.close()
                return

    policy = ClientPolicy(timeout=60.0, habits=(habit,))
    theatre = played(part, policy=policy)
    assert came == [(0.003, quick + 1), (2.003, 1), (4.003, 1), (6.003, 1)]
    assert len(theatre.told(What.ANSWER)) == 1  # It came before the request was whole.


def test_a_slow_reader_takes_so_much_and_then_pauses() -> None:
    body = b"1 " * 50
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Served-By: s1\r\n\r\n"
    policy = ClientPolicy(timeout=600.0, pace=Pace(size_bytes=40, every_seconds=5.0))
    theatre = played(says(head + body), policy=policy)
    assert [at for at, _, _ in theatre.told(What.ANSWER)] == [15.004]  # 158 bytes: four gulps.


def test_what_arrives_while_a_slow_reader_pauses_does_not_wake_it() -> None:
    async def part(stream: VirtualStream) -> None:
        await stream.receive_some(65536)
        await stream.send_some(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Served-By: s1\r\n\r\n")
        for _ in range(50):
            await stream.send_some(b"1 ")
            await trio.sleep(0.05)

    policy = ClientPolicy(timeout=600.0, pace=Pace(size_bytes=40, every_seconds=5.0))
    theatre = played(part, policy=policy)
    assert [at for at, _, _ in theatre.told(What.ANSWER)] == [15.004]


def test_pipelined_tries_are_answered_in_their_order() -> None:
    async def part(stream: VirtualStream) -> None:
        data = b""
        while data.count(b"\r\n\r\n") < 3:
            data += await stream.receive_some(65536)
        assert [data.index(b"sim/%d" % number) for number in (1, 2, 3)] == sorted(
            data.index(b"sim/%d" % number) for number in (1, 2, 3)
        )
        await stream.send_some(OK + b"1 " + OK + b"2 " + OK + b"3 ")

    theatre = played(part, at=(0.0, 1.0, 2.0), depth=3)
    assert [values[:2] for _, _, values in theatre.told(What.ANSWER)] == [(200, 2)] * 3
    assert [each.req for each in theatre.heard if each.what is What.ANSWER] == [1, 2, 3]


def test_who_asked_behind_one_that_ends_the_connection_gets_no_answer() -> None:
    last = says(OK.replace(b"X-", b"Connection: close\r\nX-") + b"1 ")
    policy = ClientPolicy(timeout=60.0)

    async def slowly(stream: VirtualStream) -> None:
        await trio.sleep(2.0)
        await last(stream)

    theatre = played(slowly, at=(0.0, 1.0), depth=2, policy=policy)
    assert [(what, values[0]) for _, what, values in theatre.told(What.ANSWER, What.FAIL)] == [
        ("fail", "closed"),
        ("answer", 200),
    ]


def test_a_large_request_goes_out_as_the_window_opens() -> None:
    came: list[bytes] = []

    async def part(stream: VirtualStream) -> None:
        while sum(map(len, came)) < 1000:
            came.append(await stream.receive_some(65536))
        await stream.send_some(OK + b"1 ")

    policy = ClientPolicy(timeout=60.0, posts=1.0, size=Fixed(1000))
    theatre = played(part, policy=policy, window_bytes=300)
    assert len(theatre.told(What.ANSWER)) == 1
    assert max(map(len, came)) == 300
    assert b"".join(came).endswith(b"1 1 1 ")
