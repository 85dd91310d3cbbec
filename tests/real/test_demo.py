"""`trio-lb demo` as a newcomer types it: the real clock, real sockets, no terminal."""

import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import trio

from benchmarks.machine import free_port

pytestmark = [pytest.mark.real]

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 15
PATIENCE_SECONDS: Final = 10.0


def command(*options: str) -> list[str]:
    return [sys.executable, "-u", "-m", "trio_lb", "demo", "-p", str(free_port()), *options]


async def start_demo(nursery: trio.Nursery) -> trio.Process:
    """One without an end; it is killed with the nursery if it should not end by itself."""
    start = partial(trio.run_process, command(), stdout=subprocess.PIPE, check=False, cwd=ROOT)
    process: trio.Process = await nursery.start(start)
    return process


async def output_until(process: trio.Process, mark: bytes) -> bytes:
    """What it says up to a word of it, or to its end."""
    assert process.stdout is not None
    said = b""
    with trio.fail_after(PATIENCE_SECONDS):
        while mark not in said and (piece := await process.stdout.receive_some()):
            said += piece
    return said


def verdict(text: str) -> Mapping[str, int]:
    last = text.splitlines()[-1]
    assert last.startswith("demo: "), text
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", last)}


@pytest.mark.slow
async def test_fifteen_seconds_of_trouble_and_no_failed_request() -> None:
    """However slow the machine is: a breaker's whole life, a death, a return, no failure."""
    with trio.fail_after(SECONDS + PATIENCE_SECONDS):
        done = await trio.run_process(
            command("--seconds", str(SECONDS)), capture_stdout=True, check=False, cwd=ROOT
        )
    text = done.stdout.decode()
    counts = verdict(text)
    assert (done.returncode, counts["failed"]) == (0, 0), text
    assert counts["answered"] > 300
    assert counts["saved"] >= 5
    assert (counts["breakers_opened"] >= 2, counts["breakers_closed"] >= 1) == (True, True), text
    events = [
        "birch falls ill",
        "birch's breaker opens",
        "birch's breaker half-opens",
        r"birch's breaker opens for \d\.\d s \(a trial failed\)",
        "birch's breaker half-opens",
        "birch's breaker closes",
        "cedar dies",
        "cedar is unhealthy",
        "cedar comes back",
        "cedar is healthy",
    ]
    told = text.partition("What happens (")[2]
    assert re.search(".*".join(events), told, re.DOTALL), text
    assert "\x1b" not in text, "no colours where there is no terminal"


async def test_ctrl_c_ends_it_with_the_summary() -> None:
    async with trio.open_nursery() as nursery:
        process = await start_demo(nursery)
        await output_until(process, b"answered: ")
        process.send_signal(signal.SIGINT)
        rest = (await output_until(process, b"\0")).decode()
        assert verdict(rest)["failed"] == 0
        assert ">>> the end" in rest
        assert await process.wait() == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")
async def test_a_visitor_may_come_over_https() -> None:
    async with trio.open_nursery() as nursery:
        process = await start_demo(nursery)
        said = (await output_until(process, b"answered: ")).decode()
        port = re.search(r"https://127\.0\.0\.1:(\d+)", said)
        assert port, said
        assert b"HTTP/1.1 200 OK" in await get_unverified(int(port[1]))
        assert "you asked for /secret" in (await output_until(process, b"/secret")).decode()
        process.send_signal(signal.SIGTERM)
        await output_until(process, b"\0")
        assert await process.wait() == 0


async def get_unverified(port: int) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    stream = await trio.open_ssl_over_tcp_stream(
        "127.0.0.1", port, ssl_context=context, https_compatible=True
    )
    async with aclosing(stream):
        await stream.send_all(b"GET /secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        with trio.fail_after(PATIENCE_SECONDS):
            while piece := await stream.receive_some():
                answer += piece
        return answer
