"""Handing answers over: all bytes, in their order, whatever the window."""

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.actors.support import Theatre, play, read_until_silence, request
from trio_lb.sim.actors.http1 import body_of
from trio_lb.sim.actors.server import ServerSettings
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import What


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3000), st.integers(1, 400))
def test_a_small_window_takes_an_answer_bit_by_bit_and_all_of_it(
    size: int, window_bytes: int
) -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(size=Fixed(size)))
        stream = await theatre.dial()
        data = request(5)
        while data:
            data = data[await stream.send_some(data) :]
        _, _, body = (await read_until_silence(stream)).partition(b"\r\n\r\n")
        assert body == body_of(5, size)

    theatre = play(act, window_bytes=window_bytes)
    assert [values[:2] for _, _, values in theatre.told(What.REPLY)] == [(200, size)]


def test_an_answer_is_sent_when_its_last_byte_was_handed_over() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(0.0), size=Fixed(1000)))
        stream = await theatre.dial()
        await stream.send_some(request(5))
        await trio.sleep_until(10.0)
        assert len(await read_until_silence(stream)) == 1058

    (told,) = play(act, window_bytes=600).told(What.REPLY)
    assert told[0] == 10.001  # 600 bytes lie there until somebody reads.


def test_nothing_is_handed_over_to_a_client_that_is_gone() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(size=Fixed(1000)))
        stream = await theatre.dial()
        await stream.send_some(request(5))
        await trio.sleep_until(1.0)
        stream.abort()
        await trio.sleep(1.0)
        assert server.connections == {}

    assert play(act, window_bytes=600).told(What.REPLY, What.DROP) == [(1.001, "drop", ("gone",))]
