"""One request's books: who asked, what it was told, how long it took, exactly once."""

import attrs
import pytest
import trio

from tests.net.wires import Recorded
from tests.proxy.stage import context_of, exchange_of, head_of, news_of
from trio_lb.config.schema import ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import RequestCompleted, RequestFailed, RequestRecord
from trio_lb.sim.env import SimEnv
from trio_lb.state.server import Server

SERVER = Server("default", ServerConfig(id="s1", address=Address("10.0.0.9", 80)), None)
ASKED = head_of(
    "PUT /a?b HTTP/1.0\nHost: a\nContent-Length: 4\nReferer: http://r\nUser-Agent: \u00e4gent"
)


async def test_a_relayed_answer_is_recorded_whole(env: SimEnv) -> None:
    context = context_of(env)
    news = news_of(context)
    await trio.sleep(10.0)
    exchange = exchange_of(context, ASKED, stream=Recorded([b"body"]))
    await exchange.body.receive()
    exchange.pool, exchange.server, exchange.attempts = "default", SERVER, 2
    await trio.sleep(0.5)
    exchange.answered(201)
    exchange.bytes_out = 77
    await trio.sleep(1.5)
    exchange.finish()
    _, event = news
    assert isinstance(event, RequestCompleted)
    assert (event.at, event.server_id, event.response_time_seconds) == (12.0, "s1", 2.0)
    assert attrs.asdict(event.record) == {
        "id": exchange.id, "client": "192.0.2.1", "method": "PUT", "target": "/a?b",
        "version": "HTTP/1.0", "status": 201, "bytes_in": 4, "bytes_out": 77,
        "pool": "default", "server_id": "s1", "attempts": 2, "started_at": 10.0,
        "wall_at": env.epoch + 10.0, "head_seconds": 0.5, "total_seconds": 2.0,
        "error": None, "reason": "", "referer": "http://r", "user_agent": "\u00e4gent",
    }  # fmt: skip


async def test_a_request_that_failed_is_recorded_with_its_code(env: SimEnv) -> None:
    context = context_of(env)
    news = news_of(context)
    exchange = exchange_of(context, None)
    await trio.sleep(0.5)
    exchange.error = "bad_request"
    exchange.answered(400)
    exchange.finish()
    _, event = news
    assert isinstance(event, RequestFailed)
    assert (event.error, event.server_id) == ("bad_request", None)
    assert (event.record.method, event.record.target, event.record.status) == ("-", "-", 400)


@pytest.mark.parametrize(
    ("status", "error", "successful"),
    [(200, None, 1), (404, None, 1), (500, None, 0), (200, "upstream_truncated", 0),
     (0, "client_gone", 0)],
)  # fmt: skip
async def test_the_ledger_counts_it_once(
    env: SimEnv, status: int, error: str | None, successful: int
) -> None:
    context = context_of(env)
    exchange = exchange_of(context)
    assert context.ledger.active == 1
    await trio.sleep(0.5)
    exchange.status, exchange.error = status, error
    exchange.finish()
    counts = context.ledger.statistics()
    assert (counts.total_requests, counts.active_connections) == (1, 0)
    assert counts.successful_requests == successful
    with pytest.raises(IllegalTransition):
        exchange.finish()


async def test_a_response_counts_for_its_server_unless_it_went_wrong(env: SimEnv) -> None:
    context = context_of(env)
    server = Server("default", ServerConfig(id="s1", address=Address("10.0.0.9", 80)), None)
    for error in (None, "upstream_truncated"):
        exchange = exchange_of(context)
        exchange.server, exchange.status, exchange.error = server, 200, error
        await trio.sleep(2.0)
        exchange.finish()
    assert (server.responses, server.response_time_sum) == (1, 2.0)


async def test_nobody_who_listens_costs_nothing_and_breaks_nothing(env: SimEnv) -> None:
    exchange = exchange_of(context_of(env))
    await trio.sleep(0.5)
    exchange.status = 200
    assert exchange.finish() == 0.5


SAID = "GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 6.6.6.6, 192.0.2.8\nX-Request-ID: from-them"


async def record_of(env: SimEnv, said: str, *trusted: str) -> RequestRecord:
    """The record of a request that says this, with whom it trusts."""
    context = context_of(env, trusted_proxies=trusted)
    news = news_of(context)
    exchange = exchange_of(context, head_of(said))
    await trio.sleep(0.5)
    exchange.status = 200
    exchange.finish()
    _, event = news
    assert isinstance(event, RequestCompleted)
    return event.record


async def test_a_trusted_peer_says_who_the_client_is_and_what_the_request_s_id(
    env: SimEnv,
) -> None:
    record = await record_of(env, SAID, "192.0.2.0/24")
    assert (record.client, record.id) == ("6.6.6.6", "from-them")


async def test_nobody_else_does(env: SimEnv) -> None:
    record = await record_of(env, SAID)
    assert record.client == "192.0.2.1"
    assert len(record.id) == 32


@pytest.mark.parametrize("odd", ["", "x" * 129, "\u00e4"])
async def test_an_odd_id_is_replaced_even_from_a_trusted_peer(env: SimEnv, odd: str) -> None:
    record = await record_of(env, f"GET / HTTP/1.1\nHost: a\nX-Request-ID: {odd}", "192.0.2.0/24")
    assert len(record.id) == 32


async def test_the_answer_may_say_who_answered(env: SimEnv) -> None:
    exchange = exchange_of(context_of(env))
    exchange.server = SERVER
    await trio.sleep(0.1234)
    assert exchange.answer_fields() == (
        b"X-Backend-Server: s1\r\nX-Backend-Response-Time: 123\r\nX-Load-Balanced: true\r\n"
    )
