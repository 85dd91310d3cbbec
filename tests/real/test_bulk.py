"""Large bodies both ways through our proxy, byte for byte, in flat memory.

TRIO_LB_BULK_MIB=1024 makes them as large as one likes.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trio

from tests.real.house import RunningProxy, curl, needs, open_nginx, open_proxy

pytestmark = [pytest.mark.real, needs("nginx", "curl", "taskset")]

MIB = 1024 * 1024
BULK_MIB = int(os.environ.get("TRIO_LB_BULK_MIB", "64"))
WARM_MIB = 4
MOST_GROWTH_BYTES = 6 * MIB
"""For buffers, and for whatever the first large transfer loads; a copy of the body is far more."""
BLOCK = hashlib.shake_256(b"block").digest(MIB)


@attrs.define
class Watch:
    """The largest resident memory of the proxy, looked at all the time."""

    proxy: RunningProxy
    largest: int = 0

    async def run(self) -> None:
        while True:
            self.largest = max(self.largest, self.proxy.program.resident_bytes())
            await trio.sleep(0.01)


def blocks(mib: int) -> Iterator[bytes]:
    """A body in which no megabyte is another's: each begins with its number."""
    for number in range(mib):
        yield number.to_bytes(8, "big") + BLOCK[8:]


def write(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        file.writelines(blocks(mib))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def test_a_large_download_is_whole_and_needs_no_memory(tmp_path: Path) -> None:
    async with open_nginx(tmp_path, "one") as (one,):
        large, target = one.folder / "files" / "large", tmp_path / "got"
        write(large, BULK_MIB)
        write(one.folder / "files" / "warm", WARM_MIB)
        async with open_proxy(tmp_path, [one.address]) as proxy:
            await curl("-o", os.devnull, f"{proxy.url}/files/warm")
            before = proxy.program.resident_bytes()
            async with trio.open_nursery() as nursery:
                watch = Watch(proxy)
                nursery.start_soon(watch.run)
                got = await curl("-o", str(target), f"{proxy.url}/files/large")
                nursery.cancel_scope.cancel()
            assert (got.exit_code, got.status) == (0, 200)
            assert sha256_of(target) == sha256_of(large)
            assert watch.largest - before < MOST_GROWTH_BYTES


async def test_a_large_upload_arrives_and_needs_no_memory(tmp_path: Path) -> None:
    async with open_nginx(tmp_path, "one") as (one,):
        large, warm = tmp_path / "large", tmp_path / "warm"
        write(large, BULK_MIB)
        write(warm, WARM_MIB)
        async with open_proxy(tmp_path, [one.address]) as proxy:
            upload = ("-X", "POST", "-H", "Expect:", f"{proxy.url}/sink")
            await curl("-T", str(warm), *upload)
            before = proxy.program.resident_bytes()
            async with trio.open_nursery() as nursery:
                watch = Watch(proxy)
                nursery.start_soon(watch.run)
                got = await curl("-T", str(large), *upload)
                nursery.cancel_scope.cancel()
            assert (got.exit_code, got.status) == (0, 200)
            assert int(got.body) > BULK_MIB * MIB, "nginx had read it all when it answered"
            assert watch.largest - before < MOST_GROWTH_BYTES
