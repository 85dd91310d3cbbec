"""A client's connections: which one is taken, when they end."""

import trio

from tests.sim.actors.support import Theatre, once, play
from trio_lb.sim.actors.asking import SlowHead
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.happening import What


def connections(theatre: Theatre) -> list[int]:
    """The connection of each try, by the number in which they were first used."""
    tries = [each.conn for each in theatre.heard if each.what is What.TRY]
    order = list(dict.fromkeys(tries))
    return [order.index(conn) for conn in tries]


def asked(*instants: float, policy: ClientPolicy, depth: int = 1) -> Theatre:
    """Let a client ask a server at these instants."""

    async def act(theatre: Theatre) -> None:
        await theatre.server()
        client = theatre.client(once(*instants), policy)
        client.depth = depth
        client.start()
        await trio.sleep(instants[-1] + 1.0)
        client.stop()
        await client.wait_quiet()
        assert len(client.lines) == 0

    return play(act)


def test_a_connection_that_rests_is_used_again_the_last_one_first() -> None:
    theatre = asked(0.0, 0.001, 1.0, 2.0, policy=ClientPolicy())
    assert connections(theatre) == [0, 1, 1, 1]


def test_a_connection_carries_so_many_tries_and_no_more() -> None:
    theatre = asked(0.0, 1.0, 2.0, 3.0, policy=ClientPolicy(requests_per_connection=2))
    assert connections(theatre) == [0, 0, 1, 1]


def test_a_connection_that_has_rested_for_long_is_closed_at_that_very_instant() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        client = theatre.client(once(0.0, 3.0), ClientPolicy(idle_seconds=5.0))
        client.start()
        await trio.sleep_until(8.0)
        assert len(client.lines) == 1  # Answered at 3.012, so it rests until 8.012.
        await trio.sleep_until(8.0125)
        assert len(client.lines) == 0
        await trio.sleep(1.0)
        assert server.connections == {}

    theatre = play(act)
    assert connections(theatre) == [0, 0]


def test_requests_wait_on_one_connection_up_to_the_depth() -> None:
    theatre = asked(0.0, 0.003, 0.004, 0.0065, policy=ClientPolicy(), depth=2)
    assert connections(theatre) == [0, 0, 1, 1]


def test_only_what_may_be_repeated_waits_behind_another() -> None:
    theatre = asked(0.0, 0.003, 0.004, policy=ClientPolicy(posts=1.0), depth=4)
    assert connections(theatre) == [0, 1, 2]


def test_a_connection_that_the_server_has_closed_is_not_used() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        client = theatre.client(once(0.0, 3.0), ClientPolicy())
        client.start()
        await trio.sleep_until(1.0)
        for connection in list(server.connections.values()):
            connection.close()
        await trio.sleep_until(2.0)
        assert len(client.lines) == 0
        await trio.sleep_until(4.0)

    theatre = play(act)
    assert connections(theatre) == [0, 1]
    assert theatre.told(What.FAIL) == []


def test_who_still_sends_slowly_shares_its_connection_with_nobody() -> None:
    """Another request's bytes would come in the middle of its own."""

    async def act(theatre: Theatre) -> None:
        await theatre.server()
        client = theatre.client(once(0.0, 0.05, 2.0, 2.001), ClientPolicy())
        client.depth = 4
        client.habits.append(SlowHead(0.01))
        client.start()
        await trio.sleep(0.02)
        client.habits.clear()
        await trio.sleep(5.0)
        client.stop()
        await client.wait_quiet()

    theatre = play(act)
    assert connections(theatre) == [0, 1, 0, 0]
    assert [each.values[0] for each in theatre.heard if each.what is What.DONE] == [1, 1, 1, 1]
