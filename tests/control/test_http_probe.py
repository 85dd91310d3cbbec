"""The HTTP probe: what it sends, and which answers it calls good."""

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wires import Recorded
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig
from trio_lb.control.http_probe import ask
from trio_lb.model.address import Address


async def probe(world: World, answer: bytes, **knobs: Any) -> tuple[str | None, bytes]:
    """Ask a server that sends ``answer`` and closes; return the verdict and what it was sent."""
    heard: list[bytes] = []

    async def script(peer: RawPeer) -> None:
        heard.append(await peer.expect_until(b"\r\n\r\n"))
        await peer.send(answer)

    server = await world.server("s1", script)
    async with await world.env.network.connect(server.address) as stream:
        wrong = await ask(stream, server.address, HealthCheckConfig(**knobs))
    return wrong, heard[0]


def answer(status: int, body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def test_asks_for_one_answer_and_names_itself(world: World) -> None:
    wrong, sent = await probe(world, answer(200))
    assert wrong is None
    assert sent == (
        b"GET / HTTP/1.1\r\nHost: 10.0.1.1:8000\r\nUser-Agent: trio-lb-health/0.1\r\n"
        b"Accept: */*\r\nConnection: close\r\n\r\n"
    ).replace(b"10.0.1.1", world.net.host("s1").address.encode())


async def test_asks_as_it_is_told_to_but_always_for_one_answer(world: World) -> None:
    headers = {"host": "app.internal", "X-Key": "k", "connection": "keep-alive"}
    _, sent = await probe(world, answer(200), method="HEAD", path="/ready?x=1", headers=headers)
    assert sent == (
        b"HEAD /ready?x=1 HTTP/1.1\r\nhost: app.internal\r\nUser-Agent: trio-lb-health/0.1\r\n"
        b"Accept: */*\r\nX-Key: k\r\nConnection: close\r\n\r\n"
    )


async def test_a_unix_socket_is_asked_as_localhost(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        assert b"\r\nHost: localhost\r\n" in await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer(200))

    server = await world.server("s1", script)
    async with await world.env.network.connect(server.address) as stream:
        assert await ask(stream, Address("unix:/run/app.sock", 0), HealthCheckConfig()) is None


@pytest.mark.parametrize(
    ("status", "expected", "wrong"),
    [
        (200, None, None),
        (204, None, None),
        (299, None, None),
        (399, None, None),
        (400, None, "status 400"),
        (503, None, "status 503"),
        (201, (200, 201), None),
        (204, (200, 201), "status 204"),
        (503, (503,), None),
    ],
)
async def test_a_status_is_good_from_200_to_399_or_as_expected(
    world: World, status: int, expected: tuple[int, ...] | None, wrong: str | None
) -> None:
    assert (await probe(world, answer(status), expected_status=expected))[0] == wrong


async def test_every_2xx_is_good_without_a_list() -> None:
    for status in range(200, 300):
        stream = Recorded([answer(status)])
        assert await ask(stream, Address("10.0.0.9", 80), HealthCheckConfig()) is None, status


async def test_interim_answers_are_skipped(world: World) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert (await probe(world, interim + answer(200)))[0] is None


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        (answer(200, b'{"status":"ok", "n": 1}'), None),
        (b'HTTP/1.1 200 X\r\n\r\n{"status":"ok"', None),
        (answer(200, b"broken"), """the body does not hold '"status":"ok"'"""),
        (answer(500, b'"status":"ok"'), "status 500"),
        (
            answer(200, b"." * 65536 + b'"status":"ok"'),
            """the body does not hold '"status":"ok"'""",
        ),
        (answer(200, b"." * (65536 - 13) + b'"status":"ok"'), None),
    ],
    ids=["in the middle", "until close", "absent", "bad status", "beyond 64 KiB", "within 64 KiB"],
)
async def test_expected_text_is_a_part_of_the_first_64_kib(
    world: World, sent: bytes, wrong: str | None
) -> None:
    assert (await probe(world, sent, expected_body='"status":"ok"'))[0] == wrong


async def test_expected_text_is_utf_8(world: World) -> None:
    assert (await probe(world, answer(200, "grün".encode()), expected_body="grün"))[0] is None


async def test_garbage_is_not_http(world: World) -> None:
    wrong, _ = await probe(world, b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    assert wrong is not None
    assert wrong.startswith("not HTTP: illegal status line")


async def test_a_body_that_is_cut_before_the_text_is_not_http(world: World) -> None:
    cut = b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\nhalf"
    wrong, _ = await probe(world, cut, expected_body="whole")
    assert wrong is not None
    assert wrong.startswith("not HTTP: peer closed connection")


async def test_silence_until_the_end_is_said_plainly(world: World) -> None:
    assert (await probe(world, b""))[0] == "closed without an answer"


async def test_a_probe_that_can_t_be_sent_says_so(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.eof()

    server = await world.server("s1", script)
    config = HealthCheckConfig(headers={"Content-Length": "5"})
    async with await world.env.network.connect(server.address) as stream:
        wrong = await ask(stream, server.address, config)
    assert wrong is not None
    assert wrong.startswith("the probe as configured is not HTTP")


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        (b"HTTP/1.0 200 OK\n\nfine", None),
        (b"HTTP/1.1 503 Down\nX-A: b\n\n", "status 503"),
        (b"HTTP/1.1 200\r\n\r\n", None),
        (b"HTTP/1.1 200 X\r\nX-A:\r\n b\r\n\r\n", None),
    ],
    ids=["LF alone", "LF alone, and bad", "no reason", "a folded line"],
)
async def test_what_a_small_script_answers_is_understood(
    world: World, sent: bytes, wrong: str | None
) -> None:
    assert (await probe(world, sent))[0] == wrong


async def test_a_head_that_contradicts_itself_is_not_http(world: World) -> None:
    twice = b"HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
    wrong, _ = await probe(world, twice)
    assert wrong is not None
    assert wrong.startswith("not HTTP: conflicting Content-Length")


async def test_an_answer_may_come_byte_by_byte() -> None:
    for status, wrong in ((200, None), (503, "status 503")):
        stream = Recorded([bytes([byte]) for byte in answer(status)])
        assert await ask(stream, Address("10.0.0.9", 80), HealthCheckConfig()) == wrong


async def test_servers_of_one_pool_are_each_asked_by_their_own_name() -> None:
    for port in (80, 81, 80):
        stream = Recorded([answer(200)])
        assert await ask(stream, Address("10.0.0.9", port), HealthCheckConfig()) is None
        assert b"\r\nHost: 10.0.0.9:%d\r\n" % port in stream.sent


@given(
    st.sampled_from([b"200", b"204", b"301", b"404", b"503", b"100", b"101", b"999"]),
    st.lists(
        st.sampled_from(
            [b"Content-Length: 0", b"Content-Length: 00", b"Content-Length: 5", b"X-A: b",
             b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"X-A : b", b"no colon"]
        ),
        max_size=3,
    ),
)  # fmt: skip
def test_law_the_short_way_says_what_h11_says(status: bytes, lines: list[bytes]) -> None:
    head = b"".join(line + b"\r\n" for line in [b"HTTP/1.1 " + status + b" X", *lines]) + b"\r\n"

    async def both() -> list[str | None]:
        whole, in_two = [head], [head[:5], head[5:]]  # The second is read by h11, piece by piece.
        return [
            await ask(Recorded(pieces), Address("10.0.0.9", 80), HealthCheckConfig())
            for pieces in (whole, in_two)
        ]

    at_once, later = trio.run(both)
    assert at_once == later
