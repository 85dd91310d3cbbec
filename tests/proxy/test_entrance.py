"""The entrance: who may bring a PROXY header, and what becomes of those who bring none."""

import logging

import pytest
import trio

from tests.proxy.stage import context_of
from trio_lb.model.address import Address
from trio_lb.net.memory import MemoryStream, memory_stream_pair
from trio_lb.net.proxy_header import ANY
from trio_lb.net.relay import send_all
from trio_lb.proxy.entrance import Entrance
from trio_lb.proxy.request_out import Trust
from trio_lb.sim.env import SimEnv

HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 7000 80\r\n"


def wire(host: str = "10.0.0.1") -> tuple[MemoryStream, MemoryStream]:
    """A client's end, and ours."""
    ours, client = memory_stream_pair(Address("lb", 80), Address(host, 1))
    return client, ours


async def test_the_client_is_whom_the_header_names_and_nothing_behind_it_is_lost(
    env: SimEnv,
) -> None:
    client, ours = wire()
    await send_all(client, HEADER + b"GET", 1.0)
    stream = await Entrance(context_of(env), versions=ANY).pass_through(ours)
    assert stream is not None
    assert str(stream.peer) == "192.0.2.7:7000"
    assert await stream.receive_some(100) == b"GET"
    stream.close()
    client.close()


@pytest.mark.parametrize(
    ("host", "sent", "code"),
    [
        ("10.0.0.1", b"GET / HTTP/1.1\r\n\r\n", "proxy_header"),
        ("192.0.2.9", HEADER, "untrusted_peer"),
    ],
)
async def test_who_is_not_admitted_is_reset_counted_and_logged(
    env: SimEnv, caplog: pytest.LogCaptureFixture, host: str, sent: bytes, code: str
) -> None:
    caplog.set_level(logging.INFO)
    client, ours = wire(host)
    await send_all(client, sent, 1.0)
    entrance = Entrance(context_of(env), versions=ANY, believes=Trust(["10.0.0.0/8"]))
    assert await entrance.pass_through(ours) is None
    with pytest.raises(trio.BrokenResourceError):
        await client.receive_some(1)
    assert entrance.refused == {code: 1}
    assert code in caplog.messages[0]
    client.close()


async def test_a_header_that_never_comes_is_waited_for_as_long_as_a_head_may_take(
    env: SimEnv,
) -> None:
    client, ours = wire()
    entrance = Entrance(context_of(env), versions=ANY)
    assert await entrance.pass_through(ours) is None
    assert trio.current_time() == 10.0
    assert entrance.refused == {"proxy_header_timeout": 1}
    client.close()


async def test_a_scan_costs_one_line_a_second(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    entrance = Entrance(context_of(env), versions=ANY)
    for _ in range(50):
        client, ours = wire()
        await send_all(client, b"nonsense", 1.0)
        assert await entrance.pass_through(ours) is None
        client.close()
    assert len(caplog.messages) == 1
    await trio.sleep(1.0)
    client, ours = wire()
    await send_all(client, b"nonsense", 1.0)
    assert await entrance.pass_through(ours) is None
    assert "and 49 more" in caplog.messages[1]
    client.close()
