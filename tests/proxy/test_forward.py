"""One request's way to an answer, told by its events."""

import pytest
import trio

from tests.conversations.play import (
    LAST_GET,
    POST,
    answering,
    open_play,
    quick_retries,
)
from tests.support.world import World
from trio_lb.config.schema import ServerConfig
from trio_lb.model.events import NoHealthyServers, RequestRetried, RequestStarted, ServerSelected
from trio_lb.model.outcome import OutcomeKind


async def test_a_pick_is_told_with_the_server_and_the_client(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        for _ in range(3):
            await play.ask()
        picks = play.told(ServerSelected)
        assert [pick.server_id for pick in picks] == ["s1", "s2", "s1"]
        assert {pick.client_id for pick in picks} == {world.net.host("client").address}
        assert picks[1].server is play.server("s2")
        begun = play.told(RequestStarted)
        assert [each.request_id for each in begun] == [pick.request_id for pick in picks]
        assert {each.head.target for each in begun if each.head} == {b"/"}


async def test_a_retry_is_told_with_what_went_wrong(world: World) -> None:
    s1, s2 = await world.server("s1", answering()), await world.http_server("s2")
    async with open_play(world, s1, s2, retry=quick_retries()) as play:
        await play.ask()
        await play.settle()
        (retry,) = play.told(RequestRetried)
        assert (retry.server_id, retry.attempt, retry.delay_seconds) == ("s1", 1, 0.0)
        assert retry.outcome.kind is OutcomeKind.CLOSED
        assert retry.request_id == play.records()[0].id


@pytest.mark.parametrize(
    ("disabled", "message"),
    [
        ([], b"pool 'default': no healthy server, it has none"),
        (["s1", "s2"], b"pool 'default': no healthy server of 2 (2 disabled)"),
    ],
)
async def test_nobody_to_ask_is_a_503_with_the_reason_and_no_attempt(
    world: World, disabled: list[str], message: bytes
) -> None:
    servers = [
        ServerConfig(id=name, address=(await world.http_server(name)).address, disabled=True)
        for name in disabled
    ]
    async with open_play(world, *servers) as play:
        answer = await play.ask()
        assert answer.status == 503
        assert message in answer.body
        assert answer.header("retry-after") == "1"
        await play.settle()
        (record,) = play.records()
        assert (record.attempts, record.server_id, record.pool) == (0, None, "default")
        assert [event.pool for event in play.told(NoHealthyServers)] == ["default"]


async def test_the_outcome_counts_for_the_server_that_it_was_met_at(world: World) -> None:
    s1, s2 = await world.server("s1", answering()), await world.http_server("s2")
    async with open_play(world, s1, s2, retry=quick_retries()) as play:
        await play.ask()
        await play.settle()
        counts = {one.id: (one.requests, one.failures, one.responses) for one in play.lb.servers()}
        assert counts == {"s1": (1, 1, 0), "s2": (1, 0, 1)}


async def test_a_lease_is_held_for_as_long_as_the_attempt(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 5.0
    async with open_play(world, s1) as play:
        clients = [await play.client() for _ in range(3)]
        for client in clients:
            await client.send(LAST_GET)
        await trio.sleep(4.9)
        assert play.server("s1").active_connections == 3
        await trio.sleep(0.2)
        assert play.server("s1").active_connections == 0
        for client in clients:
            await client.read_response()


async def test_a_backup_serves_while_nobody_else_can(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    backup = ServerConfig(id="s2", address=s2.address, backup=True)
    async with open_play(world, s1, backup) as play:
        assert (await play.ask()).body == b"s1"
        await s1.crash()
        assert (await play.ask(POST)).body == b"s2"
        assert play.errors() == [None, None]


async def test_connections_are_kept_for_the_next_client(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        for _ in range(5):
            await play.ask()
        assert len(s1.peers) == 1
