"""What our own code costs a request, feature by feature: `python -m benchmarks.path`.

Runs whole requests through the balancer over a network without a kernel
(``benchmarks.canned``), one variant after the other, round after round, and compares CPU
times. Two kinds of variant: features switched on beside the plain balancer, and the plain
balancer with the looks at features that are off taken out of the code altogether.
"""

import argparse
import contextlib
import gc
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Final

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from benchmarks.canned import CLIENT, CannedEnv, CannedStream
from benchmarks.program import ProgramFailed
from benchmarks.variants import PLAIN, VARIANTS, Variant
from trio_lb.app.balancer import LoadBalancer
from trio_lb.app.opening import open_load_balancer
from trio_lb.config.load import examine_mapping

CLIENTS: Final = 8
REQUESTS: Final = 250
"""Of each client, in a round."""

REQUEST: Final = b"GET /small HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Length: 23\r\n"
    b"Connection: keep-alive\r\n\r\nHello from the origin.\n"
)


@attrs.define
class Series:
    """One variant's rounds: CPU microseconds of a request in each."""

    variant: Variant
    rounds: list[float] = attrs.Factory(list)

    @property
    def cost_us(self) -> float:
        """The median."""
        return statistics.median(self.rounds)

    def ratio_to(self, plain: "Series") -> float:
        """How much more it costs: the median of the ratios of the same rounds.

        A machine that is slow for a while is slow for both, so a round's ratio holds
        where its figures do not.
        """
        return statistics.median(a / b for a, b in zip(self.rounds, plain.rounds, strict=True))


def measure(variants: Sequence[Variant], rounds: int) -> list[Series]:
    """Run ``variants`` in turn, ``rounds`` times; an unmeasured round comes first."""
    series = [Series(variant) for variant in variants]
    for each in series:
        cost_us(each.variant)
    for number in range(rounds):
        # Forwards and backwards by turns: whoever is always second profits from warm caches.
        for each in series if number % 2 else reversed(series):
            each.rounds.append(cost_us(each.variant))
    return series


def cost_us(variant: Variant) -> float:
    """One round of one variant: CPU microseconds a request.

    Raises:
      ProgramFailed: a request was not answered as it should be.
    """
    gc.collect()
    gc.disable()
    try:
        with variant.patches():
            seconds, served = trio.run(_round, variant)
    finally:
        gc.enable()
    if served != CLIENTS * REQUESTS:
        raise ProgramFailed(f"{variant.name}: {served} of {CLIENTS * REQUESTS} requests went well")
    return seconds / served * 1e6


async def _round(variant: Variant) -> tuple[float, int]:
    """CPU seconds, and how many requests went well."""
    plan = {"listeners": [{"port": 8000}], "servers": ["127.0.0.1:9000", "127.0.0.1:9001"]}
    config = examine_mapping({**plan, **variant.settings}, source=variant.name).unwrap()
    env = CannedEnv(ANSWER)
    async with contextlib.AsyncExitStack() as stack:
        services = [service(stack) for service in variant.services]
        lb = await stack.enter_async_context(open_load_balancer(config, env=env, services=services))
        nursery = await stack.enter_async_context(trio.open_nursery())
        await nursery.start(lb.serve)
        measured = await _serve(lb, env)
        nursery.cancel_scope.cancel()
    return measured


async def _serve(lb: LoadBalancer, env: CannedEnv) -> tuple[float, int]:
    listener = env.canned.listener
    assert listener is not None, "serve has started"
    clients = [CannedStream(CLIENT, REQUEST, budget=REQUESTS) for _ in range(CLIENTS)]
    began = time.process_time()
    listener.begin(clients)
    await wait_all_tasks_blocked()  # Nothing here waits before the last client has gone.
    seconds = time.process_time() - began
    return seconds, lb.statistics().successful_requests


def table(series: Sequence[Series]) -> list[str]:
    """The lines of a Markdown table; the plain balancer stands first."""
    plain, *others = series
    lines = ["| variant | CPU µs a request | beside the plain one |", "|---|---:|---:|"]
    lines.append(f"| {plain.variant.name} | {plain.cost_us:.1f} | |")
    for each in others:
        lines.append(f"| {each.variant.name} | {each.cost_us:.1f} | {each.ratio_to(plain):.3f} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.path", description=__doc__)
    parser.add_argument("words", metavar="WORD", nargs="*", help="variants with this in their name")
    parser.add_argument("--rounds", metavar="N", type=int, default=15)
    options = parser.parse_args(arguments)
    chosen = [v for v in VARIANTS if not options.words or any(w in v.name for w in options.words)]
    print("\n".join(table(measure([PLAIN, *chosen], options.rounds))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
