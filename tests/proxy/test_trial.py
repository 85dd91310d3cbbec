"""What every attempt shares: how a connect ends, what a pool hears of it, what is told."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.proxy.stage import context_of, news_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, PoolConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.events import Event, NoHealthyServers, RequestRetried, ServerSelected
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.connection_pool import ServerConnections, UpstreamConnection
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.trial import judge, pardoned, reach, tell_none_left, tell_retried, tell_selected
from trio_lb.state.pool import Pool
from trio_lb.state.server import Server

ANSWERED = Outcome(OutcomeKind.ANSWERED, 200)
REFUSED = Outcome(OutcomeKind.CONNECT_REFUSED, None, False, "nobody is there")


@pytest.fixture
def context(world: World) -> ProxyContext:
    return context_of(world.env)


@pytest.fixture
def pool() -> Pool:
    pool = Pool("db")
    servers = tuple(ServerConfig(id=f"s{n}", address=Address("10.0.0.9", n)) for n in (1, 2))
    unprobed = HealthCheckConfig(enabled=False)
    pool.apply(PoolConfig(name="db", servers=servers, health_check=unprobed), 0.0)
    return pool


@pytest.fixture
def server(pool: Pool) -> Server:
    return pool.members[0]


def home_of(context: ProxyContext, address: Address) -> ServerConnections:
    return context.connections.of("s1", address)


# ---------------------------------------------------------------------- reach


async def test_a_server_that_listens_is_reached(world: World, context: ProxyContext) -> None:
    s1 = await world.http_server("s1")
    connection = await reach(home_of(context, s1.address), None, 5.0)
    assert isinstance(connection, UpstreamConnection)
    assert (connection.stream.peer, connection.is_private) == (s1.address, False)
    connection.stream.close()


async def test_a_connection_for_a_client_is_private(world: World, context: ProxyContext) -> None:
    s1 = await world.http_server("s1")
    ends = Address("203.0.113.9", 1), Address("198.51.100.1", 2)
    connection = await reach(home_of(context, s1.address), ends, 5.0)
    assert isinstance(connection, UpstreamConnection)
    assert connection.is_private
    connection.stream.close()


async def test_a_closed_port_is_a_refusal(world: World, context: ProxyContext) -> None:
    address = Address(world.net.host("s1").address, 81)
    outcome = await reach(home_of(context, address), None, 5.0)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.sent) == (OutcomeKind.CONNECT_REFUSED, False)


async def test_an_unknown_name_is_a_failure_that_says_which(context: ProxyContext) -> None:
    outcome = await reach(home_of(context, Address("nowhere.example", 80)), None, 5.0)
    assert isinstance(outcome, Outcome)
    assert outcome.kind is OutcomeKind.CONNECT_FAILED
    assert "nowhere.example" in outcome.detail


async def test_a_want_of_descriptors_is_our_own(world: World, context: ProxyContext) -> None:
    s1 = await world.http_server("s1")
    world.net.host("lb").out_of_descriptors = True
    outcome = await reach(home_of(context, s1.address), None, 5.0)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.sent) == (OutcomeKind.EXHAUSTED, False)
    assert not outcome.is_server_failure


async def test_a_silent_host_is_given_up_at_the_deadline(
    world: World, context: ProxyContext
) -> None:
    s1 = await world.http_server("s1")
    world.link("s1").stall()
    outcome = await reach(home_of(context, s1.address), None, 7.0)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, trio.current_time()) == (OutcomeKind.CONNECT_TIMEOUT, 7.0)


# ---------------------------------------------------------------------- judge and tell


@given(st.sampled_from(OutcomeKind), st.floats(0, 100), st.floats(0.1, 100))
def test_law_only_a_timeout_after_less_than_half_of_a_fair_time_is_pardoned(
    kind: OutcomeKind, had: float, fair: float
) -> None:
    outcome = Outcome(kind)
    judged = pardoned(outcome, had, fair)
    if kind in (OutcomeKind.TIMEOUT, OutcomeKind.CONNECT_TIMEOUT) and had < fair / 2:
        assert (judged.kind, judged.is_server_failure) == (OutcomeKind.ABANDONED, False)
    else:
        assert judged is outcome


async def test_an_outcome_reaches_the_pool_s_books_and_the_bus(
    context: ProxyContext, pool: Pool, server: Server
) -> None:
    news = news_of(context)
    for _ in range(5):
        judge(context, pool, server, REFUSED, began_at=0.0, seconds=0.0)
        judge(context, pool, pool.members[1], ANSWERED, began_at=0.0, seconds=0.0)
    judge(context, pool, server, REFUSED, began_at=0.0, seconds=0.0)
    assert (server.requests, server.failures) == (6, 6)
    assert [event.name for event in news] == ["server_ejected"]


async def test_a_pick_that_found_nobody_is_told_and_explained(
    context: ProxyContext,
) -> None:
    news = news_of(context)
    why = tell_none_left(context, Pool("empty"))
    assert news == [NoHealthyServers(at=0.0, pool="empty")]
    assert why.message == "pool 'empty': no healthy server, it has none"


async def test_a_selection_names_the_server_and_the_client(
    context: ProxyContext, pool: Pool, server: Server
) -> None:
    news: list[Event] = news_of(context)
    tell_selected(context, pool, server, "203.0.113.9")
    (told,) = news
    assert isinstance(told, ServerSelected)
    assert (told.pool, told.server_id, told.client_id) == ("db", "s1", "203.0.113.9")
    assert told.server is server


async def test_a_retry_tells_of_the_attempt_before_it(
    context: ProxyContext, pool: Pool, server: Server
) -> None:
    news: list[Event] = news_of(context)
    tell_retried(context, pool, server, REFUSED, request_id="r1", attempt=2, delay_seconds=0.25)
    assert news == [
        RequestRetried(
            at=0.0, pool="db", server_id="s1", request_id="r1", attempt=2,
            outcome=REFUSED, delay_seconds=0.25,
        )
    ]  # fmt: skip


async def test_what_nobody_listens_for_is_not_made(
    context: ProxyContext, pool: Pool, server: Server
) -> None:
    news: list[Event] = []
    context.bus.on(NoHealthyServers, news.append)
    tell_selected(context, pool, server, "203.0.113.9")
    tell_retried(context, pool, server, REFUSED, request_id="r1", attempt=1, delay_seconds=0.0)
    assert news == []
