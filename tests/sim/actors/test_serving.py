"""A server's connection, spoken to in raw bytes: one request at a time, each told to its end."""

import pytest
import trio

from tests.sim.actors.support import Theatre, play, read_until_silence, request
from trio_lb.model.errors import IllegalTransition
from trio_lb.sim.actors.conduct import Answer, Then
from trio_lb.sim.actors.server import ServerSettings, Streaming, WhenFull
from trio_lb.sim.actors.serving import TRANSITIONS, At, ServerConnection, Step
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import What
from trio_lb.sim.stream import VirtualStream

SERVED = (What.ACCEPT, What.TAKE, What.BEGIN, What.REPLY, What.DROP, What.NOTE, What.PROBE)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: s1\r\n\r\n"


def test_every_state_knows_every_step_or_names_it_an_error() -> None:
    assert set(TRANSITIONS) == set(At)
    for at in At:
        for step in Step:
            connection = ServerConnection.__new__(ServerConnection)
            connection._at = at
            if step in TRANSITIONS[at]:
                connection._take(step)
                assert connection._at is TRANSITIONS[at][step]
            else:
                with pytest.raises(IllegalTransition, match=f"{at.value}: {step.value}"):
                    connection._take(step)


def test_a_request_is_taken_begun_and_answered_at_exact_instants() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(0.5)))
        stream = await theatre.dial()  # 0.002 s: a round trip
        await stream.send_some(request(7))
        assert await stream.receive_some(1000) == ANSWER + b"7 "
        assert round(trio.current_time(), 9) == 0.504
        stream.close()
        await trio.sleep(1.0)

    theatre = play(act)
    assert theatre.told(*SERVED) == [
        (0.003, "accept", ()),
        (0.003, "take", ("GET", 0, 0)),
        (0.003, "begin", (0,)),
        (0.503, "reply", (200, 2, 500_000_000)),
    ]


def test_what_is_pipelined_is_answered_in_its_order_one_after_the_other() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(0.5)))
        stream = await theatre.dial()
        await stream.send_some(request(1) + request(2) + request(3))
        assert await read_until_silence(stream) == ANSWER + b"1 " + ANSWER + b"2 " + ANSWER + b"3 "

    theatre = play(act)
    assert [at for at, _, _ in theatre.told(What.REPLY)] == [0.503, 1.003, 1.503]


def test_thousands_of_pipelined_requests_do_not_nest() -> None:
    async def act(theatre: Theatre) -> None:
        settings = ServerSettings(concurrency=0, queue=0)
        await theatre.server(settings=settings)
        stream = await theatre.dial()
        data = b"".join(request(number) for number in range(1, 3001))
        while data:
            data = data[await stream.send_some(data) :]
        answers = await read_until_silence(stream)
        assert answers.count(b"HTTP/1.1 503 ") == 3000

    play(act, window_bytes=1 << 20)


def test_an_end_of_file_behind_requests_does_not_stop_their_answers() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(0.5)))
        stream = await theatre.dial()
        await stream.send_some(request(1) + request(2))
        await stream.send_eof()
        assert await read_until_silence(stream) == ANSWER + b"1 " + ANSWER + b"2 "
        assert await stream.receive_some(10) == b""

    assert [what for _, what, _ in play(act).told(What.REPLY, What.DROP)] == ["reply", "reply"]


def test_an_end_of_file_in_mid_request_ends_the_connection_and_is_told() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        stream = await theatre.dial()
        await stream.send_some(request(1, method="POST", body=b"1 1 1 ")[:-2])
        await stream.send_eof()
        assert await stream.receive_some(10) == b""
        assert server.connections == {}

    assert [values for _, _, values in play(act).told(What.DROP)] == [("gone",)]


@pytest.mark.parametrize(("notices", "free_at"), [(True, 0.104), (False, 1.003)])
def test_work_for_who_left_is_given_up_only_by_those_who_notice(
    notices: bool, free_at: float
) -> None:
    async def act(theatre: Theatre) -> None:
        settings = ServerSettings(service=Fixed(1.0), notices_leaving=notices)
        server = await theatre.server(settings=settings)
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await trio.sleep_until(0.103)
        stream.abort()
        await trio.sleep_until(free_at - 0.0005)
        assert len(server.station.in_service) == 1
        await trio.sleep_until(free_at + 0.0005)
        assert len(server.station.in_service) == 0

    assert play(act).told(What.DROP, What.REPLY) == [(0.104, "drop", ("gone",))]


