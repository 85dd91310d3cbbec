"""curl through our proxy: versions, framings, connections, and a stop in mid-transfer."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio

from benchmarks.ledger.fleet import LedgerServer, Temper, wait_until
from benchmarks.ledger.records import answer_body, digest
from tests.real.house import RunningProxy, cores, curl, needs, open_nginx, open_proxy

pytestmark = [pytest.mark.real, needs("curl", "taskset")]

CHUNKED_ANSWER = "/ledger/{}?bytes=5000&frame=chunked"
SIZED_ANSWER = "/ledger/{}?bytes=5000&frame=length"


@attrs.frozen
class House:
    """Our proxy before a server that says the hash of what it was sent."""

    proxy: RunningProxy
    server: LedgerServer

    def url(self, path: str, name: str = "curl") -> str:
        return self.proxy.url + path.format(name)


@contextlib.asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    server = LedgerServer("hashing", folder, cores().load, Temper(delay_seconds=0.0))
    try:
        await server.start()
        async with open_proxy(folder, [f"127.0.0.1:{server.port}"]) as proxy:
            yield House(proxy, server)
    finally:
        server.end()


def right_body(method: str, sent: bytes) -> bytes:
    return answer_body("curl", method, digest(sent), 5000)


@pytest.mark.parametrize("path", [CHUNKED_ANSWER, SIZED_ANSWER])
@pytest.mark.parametrize(("option", "version"), [("-0", "1.0"), ("--http1.1", "1.1")])
async def test_an_answer_comes_whole_in_the_client_s_version(
    path: str, option: str, version: str, tmp_path: Path
) -> None:
    """HTTP/1.0 knows no chunks, so the end of the connection ends such an answer."""
    async with open_house(tmp_path) as house:
        got = await curl(option, "-i", house.url(path))
        head, _, body = got.body.partition(b"\r\n\r\n")
        assert (got.exit_code, got.status, body) == (0, 200, right_body("GET", b""))
        chunked = b"transfer-encoding" in head.lower()
        assert chunked == (version == "1.1" and path == CHUNKED_ANSWER)


@pytest.mark.parametrize("options", [["-T", "-"], ["-T", "-", "-H", "Expect: 100-continue"]])
async def test_an_upload_in_chunks_arrives_byte_for_byte(
    options: list[str], tmp_path: Path
) -> None:
    sent = hashlib.shake_256(b"seed").digest(300_000)
    async with open_house(tmp_path) as house:
        got = await curl(*options, house.url(SIZED_ANSWER), stdin=sent)
        assert (got.exit_code, got.status, got.body) == (0, 200, right_body("PUT", sent))


async def test_a_form_is_posted_with_its_length(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        got = await curl("--data-binary", "a=b&c=d", house.url(SIZED_ANSWER))
        assert (got.status, got.body) == (200, right_body("POST", b"a=b&c=d"))


@needs("nginx")
async def test_head_has_the_length_and_no_body(tmp_path: Path) -> None:
    async with open_nginx(tmp_path, "one") as (one,):
        (one.folder / "files" / "some").write_bytes(b"x" * 1234)
        async with open_proxy(tmp_path, [one.address]) as proxy:
            got = await curl("-I", f"{proxy.url}/files/some")
            assert (got.exit_code, got.status) == (0, 200)
            assert b"content-length: 1234\r\n" in got.body.lower()


async def test_two_requests_share_a_connection(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        got = await curl(house.url(SIZED_ANSWER), house.url(CHUNKED_ANSWER))
        assert (got.exit_code, got.connects) == (0, 0), "the second one opened no connection"
        assert got.body == 2 * right_body("GET", b"")


async def test_a_dead_server_is_said_in_words_and_at_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        house.server.kill()
        with trio.fail_after(1.5):
            got = await curl(house.url(SIZED_ANSWER))
        assert got.status in (502, 503)
        assert got.body.startswith(str(got.status).encode())
        assert str(house.server.port).encode() not in got.body, "a client learns no address"


@needs("nginx")
async def test_a_transfer_under_way_ends_well_when_the_proxy_is_told_to_stop(
    tmp_path: Path,
) -> None:
    content = hashlib.shake_256(b"file").digest(8 * 1024 * 1024)
    target = tmp_path / "got"
    async with open_nginx(tmp_path, "one") as (one,):
        (one.folder / "files" / "large").write_bytes(content)
        async with open_proxy(tmp_path, [one.address]) as proxy:
            async with trio.open_nursery() as nursery:
                exits: list[int] = []

                async def download() -> None:
                    slow = ("--limit-rate", "6M", "-o", str(target))
                    exits.append((await curl(*slow, f"{proxy.url}/files/large")).exit_code)

                nursery.start_soon(download)
                await wait_until(
                    lambda: target.exists() and target.stat().st_size > 0, "bytes", seconds=5.0
                )
                assert target.stat().st_size < len(content), "it is under way"
                assert await proxy.stop() == 0
            assert exits == [0]
            assert target.read_bytes() == content
