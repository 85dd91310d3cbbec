"""Connections to servers: reused while they are quiet, closed when they are due."""

from enum import Enum
from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.connection_home import Home, home, listen
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from tests.support.raw import RawPeer
from tests.support.stage import VirtualStage
from tests.support.world import World, open_world
from trio_lb.model.address import Ends
from trio_lb.net.connection_pool import ServerConnections, UpstreamConnection
from trio_lb.net.env import ConnectError, Stream
from trio_lb.sim.network import VirtualNetwork


async def test_a_clean_connection_is_used_again_the_newest_first(world: World) -> None:
    async with home(world) as at:
        first, second = await at.idle_connection(), await at.idle_connection()
        assert not first.is_fresh
        now = trio.current_time()
        assert at.connections.take(now, idempotent=True) is second
        assert at.connections.take(now, idempotent=True) is first
        assert at.connections.take(now, idempotent=True) is None
        for connection in (first, second):
            connection.stream.close()


@pytest.mark.parametrize(("complete", "ending"), [(True, b""), (False, b"(reset)")])
async def test_a_spoiled_connection_is_closed_with_a_reset_unless_its_exchange_was_complete(
    world: World, complete: bool, ending: bytes
) -> None:
    async with home(world) as at:
        with await at.connections.connect() as connection:
            connection.is_complete = complete
        await trio.testing.wait_all_tasks_blocked()
        assert [bytes(peer.received) for peer in at.server.peers] == [ending]
        assert at.connections.take(trio.current_time(), idempotent=True) is None


async def test_an_exchange_that_raised_spoils_its_connection(world: World) -> None:
    async with home(world) as at:
        connection = await at.idle_connection()
        at.connections.take(trio.current_time(), idempotent=True)
        with pytest.raises(ZeroDivisionError), connection:
            raise ZeroDivisionError
        await trio.testing.wait_all_tasks_blocked()
        assert bytes(at.server.peers[0].received) == b"(reset)"


@pytest.mark.parametrize("act", ["bytes", "end", "reset"])
async def test_a_connection_on_which_anything_happened_is_not_used_again(
    world: World, act: str
) -> None:
    async with home(world) as at:
        await at.idle_connection()
        await trio.testing.wait_all_tasks_blocked()
        peer = at.server.peers[0]
        if act == "bytes":
            await peer.send(b"x")
        elif act == "end":
            await peer.send_eof()
        else:
            peer.reset()
        assert at.connections.take(trio.current_time(), idempotent=True) is None
        assert at.open_count <= 1


