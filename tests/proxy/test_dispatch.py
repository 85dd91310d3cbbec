"""Where a request goes is its router's word; each word ends the request in its own way."""

from tests.net.wires import Recorded
from tests.proxy.stage import GET, context_of, exchange_of
from trio_lb.model.message import LocalAnswer, RequestHead
from trio_lb.proxy.dispatch import dispatch
from trio_lb.sim.env import SimEnv
from trio_lb.state.pool import Pool


class Says:
    """A router with one word for everything."""

    def __init__(self, word: Pool | LocalAnswer | None) -> None:
        self.word = word

    def pool_for(self, head: RequestHead) -> Pool | LocalAnswer | None:
        return self.word


async def test_where_nothing_is_served_it_is_404(env: SimEnv) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), stream=stream)
    await dispatch(exchange, GET, Says(None))
    assert (exchange.status, exchange.error, exchange.pool) == (404, "no_route", None)
    assert stream.sent.startswith(b"HTTP/1.1 404 ")


async def test_an_answer_that_needs_no_server_is_given_as_it_is(env: SimEnv) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), stream=stream)
    await dispatch(exchange, GET, Says(LocalAnswer(308, (("Location", "https://a/"),), b"there")))
    assert (exchange.status, exchange.error) == (308, None)
    assert b"\r\nLocation: https://a/\r\n" in stream.sent
    assert stream.sent.endswith(b"\r\n\r\nthere")


async def test_a_pool_takes_it(env: SimEnv) -> None:
    exchange = exchange_of(context_of(env))
    await dispatch(exchange, GET, Says(Pool("db")))
    assert (exchange.status, exchange.error) == (503, "no_healthy_server")
    assert exchange.pool == "db"
