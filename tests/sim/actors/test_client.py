"""Clients: loads, connecting, retries, and coming to an end."""

import trio

from tests.sim.actors.support import Theatre, once, play
from trio_lb.model.address import Address
from trio_lb.sim.actors.client import ClosedLoop, OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy, Exponential
from trio_lb.sim.actors.server import ServerSettings
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import What


def test_an_open_loop_does_not_wait_for_answers() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(5.0)))
        client = theatre.client(once(0.0, 1.0, 2.0))
        client.start()
        await trio.sleep(10.0)

    assert [at for at, _, _ in play(act).told(What.ARRIVE)] == [0.0, 1.0, 2.0]


def test_users_of_a_closed_loop_think_after_each_answer() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(1.0)))
        client = theatre.client(ClosedLoop(users=2, think=Fixed(3.0)))
        client.start()
        await trio.sleep_until(8.0)
        client.stop()
        await client.wait_quiet()

    theatre = play(act)
    # A round trip to connect, one to ask, a second of work; the second time no connecting.
    assert [at for at, _, _ in theatre.told(What.ARRIVE)] == [3.0, 3.0, 7.004, 7.004]
    assert [at for at, _, _ in theatre.told(What.DONE)] == [4.004, 4.004, 8.006, 8.006]


def test_the_share_of_posts_is_drawn_and_their_bodies_arrive_whole() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server()
        policy = ClientPolicy(posts=0.5, size=Fixed(1000))
        client = theatre.client(OpenLoop(Poisson(50.0)), policy)
        client.start()
        await trio.sleep(10.0)
        client.stop()
        await client.wait_quiet()

    theatre = play(act)
    methods = [values[0] for _, _, values in theatre.told(What.TAKE)]
    assert 0.4 < methods.count("POST") / len(methods) < 0.6
    assert theatre.told(What.NOTE, What.FAIL) == []


def test_nobody_listening_is_refused_and_nobody_there_is_a_timeout_of_connecting() -> None:
    async def refused(theatre: Theatre) -> None:
        theatre.net.host("s1")
        theatre.client(once(0.0)).start()
        await trio.sleep(5.0)

    async def silent(theatre: Theatre) -> None:
        theatre.net.host("s1").crash()
        theatre.client(once(0.0), ClientPolicy(timeout=2.0)).start()
        await trio.sleep(5.0)

    assert play(refused).told(What.FAIL) == [(0.002, "fail", ("refused", 2_000_000, 0))]
    assert play(silent).told(What.FAIL) == [(2.0, "fail", ("connect", 2_000_000_000, 0))]


def test_a_connection_that_comes_too_late_is_closed_and_used_by_nobody() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        client = theatre.client(once(0.0))
        client.start()
        await trio.sleep_until(0.001)
        client.stop()
        client.leave()
        await trio.sleep(1.0)
        assert (server.connections, len(client.lines)) == ({}, 0)

    assert play(act).told(What.TRY, What.DONE) == [(0.001, "done", (0, 1, 1_000_000, "left"))]


def test_targets_are_taken_in_turn() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server("s1")
        await theatre.server("s2")
        client = theatre.client(once(0.0, 1.0, 2.0, 3.0), ClientPolicy(requests_per_connection=1))
        both = [Address(theatre.net.host(name).address, 80) for name in ("s1", "s2")]
        client._targets = lambda: both
        client.start()
        await trio.sleep(5.0)

    servers = [values[3] for _, _, values in play(act).told(What.ANSWER)]
    assert servers in (["s1", "s2"] * 2, ["s2", "s1"] * 2)


def test_retries_that_a_fault_adds_follow_at_once() -> None:
    async def act(theatre: Theatre) -> None:
        theatre.net.host("s1")
        client = theatre.client(once(0.0), ClientPolicy(backoff=Exponential(base=5.0)))
        client.extra_retries = 2
        client.start()
        await trio.sleep(20.0)

    assert [at for at, _, _ in play(act).told(What.FAIL)] == [0.002, 0.004, 0.006]


def test_after_its_end_a_client_wants_nothing_and_finishes_what_it_began() -> None:
    async def act(theatre: Theatre) -> None:
        await theatre.server(settings=ServerSettings(service=Fixed(5.0)))
        client = theatre.client(once(0.0, 1.0, 2.0))
        client.start()
        await trio.sleep_until(1.5)
        client.stop()
        await client.wait_quiet()
        assert round(trio.current_time(), 9) == 6.004
        assert len(client.lines) == 0

    assert len(play(act).told(What.DONE)) == 2
