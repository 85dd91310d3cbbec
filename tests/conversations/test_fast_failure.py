"""A server that fails in no time looks idle: how much of the traffic it draws, and for how long."""

import random

import pytest
import trio

from tests.conversations.play import GET, Play, open_play
from tests.support.raw import RawPeer
from tests.support.servers import Script
from tests.support.world import World
from trio_lb.config.schema import OutlierConfig
from trio_lb.model.events import RequestCompleted, ServerEjected

CLIENTS = 12
WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


def failing(share: float, since: float = 0.0) -> Script:
    """A share of the requests fails in a millisecond, the others take a tenth of a second or so."""
    rng = random.Random(7)

    async def script(peer: RawPeer) -> None:
        while not await peer.at_end():
            await peer.read_request()
            fails = trio.current_time() >= since and rng.random() < share
            await trio.sleep(0.001 if fails else rng.uniform(0.05, 0.15))
            await peer.send(BROKEN if fails else WELL)

    return script


async def crowd(play: Play, seconds: float) -> None:
    """Clients that ask again as soon as they have their answer."""

    async def one() -> None:
        client = await play.client()
        while True:
            await client.send(GET)
            await client.read_response()

    with trio.move_on_after(seconds):
        async with trio.open_nursery() as nursery:
            for _ in range(CLIENTS):
                nursery.start_soon(one)
    await play.settle()


async def test_a_server_that_begins_to_fail_at_once_is_out_with_its_last_good_answer(
    world: World,
) -> None:
    scripts = [failing(1.0, since=2.0), failing(0.0), failing(0.0)]
    servers = [await world.server(f"s{n}", script) for n, script in enumerate(scripts)]
    async with open_play(world, *servers, algorithm="least_connections") as play:
        await crowd(play, 6.0)
        (ejected,) = play.told(ServerEjected)
        assert ejected.server_id == "s0"
        # Good answers that were under way are told between the failures, for 0.15 s at most.
        assert 2.0 < ejected.at < 2.16
        told_at = [event.at for event in play.told(RequestCompleted) if event.record.status == 500]
        assert max(told_at) <= ejected.at + 0.002, "nothing goes there any more"


@pytest.mark.parametrize("share", [0.1, 0.3, 0.45])
async def test_one_that_fails_too_seldom_for_that_draws_no_more_than_its_speed_deserves(
    world: World, share: float
) -> None:
    """Of three, one that answers 1 / (1 - share) times as fast is offered as much more."""
    scripts = [failing(share), failing(0.0), failing(0.0)]
    servers = [await world.server(f"s{n}", script) for n, script in enumerate(scripts)]
    quiet = OutlierConfig(enabled=False)
    async with open_play(world, *servers, algorithm="least_connections", outlier=quiet) as play:
        await crowd(play, 20.0)
        counts = [server.requests for server in play.lb.servers()]
    deserved = 1 / (1 - share)
    assert counts[0] / sum(counts) == pytest.approx(deserved / (deserved + 2), abs=0.03)
