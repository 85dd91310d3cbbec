"""The PROXY header as it comes off a stream: how it ends, and what is left behind it."""

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wires import Recorded, split
from tests.support.stage import Stage, open_pair, receive_all, send_all
from trio_lb.model.address import Address
from trio_lb.net.prefaced import PrefacedStream
from trio_lb.net.proxy_protocol import (
    HeaderRefused,
    Version,
    encode,
    encode_own,
    read_proxy_header,
)

CLIENT, SERVICE = Address("203.0.113.9", 5555), Address("198.51.100.1", 443)
HEADERS = [encode(version, CLIENT, SERVICE) for version in Version]


async def read(*pieces: bytes, broken: bool = False) -> PrefacedStream:
    return await read_proxy_header(Recorded(pieces, broken=broken))


@pytest.mark.parametrize("header", HEADERS)
async def test_behind_the_header_the_stream_goes_by_the_client_s_name(
    stage: Stage, header: bytes
) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, header + b"\x16\x03\x01 hello")
        await near.send_eof()
        stream = await read_proxy_header(far)
        assert (stream.peer, stream.local) == (CLIENT, SERVICE)
        assert await receive_all(stream) == b"\x16\x03\x01 hello"


@pytest.mark.parametrize(
    "header",
    [
        encode(Version.V1, None, None),
        encode(Version.V2, None, None),
        encode_own(Version.V2, CLIENT, SERVICE),
    ],
)
async def test_where_the_header_names_nobody_the_real_ends_count(
    stage: Stage, header: bytes
) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, header)
        stream = await read_proxy_header(far)
        assert (stream.peer, stream.local) == (near.local, near.peer)
        assert not stream.is_stale()


@pytest.mark.parametrize("header", HEADERS)
async def test_a_header_may_come_byte_by_byte(header: bytes) -> None:
    stream = await read(*(bytes([byte]) for byte in header), b"rest")
    assert (stream.peer, stream.local) == (CLIENT, SERVICE)
    assert await receive_all(stream) == b"rest"


@given(
    st.sampled_from(HEADERS), st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=8)
)
def test_however_it_is_cut_what_follows_is_whole(
    header: bytes, rest: bytes, cuts: Sequence[int]
) -> None:
    async def play() -> tuple[Address, bytes]:
        stream = await read(*split(header + rest, cuts))
        return stream.peer, await receive_all(stream)

    assert trio.run(play) == (CLIENT, rest)


async def test_little_of_what_follows_is_read_with_the_header() -> None:
    wire = Recorded([HEADERS[0] + bytes(100_000)])
    await read_proxy_header(wire)
    assert wire.asked == [536]


async def test_who_begins_otherwise_is_refused_with_the_first_bytes() -> None:
    with pytest.raises(HeaderRefused, match="no PROXY header"):
        await read(b"G", b"ET / HTTP/1.1\r\n\r\n")


async def test_a_version_that_is_not_wanted_is_no_header() -> None:
    with pytest.raises(HeaderRefused, match="no PROXY header"):
        await read_proxy_header(Recorded([HEADERS[1]]), {Version.V1})


async def test_a_refusal_says_what_was_seen() -> None:
    with pytest.raises(HeaderRefused, match="version and command 0x31"):
        await read(HEADERS[1][:12] + b"\x31" + HEADERS[1][13:])


@pytest.mark.parametrize("size", [0, 1, 15, 30])
async def test_an_end_in_the_midst_of_it_is_refused(size: int) -> None:
    with pytest.raises(HeaderRefused, match=f"it ended after {size} bytes of a PROXY header"):
        await read(HEADERS[0][:size])


async def test_a_reset_in_the_midst_of_it_stays_a_reset() -> None:
    with pytest.raises(trio.BrokenResourceError):
        await read(HEADERS[0][:20], broken=True)


async def test_an_endless_line_is_refused_at_its_bound() -> None:
    wire = Recorded([b"PROXY UNKNOWN "] + [b"x"] * 10_000)
    with pytest.raises(HeaderRefused, match="no end of line in 107 bytes"):
        await read_proxy_header(wire)
    assert len(wire.asked) == 1 + 107 - len("PROXY UNKNOWN ")
