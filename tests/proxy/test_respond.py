"""Our own answers: each failure has its status and code, and a doubt ends the connection."""

import pytest
import trio

from tests.net.wires import Recorded
from tests.proxy.stage import OLD_GET, POST, context_of, exchange_of, head_of
from trio_lb.model.message import Reject
from trio_lb.model.outcome import CONNECT_KINDS, Outcome, OutcomeKind
from trio_lb.proxy.respond import fail, refuse
from trio_lb.sim.env import SimEnv

KIND = OutcomeKind


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (KIND.CONNECT_REFUSED, 502, "upstream_connect_refused"),
        (KIND.CONNECT_FAILED, 502, "upstream_connect_failed"),
        (KIND.CONNECT_TIMEOUT, 504, "upstream_connect_timeout"),
        (KIND.EXHAUSTED, 503, "out_of_descriptors"),
        (KIND.STALE, 502, "upstream_reset"),
        (KIND.RESET, 502, "upstream_reset"),
        (KIND.CLOSED, 502, "upstream_reset"),
        (KIND.TIMEOUT, 504, "upstream_timeout"),
        (KIND.BAD_RESPONSE, 502, "upstream_bad_response"),
    ],
)
async def test_a_failure_before_an_answer_is_answered(
    env: SimEnv, kind: OutcomeKind, status: int, code: str
) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), stream=stream)
    await fail(exchange, Outcome(kind, detail="10.0.0.9:80: secret"), None)
    assert stream.sent.startswith(b"HTTP/1.1 %d " % status)
    assert b"10.0.0.9" not in stream.sent
    assert exchange.id.encode() in stream.sent
    assert (exchange.status, exchange.error, exchange.keep) == (status, code, True)


def test_every_failure_that_can_come_before_an_answer_is_in_the_table() -> None:
    tried = {KIND.STALE, KIND.RESET, KIND.CLOSED, KIND.TIMEOUT, KIND.BAD_RESPONSE, *CONNECT_KINDS}
    tried.add(KIND.EXHAUSTED)
    assert set(KIND) - tried == {KIND.ANSWERED, KIND.TRUNCATED, KIND.ABANDONED}


@pytest.mark.parametrize(("head", "cut"), [(POST, False), (OLD_GET, True)])
async def test_a_failure_after_the_answer_began_says_nothing_more(
    env: SimEnv, head: object, cut: bool
) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), head, stream=stream)  # type: ignore[arg-type] # pytest's.
    exchange.answered(200)
    await fail(exchange, Outcome(KIND.TRUNCATED, 200), None)
    assert (stream.sent, exchange.keep, exchange.cut) == (b"", False, cut)
    assert (exchange.status, exchange.error) == (200, "upstream_truncated")


@pytest.mark.parametrize("began", [False, True])
async def test_a_client_that_left_is_told_nothing(env: SimEnv, began: bool) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), stream=stream)
    if began:
        exchange.answered(200)
    await fail(exchange, Outcome(KIND.ABANDONED), None)
    assert (stream.sent, exchange.cut, exchange.keep) == (b"", True, False)
    assert exchange.error == "client_gone"


REFUSAL = Reject(408, "request_timeout", "too slow")


async def test_a_client_at_fault_is_told_so_while_it_can_be(env: SimEnv) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), POST, stream=stream)
    await fail(exchange, Outcome(KIND.ABANDONED), REFUSAL)
    assert stream.sent.startswith(b"HTTP/1.1 408 ")
    assert not exchange.keep, "its body was not read"
    assert not exchange.cut


async def test_a_client_at_fault_is_cut_once_its_answer_began(env: SimEnv) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), POST, stream=stream)
    exchange.answered(200)
    await fail(exchange, Outcome(KIND.ABANDONED), REFUSAL)
    assert (stream.sent, exchange.cut, exchange.error) == (b"", True, "request_timeout")


async def test_a_refusal_speaks_the_client_s_language(env: SimEnv) -> None:
    stream = Recorded([])
    head = head_of("HEAD / HTTP/1.1\nHost: a\nAccept: application/json")
    await refuse(exchange_of(context_of(env), head, stream=stream), REFUSAL)
    assert b"application/json" in stream.sent
    assert stream.sent.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_body_of_a_refusal_is_counted_like_any_other(env: SimEnv, method: str) -> None:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), head_of(f"{method} / HTTP/1.1\nHost: a"), stream=stream)
    await refuse(exchange, REFUSAL)
    body = stream.sent.partition(b"\r\n\r\n")[2]
    assert (exchange.bytes_out, bool(body)) == (len(body), method == "GET")


async def test_while_draining_a_refusal_ends_the_connection(env: SimEnv) -> None:
    context = context_of(env)
    stream = Recorded([])
    exchange = exchange_of(context, stream=stream)
    context.draining = True
    await refuse(exchange, REFUSAL, retry_after_seconds=3)
    assert b"\r\nRetry-After: 3\r\nConnection: close\r\n" in stream.sent
    assert not exchange.keep


class Gone(Recorded):
    """A client that is not there any more."""

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        raise trio.BrokenResourceError("reset")


class Stuck(Recorded):
    """A client that takes nothing."""

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return 0

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        await trio.sleep_forever()
        return 0


@pytest.mark.parametrize(("kind", "at"), [(Gone, 0.0), (Stuck, 30.0)])
async def test_a_refusal_that_nobody_takes_is_a_cut(
    env: SimEnv, kind: type[Recorded], at: float
) -> None:
    exchange = exchange_of(context_of(env), stream=kind([]))
    await refuse(exchange, REFUSAL)
    assert trio.current_time() == at
    assert (exchange.cut, exchange.keep, exchange.error) == (True, False, "request_timeout")