async def test_an_idle_connection_is_closed_when_it_is_due(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        await trio.sleep(1.0)
        await at.idle_connection()
        await trio.sleep(2.999)
        assert at.open_count == 2
        await trio.sleep(0.002)
        assert at.open_count == 1
        await trio.sleep(1.0)
        assert at.open_count == 0


async def test_use_puts_off_the_closing(world: World) -> None:
    async with home(world) as at:
        connection = await at.idle_connection()
        for _ in range(5):
            await trio.sleep(3.0)
            assert at.connections.take(trio.current_time(), idempotent=True) is connection
            at.exchange(connection)
        await trio.sleep(3.999)
        assert at.open_count == 1
        await trio.sleep(0.002)
        assert at.open_count == 0


async def test_a_surplus_is_closed_after_a_second_even_if_the_timer_was_aimed_later(
    world: World,
) -> None:
    async with home(world, idle_limit=3) as at:
        busy = [await at.connections.connect() for _ in range(8)]
        for connection in busy:
            at.exchange(connection)
        await trio.sleep(0.999)
        assert at.open_count == 8
        await trio.sleep(0.002)
        assert at.open_count == 3


async def test_a_server_that_leaves_has_its_idle_connections_closed(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        at.pools.forget("s1")
        at.pools.forget("never known")
        await trio.testing.wait_all_tasks_blocked()
        assert at.open_count == 0
        assert at.pools.of("s1", at.server.address) is not at.connections


async def test_a_server_that_has_left_keeps_no_connection_of_a_request_that_outlived_it(
    world: World,
) -> None:
    async with home(world) as at:
        busy = await at.connections.connect()
        at.pools.forget("s1")
        at.exchange(busy)
        await trio.testing.wait_all_tasks_blocked()
        assert (at.open_count, at.connections.deadline) == (0, None)


async def test_the_end_of_the_block_closes_what_idles(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
    await trio.testing.wait_all_tasks_blocked()
    assert at.open_count == 0


async def test_a_server_s_own_timeout_is_learnt_from_one_that_died(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        await trio.sleep(2.0)
        stale = at.connections.take(trio.current_time(), idempotent=True)
        assert stale is not None
        stale.was_stale()
        stale.stream.abort()
        await at.idle_connection()
        await trio.sleep(1.999)
        assert at.open_count == 1
        await trio.sleep(0.002)
        assert at.open_count == 0


async def test_where_a_reused_connection_fell_silent_older_ones_are_closed(world: World) -> None:
    async with home(world) as at:
        first, second = await at.connections.connect(), await at.connections.connect()
        at.exchange(first)
        at.exchange(second)
        silent = at.connections.take(trio.current_time(), idempotent=True)
        assert silent is second
        await trio.sleep(1.0)
        await at.idle_connection()
        silent.fell_silent()
        silent.stream.abort()
        await trio.sleep(0.1)
        assert at.open_count == 1
        third = at.connections.take(trio.current_time(), idempotent=True)
        assert third is not None
        assert third.idle_since > second.idle_since
        at.exchange(third)


async def test_a_fresh_connection_without_answer_says_nothing_of_idle_ones(world: World) -> None:
    async with home(world) as at:
        await at.idle_connection()
        fresh = await at.connections.connect()
        await trio.sleep(1.0)
        fresh.fell_silent()
        fresh.stream.abort()
        assert at.open_count == 1


async def test_the_age_that_is_learnt_ends_where_the_request_began(world: World) -> None:
    """Its death is seen a round trip later; the server had given it up before."""
    async with home(world) as at:
        await at.idle_connection()
        await trio.sleep(2.0)
        stale = at.connections.take(trio.current_time(), idempotent=True)
        assert stale is not None
        await trio.sleep(0.5)
        stale.was_stale()
        stale.stream.abort()
        await at.idle_connection()
        assert at.connections.deadline == 2.5 + 2.0
        assert at.connections.statistics().learnt_seconds == 2.0


async def test_a_connection_that_dies_under_its_request_much_later_teaches_no_age(
    world: World,
) -> None:
    """A worker that crashed 20 s into a request says nothing of the server's patience."""
    async with home(world) as at:
        await at.idle_connection()
        await trio.sleep(0.25)
        stale = at.connections.take(trio.current_time(), idempotent=True)
        assert stale is not None
        await trio.sleep(20.0)
        stale.was_stale()
        stale.stream.abort()
        known = at.connections.statistics()
        assert (known.learnt_seconds, known.stale_total) == (None, 1)


async def test_a_request_that_must_not_be_replayed_takes_no_connection_that_idled_a_second(
    world: World,
) -> None:
    async with home(world) as at:
        connection = await at.idle_connection()
        await trio.sleep(0.999)
        assert at.connections.take(trio.current_time(), idempotent=False) is connection
        at.exchange(connection)
        await trio.sleep(1.0)
        assert at.connections.take(trio.current_time(), idempotent=False) is None
        assert at.connections.take(trio.current_time(), idempotent=True) is connection
        at.exchange(connection)


async def test_a_server_that_does_not_listen_refuses(world: World) -> None:
    async with home(world) as at:
        await at.server.stop_listening()
        with pytest.raises(ConnectError) as caught:
            await at.connections.connect()
        assert caught.value.refused


async def test_an_exchange_begins_with_doubts_and_modest_reads(world: World) -> None:
    async with home(world) as at:
        connection = await at.idle_connection()
        connection.is_reusable = connection.is_complete = True
        await trio.testing.wait_all_tasks_blocked()
        await at.server.peers[0].send(bytes(32768))
        for size in (1024, 16384):
            await connection.inbox.fill()
            assert len(connection.inbox.take(32768)) == size
        with connection:
            assert (connection.is_reusable, connection.is_complete) == (False, False)
            await connection.inbox.fill()
            assert len(connection.inbox.data) == 1024


async def test_the_timer_is_told_only_of_what_comes_before_its_next_look(world: World) -> None:
    told: list[float | None] = []

    def note(connections: ServerConnections) -> None:
        told.append(connections.deadline)

    server = await world.server("s1", listen)
    world.link("s1").set_latency(0.0)

    async def dial(client: Ends | None) -> Stream:
        return await world.env.network.connect(server.address)

    connections = ServerConnections(
        world.env, dial, idle_limit=2, idle_seconds=4.0, first_read=1024, on_due=note
    )
    for _ in range(2):
        with await connections.connect() as connection:
            connection.is_reusable = True
        await trio.sleep(0.5)
    assert told == [4.0], "the first one's; the second is due later"
    busy = [await connections.connect() for _ in range(2)]
    for connection in busy:
        with connection:
            connection.is_reusable = True
    assert told == [4.0, 1.0], "there is a surplus, of which the oldest has idled for a second"
    connections.on_deadline(1.0)
    assert connections.deadline == 1.5
    connections.on_deadline(1.5)
    assert connections.deadline == 1.0 + 4.0, "no surplus is left"
    connections.close()
    assert connections.deadline is None


class Step(Enum):
    """What may happen next to the connections of one server."""

    ASK = "a request that may be replayed takes a connection, or opens one"
    ASK_CAREFULLY = "one that may not be"
    END_WELL = "the oldest exchange ends in good order"
    END_BADLY = "the oldest exchange is cut"
    WAIT = "a second and a half pass"
    SERVER_ENDS = "the server ends its oldest connection"
    SERVER_RESETS = "the server resets its newest connection"
    SERVER_TALKS = "the server says something that nobody asked for"


@given(st.lists(st.sampled_from(Step), max_size=25))
def test_whatever_happens_a_connection_carries_one_exchange_and_begins_it_in_silence(
    steps: list[Step],
) -> None:
    run_in_virtual_time(partial(_live_through, steps))


async def _live_through(steps: list[Step]) -> None:
    net = VirtualNetwork()
    async with open_world(VirtualStage(net)) as world, home(world, idle_limit=1) as at:
        life = Life(at)
        for step in steps:
            await life.take(step)
            await trio.testing.wait_all_tasks_blocked()
        for connection in life.busy:
            connection.__exit__(None, None, None)
        await trio.sleep(5.0)
        assert at.open_count == 0, "everything idle is closed by now"
    assert await find_leaks(net) == []


class Life:
    """The connections that are out, and the ends that the server has not given up."""

    def __init__(self, at: Home) -> None:
        self.at = at
        self.busy: list[UpstreamConnection] = []
        self._silent: list[RawPeer] = []

    async def take(self, step: Step) -> None:
        """Let one step happen, if it can."""
        if step in (Step.ASK, Step.ASK_CAREFULLY):
            await self._ask(idempotent=step is Step.ASK)
        elif step in (Step.END_WELL, Step.END_BADLY):
            self._end(well=step is Step.END_WELL)
        elif step is Step.WAIT:
            await trio.sleep(1.5)
        else:
            await self._let_the_server(step)

    async def _ask(self, *, idempotent: bool) -> None:
        connections = self.at.connections
        connection = connections.take(trio.current_time(), idempotent=idempotent)
        connection = connection or await connections.connect()
        assert connection not in self.busy
        assert not connection.stream.is_stale()
        self.busy.append(connection.__enter__())

    def _end(self, *, well: bool) -> None:
        if self.busy:
            connection = self.busy.pop(0)
            # As the data path does: clean only if nothing came behind the answer.
            connection.is_reusable = well and not connection.stream.is_stale()
            connection.__exit__(None, None, None)

    async def _let_the_server(self, step: Step) -> None:
        living = [
            peer
            for peer in self.at.server.peers
            if peer not in self._silent and not peer.stream.is_stale()
        ]
        if not living:
            return
        if step is Step.SERVER_TALKS:
            await living[0].send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        elif step is Step.SERVER_ENDS:
            self._silent.append(living[0])
            await living[0].send_eof()
        else:
            self._silent.append(living[-1])
            living[-1].reset()
