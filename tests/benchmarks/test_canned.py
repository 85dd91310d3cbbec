"""The network without a kernel: due pieces, budgets, and clients that come when told."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from benchmarks.canned import CLIENT, CannedEnv, CannedNetwork, CannedStream


async def test_a_server_has_its_answer_ready_for_each_request_and_for_no_more() -> None:
    server = await CannedNetwork(b"answer").connect(CLIENT)
    assert server.receive_nowait(100) is None
    assert server.send_nowait(b"request") == 7
    assert await server.receive_some(100) == b"answer"
    assert server.receive_nowait(100) is None


async def test_a_client_asks_as_often_as_its_budget_says_and_ends() -> None:
    client = CannedStream(CLIENT, b"request", budget=2)
    asked = []
    while piece := await client.receive_some(100):
        asked.append(piece)
        client.send_nowait(b"an answer")
    assert asked == [b"request"] * 2


async def test_a_client_that_has_no_answer_yet_waits(autojump_clock: trio.abc.Clock) -> None:
    client = CannedStream(CLIENT, b"request", budget=2)
    await client.receive_some(100)
    with trio.move_on_after(60) as scope:
        await client.receive_some(100)
    assert scope.cancelled_caught


async def test_clients_come_when_they_are_told_to_and_in_batches() -> None:
    network = CannedNetwork(b"")
    listener = await network.listen(CLIENT)
    assert network.listener is listener
    clients = [CannedStream(CLIENT, b"", budget=0) for _ in range(3)]
    batches = []

    async def accept() -> None:
        batches.append(await listener.accept_batch(2))
        batches.append(await listener.accept_batch(2))
        await listener.accept_batch(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        await wait_all_tasks_blocked()
        assert batches == []
        listener.begin(clients)
        await wait_all_tasks_blocked()
        assert batches == [clients[:2], clients[2:]]
        nursery.cancel_scope.cancel()


def test_the_rest_of_the_world_is_the_real_one() -> None:
    env = CannedEnv(b"")
    assert len(env.token(8)) == 16
    assert env.wall() == pytest.approx(env.wall(), abs=5)
    assert env.rng("pick") is env.rng("pick")
