"""Does a simulation tell the truth? The same service on loopback and in virtual time, side by side.

    python -m benchmarks.fidelity [--seconds 20] [--rate 100]

A balancer in a process of its own, three servers and a crowd of clients over real sockets; then
the same configuration, load and service times in a simulation. In each case the third server
does something else. Told are the outcomes that clients see, and the latencies of good answers.
"""

import argparse
import socket
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import trio
import yaml

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.cpu import CpuCost
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults import fluent
from trio_lb.sim.faults.fluent import Timed, during
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.simulation import Simulation

SERVICE: Final = Lognormal(p50=0.012, p99=0.08)
SERVERS: Final = ("s1", "s2", "s3")
LAST: Final = SERVERS[-1]
FIRST_BYTE_SECONDS: Final = 0.5
LOOPBACK_SECONDS: Final = 15e-6
"""One way, and next to nothing."""
SEED: Final = 1
HEAD: Final = b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n"
BODY: Final = b"ok"
_READ_BYTES: Final = 65536


@attrs.frozen
class Case:
    """What the third server does: a fault in the simulation, a ``trick`` on loopback."""

    name: str
    trick: str = ""
    fault: Timed | None = None


def cases(seconds: float) -> list[Case]:
    """All of them, for runs of that length."""
    whole = partial(during, 0.0, seconds)
    return [
        Case("all is well"),
        Case("it refuses", "refuse", whole(fluent.Refuse(f"server:{LAST}"))),
        Case("it answers 503", "503", whole(fluent.Errors(f"server:{LAST}", share=1, status=503))),
        Case("it resets behind the head", "reset", whole(fluent.ResetBeforeBody("lb", LAST))),
        Case("it ends in mid body", "end", whole(fluent.FinMidBody("lb", LAST, bytes=1))),
        Case("it is too slow", "slow", whole(fluent.Slow(f"server:{LAST}", x=1000))),
    ]


@attrs.define
class Seen:
    """What clients saw: how often each outcome, and the seconds of the good answers."""

    outcomes: Counter[str] = attrs.Factory(Counter)
    seconds: list[float] = attrs.Factory(list)

    def note(self, outcome: str, seconds: float) -> None:
        """One request is over: a status, or why there is none."""
        self.outcomes[outcome] += 1
        if outcome == "200":
            self.seconds.append(seconds)

    def milliseconds(self, share: float) -> float:
        """Return a quantile of the good answers' latencies."""
        ordered = sorted(self.seconds)
        return 1e3 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def told(self) -> str:
        """Return the outcomes' shares."""
        total = sum(self.outcomes.values())
        shares = sorted(self.outcomes.items())
        return ", ".join(f"{name} {count / total:.1%}" for name, count in shares)


def settings() -> dict[str, Any]:
    """A balancer that adds nothing of its own: no probes, no retries, and nobody is spared."""
    return {
        "algorithm": "round_robin",
        "health_check": {"enabled": False},
        "outlier_detection": {"enabled": False},
        "retry": {"max_retries": 0},
        "timeouts": {"first_byte": FIRST_BYTE_SECONDS},
    }


# ---------------------------------------------------------------------- in virtual time


def simulated(case: Case, rate: float, seconds: float) -> Seen:
    """Return what clients see in a simulation."""
    sim = Simulation(SEED, name=case.name, latency_seconds=LOOPBACK_SECONDS)
    for name in SERVERS:
        sim.server(name, service=SERVICE)
    sim.balancer(settings(), cpu=CpuCost())
    sim.clients("web", OpenLoop(Poisson(rate)))
    if case.fault is not None:
        sim.faults(case.fault)
    seen = Seen()

    def hear(happening: Happening) -> None:
        outcome = str(happening.values[0])
        took_ns = happening.values[2 if happening.what is What.ANSWER else 1]
        seen.note(outcome, float(took_ns) / 1e9)

    sim.wire.hear(hear, What.ANSWER, What.FAIL)
    sim.run(until=seconds, tally=False, trace=False, standard=False)
    return seen


# ---------------------------------------------------------------------- on loopback


async def on_loopback(case: Case, rate: float, seconds: float) -> Seen:
    """Return what clients see through real sockets."""
    async with trio.open_nursery() as nursery:
        ports = [await _serve(nursery, name, case) for name in SERVERS]
        async with _balancer(ports) as port:
            seen = await _ask_all(port, rate, seconds)
        nursery.cancel_scope.cancel()
    return seen


