"""Servers: queue, cold start, dependency; and dying, standing still and coming back."""

import pytest
import trio

from tests.sim.actors.support import Theatre, play, read_until_silence, request
from trio_lb.net.env import ConnectError
from trio_lb.sim.actors.server import ColdStart, Dependency, ServerSettings
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import What


def replies(theatre: Theatre) -> list[float]:
    """When whole answers left."""
    return [at for at, _, _ in theatre.told(What.REPLY)]


def test_so_many_are_served_at_once_and_the_next_when_a_place_is_free() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(1.0), concurrency=2))
        for number in (1, 2, 3):
            stream = await theatre.dial()
            await stream.send_some(request(number))
        await trio.sleep(5.0)

    assert replies(play(act)) == [1.003, 1.005, 2.003]


def test_a_cold_server_gets_faster_in_a_straight_line() -> None:
    cold = ColdStart(factor=5.0, seconds=10.0)
    assert [cold.factor_at(age) for age in (0.0, 2.5, 5.0, 10.0, 99.0)] == [5.0, 4.0, 3.0, 1.0, 1.0]

    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(0.1), cold_start=cold))
        stream = await theatre.dial()
        await trio.sleep_until(4.999)
        await stream.send_some(request(1))
        await stream.receive_some(1000)
        await trio.sleep_until(19.999)
        await stream.send_some(request(2))
        await stream.receive_some(1000)

    assert replies(play(act)) == [5.3, 20.1]


def test_a_slow_server_takes_so_many_times_as_long() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(0.1)))
        server.slow_factor = 40.0
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await stream.receive_some(1000)

    assert replies(play(act)) == [4.003]


def test_servers_share_the_places_of_what_they_depend_on() -> None:
    async def act(theatre: Theatre) -> None:
        pool = Dependency(theatre.stage, "database", Fixed(1.0), 1)
        for name in ("s1", "s2"):
            await theatre.server(name, pool, ServerSettings(service=Fixed(0.1)))
        for number, name in enumerate(("s1", "s2"), 1):
            stream = await theatre.dial(name)
            await stream.send_some(request(number))
        await trio.sleep(5.0)

    assert replies(play(act)) == [1.103, 2.103]


def test_a_server_that_crashes_answers_nobody_and_comes_back_empty() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(1.0), concurrency=1))
        for number in (1, 2):
            stream = await theatre.dial()
            await stream.send_some(request(number))
        await trio.sleep_until(0.5)
        server.crash(fin=True)
        assert (server.station.waiting, server.connections, server.host.listeners) == (0, {}, [])
        with pytest.raises(ConnectError):
            await theatre.dial()
        server.restart()
        stream = await theatre.dial()
        await stream.send_some(request(3))
        await stream.receive_some(1000)

    theatre = play(act)
    assert theatre.told(What.DROP, What.REPLY) == [
        (0.5, "drop", ("crash",)),
        (0.5, "drop", ("crash",)),
        (1.505, "reply", (200, 2, 1_000_000_000)),
    ]


def test_a_restart_of_who_is_up_changes_nothing() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        server.restart()
        assert len(server.host.listeners) == 1

    play(act)


def test_while_a_server_stands_still_nobody_is_answered_and_then_all_at_once() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(0.1)))
        early = await theatre.dial()
        await early.send_some(request(1))
        await trio.sleep_until(0.05)
        server.pause()
        late = await theatre.dial()  # The kernel still shakes hands.
        await late.send_some(request(2))
        await trio.sleep_until(5.0)
        server.resume()
        await read_until_silence(late)

    theatre = play(act)
    assert theatre.told(What.TAKE, What.REPLY) == [
        (0.003, "take", ("GET", 0, 0)),
        (5.0, "reply", (200, 2, 4_997_000_000)),
        (5.0, "take", ("GET", 0, 0)),
        (5.1, "reply", (200, 2, 100_000_000)),
    ]


def test_what_a_dependency_says_to_a_server_that_stands_still_waits_for_it() -> None:
    async def act(theatre: Theatre) -> None:
        pool = Dependency(theatre.stage, "database", Fixed(1.0), 1)
        server = await theatre.server("s1", pool, ServerSettings(service=Fixed(0.1)))
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await trio.sleep_until(0.5)
        server.pause()
        await trio.sleep_until(7.0)
        server.resume()
        await stream.receive_some(1000)

    assert replies(play(act)) == [7.0]


def test_who_died_while_it_stood_still_is_not_paused_when_it_comes_back() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(0.1)))
        server.pause()
        server.crash()
        server.restart()
        stream = await theatre.dial()
        await stream.send_some(request(1))
        await stream.receive_some(1000)

    assert replies(play(act)) == [0.103]


def test_a_server_without_memory_sheds_what_it_cannot_hold() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(1.0)))
        server.memory_limit = 250.0
        for number in (1, 2, 3):
            stream = await theatre.dial()
            await stream.send_some(request(number, method="POST", body=b"%d " % number * 20))
        await trio.sleep(5.0)

    statuses = [values[0] for _, _, values in play(act).told(What.REPLY)]
    assert statuses == [503, 200, 200]  # Two of 115 bytes fit, the third is sent away at once.


def test_a_server_without_descriptors_tries_again_a_second_later() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server(settings=ServerSettings(service=Fixed(0.1)))
        server.host.cannot_accept = True
        streams = [await theatre.dial() for _ in range(2)]
        for number, stream in enumerate(streams, 1):
            await stream.send_some(request(number))
        await trio.sleep_until(3.5)
        server.host.descriptors.limit = None
        server.host.cannot_accept = False
        await trio.sleep(5.0)

    assert replies(play(act)) == [3.6, 3.6]


def test_a_server_that_closes_says_fin_to_everybody() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        stream = await theatre.dial()
        await trio.sleep(0.1)
        server.close()
        assert await stream.receive_some(10) == b""
        assert (server.connections, server.host.listeners) == ({}, [])

    play(act)
