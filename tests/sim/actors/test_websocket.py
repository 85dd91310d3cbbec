"""WebSocket clients against a server that echoes: conversations that end well, break, come again."""

import itertools
import random
from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio

from tests.sim.actors.support import Theatre, play
from trio_lb.model.address import Address
from trio_lb.sim.actors.policy import Exponential
from trio_lb.sim.actors.server import ServerActor
from trio_lb.sim.actors.websocket import WebSocketActor, WebSocketPolicy
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import What

Scene = Callable[[ServerActor, WebSocketActor], Awaitable[None]]


def talked(scene: Scene, policy: WebSocketPolicy, *, count: int = 1) -> Theatre:
    """Let a crowd talk to one server; the scene says what happens meanwhile, then all ends."""

    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        host, address = theatre.net.host("web"), server.address
        crowd = WebSocketActor(
            theatre.stage, "web", host, count, policy, lambda: [address], theatre._next_number
        )
        crowd.start()
        await scene(server, crowd)
        crowd.stop()
        crowd.leave()
        await crowd.wait_quiet()
        await trio.sleep(1.0)
        assert crowd.open == {}
        assert not theatre.net.streams_of("web")

    return play(act)


async def for_a_while(server: ServerActor, crowd: WebSocketActor) -> None:
    await trio.sleep_until(20.0)


LONG = Fixed(1000.0)


@attrs.frozen
class Once:
    """No pause before the first conversation, and after it one that outlasts the test."""

    turns: Iterator[float] = attrs.field(
        factory=lambda: itertools.chain([0.0], itertools.repeat(1000.0))
    )

    def draw(self, rng: random.Random) -> float:
        return next(self.turns)

    @property
    def mean(self) -> float:
        return 0.0


def test_a_conversation_is_one_request_with_as_many_bytes_as_came_back() -> None:
    policy = WebSocketPolicy(messages=3, every=Fixed(1.0), size=Fixed(50), pause=Once())
    theatre = talked(for_a_while, policy)
    # 2 ms to connect, 1 to ask, 10 of service, 1 back; the close is said 3 s later.
    assert theatre.told(What.TRY, What.ANSWER, What.FAIL, What.DONE) == [
        (0.002, "try", (1, "GET")),
        (3.016, "answer", (101, 150, 3_016_000_000, "s1")),
        (3.016, "done", (1, 1, 3_016_000_000, "")),
    ]
    assert theatre.told(What.REPLY, What.DROP) == [(3.015, "reply", (101, 150, 3_012_000_000))]


def test_after_a_pause_one_begins_and_after_another_the_next() -> None:
    policy = WebSocketPolicy(messages=1, every=Fixed(1.0), pause=Fixed(5.0))
    theatre = talked(for_a_while, policy)
    assert [at for at, _, _ in theatre.told(What.ARRIVE)] == [5.0, 11.016, 17.032]


def test_a_crash_breaks_all_and_they_come_back_after_pauses_that_grow() -> None:
    async def scene(server: ServerActor, crowd: WebSocketActor) -> None:
        await trio.sleep_until(2.0)
        server.crash(fin=True)
        await trio.sleep_until(8.0)
        server.restart()
        await trio.sleep_until(20.0)

    policy = WebSocketPolicy(messages=100, backoff=Exponential(1.0, 60.0))
    theatre = talked(scene, policy, count=2)
    reasons = [values[0] for _, _, values in theatre.told(What.FAIL)]
    assert reasons == ["cut"] * 2 + ["refused"] * 4 + ["left"] * 2
    assert [at for at, _, _ in theatre.told(What.ARRIVE)][2::2] == [3.001, 5.003, 9.005]
    assert [values for _, _, values in theatre.told(What.DROP)][:2] == [("crash",)] * 2


def test_who_gets_no_pong_takes_the_other_end_for_dead() -> None:
    async def scene(server: ServerActor, crowd: WebSocketActor) -> None:
        await trio.sleep_until(7.0)
        server.crash()  # Without a word: only silence tells.
        await trio.sleep_until(20.0)

    policy = WebSocketPolicy(
        messages=1, every=LONG, ping_every=3.0, backoff=Exponential(1000.0, 1000.0)
    )
    theatre = talked(scene, policy)
    assert [(at, values[0]) for at, _, values in theatre.told(What.FAIL)] == [(12.014, "timeout")]


def test_who_is_told_to_stop_says_goodbye_in_good_order() -> None:
    async def scene(server: ServerActor, crowd: WebSocketActor) -> None:
        await trio.sleep_until(2.5)
        crowd.stop()
        await crowd.wait_quiet()

    theatre = talked(scene, WebSocketPolicy(messages=100, size=Fixed(10)))
    assert [values[:2] for _, _, values in theatre.told(What.ANSWER)] == [(101, 30)]
    assert theatre.told(What.FAIL) == []


def test_nobody_who_answers_is_a_timeout_and_nobody_who_speaks_websocket_is_told_as_it_is() -> None:
    async def silent(server: ServerActor, crowd: WebSocketActor) -> None:
        server.pause()
        await trio.sleep_until(20.0)
        server.resume()

    policy = WebSocketPolicy(timeout=4.0, backoff=Exponential(1000.0, 1000.0))
    assert [values[0] for _, _, values in talked(silent, policy).told(What.FAIL)] == ["timeout"]

    async def full(server: ServerActor, crowd: WebSocketActor) -> None:
        server.station.queue = server.station.concurrency = 0
        await trio.sleep_until(20.0)

    theatre = talked(full, policy)
    assert [(*values[:2], values[3]) for _, _, values in theatre.told(What.ANSWER)] == [
        (503, 4, "s1")
    ]
    assert [values[3] for _, _, values in theatre.told(What.DONE)] == ["503"]


def test_large_messages_go_through_small_windows() -> None:
    async def act(theatre: Theatre) -> None:
        server = await theatre.server()
        policy = WebSocketPolicy(messages=2, size=Fixed(70_000), pause=Once(), every=Fixed(60.0))
        host, address = theatre.net.host("web"), Address(server.host.address, 80)
        crowd = WebSocketActor(
            theatre.stage, "web", host, 1, policy, lambda: [address], theatre._next_number
        )
        crowd.start()
        await trio.sleep(200.0)

    theatre = play(act, window_bytes=1000)
    assert [values[:2] for _, _, values in theatre.told(What.ANSWER)] == [(101, 140_000)]
