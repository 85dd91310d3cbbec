"""The way to the servers on behalf of middleware: heads that it changed, bodies that it read."""

import pytest
import trio

from tests.net.wires import Recorded
from tests.proxy.stage import context_of, exchange_of, head_of, news_of
from trio_lb.model.address import Address
from trio_lb.model.errors import RequestCut
from trio_lb.model.events import Event
from trio_lb.model.message import Length, RequestHead, Unsized
from trio_lb.model.request import Request
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.inner import ClientBody, InnerExchange, NewBody
from trio_lb.proxy.inner import head_of as changed
from trio_lb.sim.env import SimEnv

POST = head_of("POST /a HTTP/1.1\nHost: a\nContent-Length: 6\nConnection: x-hop\nX-Hop: 1")
CHUNKED = head_of("POST /a HTTP/1.1\nHost: a\nTransfer-Encoding: chunked")


class Nowhere:
    """A router that knows no pool."""

    def pool_for(self, head: RequestHead) -> None:
        return None


def exchange_with(env: SimEnv, head: RequestHead, *pieces: bytes) -> Exchange:
    return exchange_of(context_of(env), head, stream=Recorded(pieces))


def test_a_changed_request_keeps_what_steers_its_hop() -> None:
    request = Request("PUT", "/b?c", [("X-New", "é"), ("Host", "b.example:81")])
    head = changed(request, POST, Length(3))
    assert (head.method, head.target, head.host) == (b"PUT", b"/b?c", b"b.example:81")
    assert head.fields[0] == (b"x-new", b"X-New", b"\xe9")
    assert (head.framing, head.connection) == (Length(3), frozenset({b"x-hop"}))


def test_a_whole_address_as_the_target_names_the_host() -> None:
    head = changed(Request("GET", "http://b.example/x?y"), POST, Unsized.NO_BODY)
    assert (head.target, head.host) == (b"/x?y", b"b.example")


def test_without_a_host_of_its_own_a_request_keeps_the_client_s() -> None:
    assert changed(Request("GET", "/"), POST, Unsized.NO_BODY).host == b"a"


@pytest.mark.parametrize("host", ["a b", "user@a", "a/b", "a:b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        changed(Request("GET", "/", {"Host": host}), POST, Unsized.NO_BODY)


def test_a_target_that_was_spoiled_later_is_refused() -> None:
    request = Request("GET", "/")
    request.target = "/ HTTP/1.1\r\nEvil: 1"
    with pytest.raises(ValueError, match="is not an escaped path"):
        changed(request, POST, Unsized.NO_BODY)


async def test_the_client_s_body_comes_in_bare_pieces(env: SimEnv) -> None:
    exchange = exchange_with(env, CHUNKED, b"2\r\nab\r\n", b"1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\n")
    assert [piece async for piece in ClientBody(exchange, CHUNKED)] == [b"ab", b"c"]
    assert exchange.body.ended


async def test_what_was_gathered_before_comes_first(env: SimEnv) -> None:
    exchange = exchange_with(env, POST, b"abc", b"def")
    await exchange.body.receive()
    assert [piece async for piece in ClientBody(exchange, POST)] == [b"abc", b"def"]


async def test_a_body_that_is_malformed_or_cut_is_told_with_its_reason(env: SimEnv) -> None:
    malformed = ClientBody(exchange_with(env, CHUNKED, b"zz\r\n"), CHUNKED)
    with pytest.raises(RequestCut, match="refused"):
        await anext(malformed)
    assert malformed.reject is not None
    assert malformed.reject.status == 400
    cut = ClientBody(exchange_with(env, POST, b"abc"), POST)
    with pytest.raises(RequestCut, match="the client left"):
        _ = [piece async for piece in cut]
    assert cut.reject is None


async def test_a_client_that_stalls_in_its_body_is_not_waited_for(env: SimEnv) -> None:
    class Silent(Recorded):
        def receive_nowait(self, max_bytes: int) -> bytes | None:
            return None

    exchange = exchange_of(context_of(env), POST, stream=Silent([]))
    body = ClientBody(exchange, POST)
    with pytest.raises(RequestCut, match="no byte of the body for 60 s"):
        await anext(body)
    assert trio.current_time() == 60.0
    assert body.reject is not None
    assert body.reject.status == 408


async def test_a_body_is_lent_or_read_but_not_both(env: SimEnv) -> None:
    exchange = exchange_with(env, POST, b"abc", b"def")
    body = ClientBody(exchange, POST)
    assert body.lend() is exchange.body
    with pytest.raises(RuntimeError, match=r"await request\.read\(\)"):
        body.lend()
    with pytest.raises(RuntimeError, match=r"await request\.read\(\)"):
        aiter(body)
    await exchange.body.gather(POST.framing, 1.0)
    assert body.lend() is exchange.body, "all of it was kept"


async def test_a_new_body_of_bytes_is_at_hand_at_once(env: SimEnv) -> None:
    request = Request("POST", "/", body=bytes(200_000))
    new = NewBody(request, exchange_with(env, POST))
    async with trio.open_nursery() as nursery:
        body = await new.open(nursery)
        assert (new.framing, body.ended, body.is_replayable) == (Length(200_000), True, True)
        assert len(body.so_far()) == 200_000


async def test_an_inner_exchange_has_no_entry_in_the_books(env: SimEnv) -> None:
    context = context_of(env)
    outer = exchange_of(context)
    news: list[Event] = news_of(context)
    assert outer.head is not None
    inner = InnerExchange(outer, outer.head, outer.body)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(inner.run, Nowhere())
        response = await inner.answer()
        assert (response.status, outer.status) == (404, 0)
        assert b"nothing is served here" in await response.read()
        await inner.finish()
    assert context.ledger.active == 1, "only the outer one is under way"
    assert news == []
    assert inner.exchange.client.stream.peer == outer.client.stream.peer == Address("192.0.2.1", 1)