async def _serve(nursery: trio.Nursery, name: str, case: Case) -> int:
    """Start one server; return its port."""
    trick = case.trick if name == LAST else ""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = int(listeners[0].socket.getsockname()[1])
    if trick == "refuse":
        await listeners[0].aclose()
        return port
    rng = derive_rng(SEED, f"server {name}")

    async def answer(stream: trio.SocketStream) -> None:
        try:
            async with stream:
                while await _head_of(stream):
                    await trio.sleep(SERVICE.draw(rng) * (1000 if trick == "slow" else 1))
                    if not await _answer(stream, trick):
                        return
        except trio.BrokenResourceError:
            return  # The balancer gave up.

    nursery.start_soon(partial(trio.serve_listeners, answer, listeners))
    return port


async def _head_of(stream: trio.SocketStream) -> bool:
    """Read a request without a body; False at the end of the stream."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        if not (piece := bytes(await stream.receive_some(_READ_BYTES))):
            return False
        data += piece
    return True


async def _answer(stream: trio.SocketStream, trick: str) -> bool:
    """Answer as the trick wants it; whether the connection goes on."""
    match trick:
        case "503":
            await stream.send_all(HEAD % 503 + BODY)
        case "reset":
            await stream.send_all(HEAD % 200)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        case "end":
            await stream.send_all(HEAD % 200 + BODY[:1])
            return False
        case _:
            await stream.send_all(HEAD % 200 + BODY)
    return True


@asynccontextmanager
async def _balancer(ports: Sequence[int]) -> AsyncGenerator[int, None]:
    """Run the balancer as a program; yield where it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    servers = [f"127.0.0.1:{each}" for each in ports]
    told = settings() | {"servers": servers, "listeners": [{"bind": f"127.0.0.1:{port}"}]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lb.yaml"
        path.write_text(yaml.safe_dump({"load_balancer": told}), "utf-8")
        command = [sys.executable, "-m", "trio_lb", "run", str(path)]
        process = await trio.lowlevel.open_process(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            await _wait_for(port)
            yield port
        finally:
            process.terminate()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
                await process.wait()


async def _wait_for(port: int) -> None:
    """Wait until somebody listens, for 15 seconds at the most."""
    with trio.fail_after(15):
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.05)
            else:
                await stream.aclose()
                return


async def _ask_all(port: int, rate: float, seconds: float) -> Seen:
    """Let requests come at random instants, those of the simulation's clients."""
    seen, idle = Seen(), list[trio.SocketStream]()
    arrivals, rng, begin = Poisson(rate), derive_rng(SEED, "arrivals web"), trio.current_time()
    at = arrivals.next_after(0.0, rng)
    async with trio.open_nursery() as asking:
        while at is not None and at < seconds:
            await trio.sleep_until(begin + at)
            asking.start_soon(_ask, port, idle, seen)
            at = arrivals.next_after(at, rng)
    for stream in idle:
        await stream.aclose()
    return seen


async def _ask(port: int, idle: list[trio.SocketStream], seen: Seen) -> None:
    """Ask once, on the connection that was used last."""
    begin = trio.current_time()
    stream = idle.pop() if idle else await trio.open_tcp_stream("127.0.0.1", port)
    answer = b""
    try:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: sim\r\n\r\n")
        while not (length := _length(answer)) or len(answer) < length:
            if not (piece := bytes(await stream.receive_some(_READ_BYTES))):
                raise trio.BrokenResourceError
            answer += piece
    except trio.BrokenResourceError:
        seen.note("cut" if answer else "closed", trio.current_time() - begin)
        await stream.aclose()
        return
    seen.note(answer[9:12].decode(), trio.current_time() - begin)
    if b"connection: close" in answer.lower():
        await stream.aclose()
    else:
        idle.append(stream)


def _length(answer: bytes) -> int:
    """Return how many bytes the answer has in all; 0 while its head is not whole."""
    head, end, _ = answer.lower().partition(b"\r\n\r\n")
    if not end:
        return 0
    _, _, length = head.partition(b"content-length:")
    return len(head) + len(end) + int(length.split(b"\r\n")[0] or 0)


# ---------------------------------------------------------------------- side by side


def lines(rate: float, seconds: float) -> Iterator[str]:
    """The lines of a Markdown table, each as soon as its case was played twice."""
    yield "| the third server | | outcomes | p50 | p90 | p99 |"
    yield "|---|---|---|---|---|---|"
    for case in cases(seconds):
        sides = {
            "loopback": trio.run(on_loopback, case, rate, seconds),
            "simulated": simulated(case, rate, seconds),
        }
        for side, seen in sides.items():
            quantiles = " | ".join(f"{seen.milliseconds(q):.1f} ms" for q in (0.5, 0.9, 0.99))
            yield f"| {case.name} | {side} | {seen.told()} | {quantiles} |"


def main(arguments: Sequence[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=100.0)
    options = parser.parse_args(arguments)
    for line in lines(options.rate, options.seconds):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