def test_a_request_that_is_not_http_is_told_and_reset() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server()
        stream = await theatre.dial()
        await stream.send_some(b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n")
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(10)

    assert [values for _, _, values in play(act).told(What.NOTE)] == [
        ("garbled request: content-length b'x'",)
    ]


def test_what_is_no_request_line_is_told_as_text_that_can_be_printed() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server()
        stream = await theatre.dial()
        proxy_header = b"\r\n\r\n\x00\r\nQUIT\n"  # As PROXY protocol v2 begins.
        await stream.send_some(proxy_header + b" " + request(1))
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(10)

    theatre = play(act)
    assert [values for _, _, values in theatre.told(What.NOTE)] == [
        ("garbled request: request line b''",)
    ]
    assert theatre.told(What.TAKE) == []


def test_a_body_that_was_altered_on_its_way_is_told() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server()
        stream = await theatre.dial()
        await stream.send_some(request(1, method="POST", body=b"1 2 1 "))
        await stream.receive_some(100)

    assert [values for _, _, values in play(act).told(What.NOTE)] == [
        ("a request's body was altered",)
    ]


def test_a_probe_is_no_request_and_does_not_wait_in_the_queue() -> None:
    async def act(theatre: Theatre) -> None:
        settings = ServerSettings(concurrency=0, queue=0, health=503)
        await theatre.server(settings=settings)
        stream = await theatre.dial()
        await stream.send_some(b"GET /h HTTP/1.1\r\nUser-Agent: trio-lb-health/9\r\n\r\n")
        assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 503 ")

    assert play(act).told(*SERVED) == [(0.003, "accept", ()), (0.004, "probe", (503,))]


def test_who_comes_when_all_is_full_is_answered_503_or_reset() -> None:
    async def act(theatre: Theatre) -> None:
        full = ServerSettings(concurrency=0, queue=0)
        await theatre.server("s1", settings=full)
        await theatre.server(
            "s2",
            settings=ServerSettings(concurrency=0, queue=0, when_full=WhenFull.RESET),
        )
        polite, rude = await theatre.dial("s1"), await theatre.dial("s2")
        await polite.send_some(request(1))
        await rude.send_some(request(2))
        assert (await polite.receive_some(1000)).startswith(b"HTTP/1.1 503 ")
        with pytest.raises(trio.BrokenResourceError):
            await rude.receive_some(10)

    told = [values for _, _, values in play(act).told(What.DROP, What.REPLY)]
    assert told == [(503, 4, 0), ("full",)]


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET, Then.HANG])
def test_after_an_answer_the_server_parts_as_it_was_told_to(then: Then) -> None:
    def conduct(answer: Answer) -> None:
        answer.then = then

    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        server.conducts.append(conduct)
        stream = await theatre.dial()
        await stream.send_some(request(1))
        assert await stream.receive_some(1000) == ANSWER + b"1 "
        match then:
            case Then.CLOSE:
                assert await stream.receive_some(10) == b""
            case Then.RESET:
                with pytest.raises(trio.BrokenResourceError):
                    await stream.receive_some(10)
            case _:
                with trio.move_on_after(100.0) as scope:
                    await stream.receive_some(10)
                assert scope.cancelled_caught
                server.crash()  # What was told is not told again.

    told = [values for _, _, values in play(act).told(What.DROP, What.REPLY)]
    assert told == ([(200, 2, 10_000_000)] if then is Then.CLOSE else [("fault",)])


def test_an_endless_answer_goes_on_until_the_client_leaves() -> None:
    def conduct(answer: Answer) -> None:
        answer.then = Then.ENDLESS

    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        server.conducts.append(conduct)
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await trio.sleep_until(1.05)
        data = b""
        while (piece := stream.receive_nowait(65536)) is not None:
            data += piece
        assert data.count(b"400\r\n" + b"." * 1024 + b"\r\n") == 10
        stream.abort()
        await trio.sleep(1.0)
        assert server.connections == {}

    assert [values for _, _, values in play(act).told(What.DROP, What.REPLY)] == [("gone",)]


def test_a_streamed_answer_comes_piece_by_piece() -> None:
    async def act(theatre: Theatre) -> None:
        settings = ServerSettings(
            service=Fixed(0.1), size=Fixed(6), streaming=Streaming(pieces=3, every_seconds=0.5)
        )
        await theatre.server(settings=settings)
        stream = await theatre.dial()
        await stream.send_some(request(1))
        came = []
        for _ in range(3):
            data = await stream.receive_some(1000)
            came.append((round(trio.current_time(), 9), data[-7:]))
        assert came == [
            (0.104, b"2\r\n1 \r\n"),
            (0.604, b"2\r\n1 \r\n"),
            (1.104, b"\r\n0\r\n\r\n"),
        ]

    assert play(act).told(What.REPLY) == [(1.103, "reply", (200, 6, 1_100_000_000))]


def test_an_idle_connection_is_closed_when_the_server_wants_it_no_longer() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(keep_alive_seconds=5.0))
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await stream.receive_some(1000)
        assert await stream.receive_some(10) == b""
        assert round(trio.current_time(), 9) == 5.014  # Answered at 0.013.

    play(act)


def test_a_connection_that_a_fault_took_away_is_forgotten_and_told() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await trio.sleep_until(0.005)
        (connection,) = server.connections.values()
        assert isinstance(connection.stream, VirtualStream)
        connection.stream.vanish()
        await trio.sleep(1.0)
        assert server.connections == {}

    assert [values for _, _, values in play(act).told(What.DROP, What.REPLY)] == [("fault",)]
