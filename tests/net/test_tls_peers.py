"""TLS of ours with OpenSSL's and curl's own clients and servers, over the loopback."""

import shutil
import subprocess
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.net.identities import both_sides, issued, write, write_ca
from trio_lb.model.address import Address
from trio_lb.net.certificates import client_context, server_context
from trio_lb.net.real_network import RealNetwork, RealStream
from trio_lb.net.tls import TlsError, TlsFault, TlsStream

pytestmark = pytest.mark.real

ANYWHERE = Address("127.0.0.1", 0)
NETWORK = RealNetwork()


def program(name: str) -> str:
    """The path of a program, or a skip that says how to get it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"apt-get install {name}")
    return path


@asynccontextmanager
async def running(command: Sequence[str]) -> AsyncGenerator[trio.Process, None]:
    """A program with its standard streams in our hands, ended with the block."""
    async with trio.open_nursery() as nursery:
        start = partial(
            trio.run_process,
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        process: trio.Process = await nursery.start(start)
        assert process.stdin is not None
        assert process.stdout is not None
        async with process.stdin, process.stdout:
            yield process
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def s_client(*options: str) -> AsyncGenerator[tuple[trio.Process, RealStream], None]:
    """``openssl s_client``, connected to us, before anything was said."""
    listener = await NETWORK.listen(ANYWHERE)
    command = [program("openssl"), "s_client", "-connect", str(listener.address), *options]
    async with running(command) as client:
        (transport,) = await listener.accept_batch(1)
        await listener.aclose()
        async with transport:
            yield client, transport


async def say(client: trio.Process, line: bytes) -> None:
    assert client.stdin is not None
    await client.stdin.send_all(line)


async def test_a_client_may_ask_for_new_keys_amid_the_conversation(tmp_path: Path) -> None:
    tls, _ = both_sides(tmp_path)
    async with s_client() as (client, transport):
        stream = await TlsStream.accept(transport, tls)
        await say(client, b"before\n")
        assert await stream.receive_some(100) == b"before\n"
        await say(client, b"K\n")  # s_client's own command: new keys for both directions.
        await trio.lowlevel.wait_readable(transport._fd)
        assert not stream.is_stale(), "an update of keys is no data"
        await say(client, b"after\n")
        assert await stream.receive_some(100) == b"after\n"
        stream.send_nowait(b"under new keys, too\n")
        assert client.stdout is not None
        seen = b""
        while b"under new keys, too" not in seen:
            seen += await client.stdout.receive_some()


async def test_a_renegotiation_is_refused(tmp_path: Path) -> None:
    tls, _ = both_sides(tmp_path)
    async with s_client("-tls1_2") as (client, transport):
        stream = await TlsStream.accept(transport, tls)
        await say(client, b"before\n")
        assert await stream.receive_some(100) == b"before\n"
        await say(client, b"R\n")
        # OpenSSL's client takes the refusal for a failure, and leaves.
        with pytest.raises(trio.BrokenResourceError):
            await stream.receive_some(100)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
async def test_a_version_of_long_ago_is_refused(tmp_path: Path, version: str) -> None:
    tls, _ = both_sides(tmp_path)
    async with s_client(version, "-cipher", "ALL:@SECLEVEL=0") as (_, transport):
        with pytest.raises(TlsError) as caught:
            await TlsStream.accept(transport, tls)
    assert caught.value.kind is TlsFault.VERSION


async def test_curl_gets_the_certificate_of_the_name_that_it_asks_for(tmp_path: Path) -> None:
    names = ("one.test", "two.test")
    tls = server_context([write(tmp_path, name, issued(name)) for name in names])
    listener = await NETWORK.listen(ANYWHERE)
    port = listener.address.port

    async def answer() -> None:
        for name in names:
            (transport,) = await listener.accept_batch(1)
            async with await TlsStream.accept(transport, tls) as stream:
                await stream.receive_some(65536)
                assert stream.server_name == name
                stream.send_nowait(f"HTTP/1.1 200 OK\r\n\r\n{stream.server_name}".encode())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        for name in names:
            place = ["--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/"]
            command = [program("curl"), "-sS", "--cacert", write_ca(tmp_path), *place]
            ran = await trio.run_process(command, capture_stdout=True)
            assert ran.stdout == name.encode(), "up to the close_notify"
    await listener.aclose()


async def test_a_server_of_openssl_is_spoken_to_and_asked_for_its_name(tmp_path: Path) -> None:
    listener = await NETWORK.listen(ANYWHERE)
    port = listener.address.port
    await listener.aclose()
    files = write(tmp_path, "a", issued("a.test"))
    own = ["-cert", files.certificate, "-key", files.private_key]
    command = [program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", *own, "-rev"]
    client = client_context(ca=write_ca(tmp_path))
    async with running(command) as server:
        assert server.stdout is not None
        seen = b""
        while b"ACCEPT" not in seen:
            seen += await server.stdout.receive_some()
        transport = await NETWORK.connect(Address("127.0.0.1", port))
        async with await TlsStream.connect(transport, client, "a.test") as stream:
            stream.send_nowait(b"olleh\n")
            assert await stream.receive_some(100) == b"hello\n"
            assert not stream.is_stale()
