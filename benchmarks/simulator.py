"""What a simulated run of the whole proxy costs, and where the time goes.

    python -m benchmarks.simulator [--rounds 3] [--day] [--profile hour]

Rows, each with checks, report and the trace's hash as they come, and bare without them:

    busy   2 servers of plenty, 100 requests a second on connections that stay: 10,000 requests
    hour   20 servers, 10,000 requests in an hour, 4 a connection, probes every 5 s, 7 faults
    day    20 servers, 240,000 requests in 24 hours, probes every 5 s, no faults (with --day)

Figures are CPU seconds of one core, the fastest round. A virtual machine's cores are shared,
so the load beside is told, too. ``--profile`` prints the shares of each part of a row.
"""

import argparse
import cProfile
import os
import pstats
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.faults import fluent
from trio_lb.sim.faults.fluent import Timed, at
from trio_lb.sim.result import Result
from trio_lb.sim.simulation import Simulation

WORK: Final = Lognormal(p50=0.012, p99=0.08)
HOUR: Final = 3600.0
BARE: Final[Mapping[str, Any]] = {"trace": False, "standard": False, "tally": False}


@attrs.frozen
class Row:
    """One world and the length of its run."""

    name: str
    servers: int
    requests: int
    seconds: float
    per_connection: int = 4
    probes: bool = True
    faults: bool = False

    def scaled(self, share: float) -> "Row":
        """Return the same for a part of the time, with that part of the requests."""
        return attrs.evolve(self, requests=int(self.requests * share), seconds=self.seconds * share)


ROWS: Final[Mapping[str, Row]] = {
    "busy": Row("busy", 2, 10_000, 100.0, per_connection=1000, probes=False),
    "hour": Row("hour", 20, 10_000, HOUR, faults=True),
    "day": Row("day", 20, 240_000, 24 * HOUR),
}


@attrs.frozen
class Cost:
    """What a run cost: seconds of CPU and of a clock on the wall."""

    requests: int
    probes: int
    happenings: int
    cpu_seconds: float
    wall_seconds: float


def world(row: Row, seed: int = 1) -> Simulation:
    """Build the world of a row."""
    sim = Simulation(seed, name=row.name)
    for number in range(1, row.servers + 1):
        sim.server(f"s{number}", zone="ab"[number % 4 == 0], service=WORK)
    config: dict[str, object] = {
        "algorithm": "power_of_two",
        "circuit_breaker": {"enabled": True},
        "retry": {"max_retries": 1},
        "timeouts": {"connect": "1s", "first_byte": "5s"},
    }
    if row.probes:
        config["health_check"] = {"interval": "5s"}
    sim.balancer(config, zone="a")
    policy = ClientPolicy(timeout=10.0, requests_per_connection=row.per_connection)
    sim.clients("web", OpenLoop(Poisson(row.requests / row.seconds)), policy=policy, zone="a")
    if row.faults:
        sim.faults(*troubles(row))
    return sim


def troubles(row: Row) -> list[Timed]:
    """Seven faults, spread over the run: each lasts a thirtieth of it."""
    lasts = row.seconds / 30.0
    faults = (
        fluent.Partition("lb", "zone:b", for_=lasts),
        fluent.Slow("server:s1", x=40, for_=lasts),
        fluent.Reset("server:s2"),
        fluent.Blackhole("server:s3", for_=lasts),
        fluent.Pause("server:s5", for_=lasts / 10.0),
        fluent.Refuse("server:s6", for_=lasts),
        fluent.SlowAccept("server:s7", delay="500ms", for_=lasts),
    )
    return [at(row.seconds * (turn + 1) / 8.0, fault) for turn, fault in enumerate(faults)]


def measured(row: Row, **options: Any) -> tuple[Cost, Result]:
    """Run it once."""
    sim = world(row)
    wall, cpu = time.perf_counter(), time.process_time()
    result = sim.run(until=row.seconds, **options)
    cost = (time.process_time() - cpu, time.perf_counter() - wall)
    tally = result.tally
    columns = {} if tally is None else tally.columns
    requests, probes = (sum(columns.get(name, ())) for name in ("offered", "probes"))
    return Cost(requests, probes, result.happenings, *cost), result


def lines(rows: Sequence[Row], rounds: int) -> Iterator[str]:
    """The lines of a Markdown table, each as soon as it is measured."""
    yield "| row | requests | probes | CPU s | wall s | bare, CPU s | requests a CPU second, bare |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        runs = [measured(row)[0] for _ in range(rounds)]
        bare = [measured(row, **BARE)[0] for _ in range(rounds)]
        best = min(runs, key=lambda cost: cost.cpu_seconds)
        least = min(cost.cpu_seconds for cost in bare)
        yield (
            f"| {row.name} | {best.requests:,} | {best.probes:,} | {best.cpu_seconds:.1f}"
            f" | {best.wall_seconds:.1f} | {least:.1f} | {best.requests / least:,.0f} |"
        )


# ------------------------------------------------------------------ where the time goes


def profile(row: Row) -> Iterator[str]:
    """The shares of a row's time, by part; a profiler's own cost makes small calls look dear."""
    measured(row.scaled(0.01))  # Imports and caches belong to no run.
    profiler = cProfile.Profile()
    profiler.enable()
    measured(row)
    profiler.disable()
    times = by_part(pstats.Stats(profiler))
    total = sum(times.values())
    yield "| part | share |"
    yield "|---|---|"
    for part in sorted(times, key=times.__getitem__, reverse=True):
        if times[part] >= 0.005 * total:
            yield f"| {part} | {times[part] / total:.1%} |"


def by_part(stats: Any) -> dict[str, float]:
    """Return the seconds of each part; what is built in counts for whoever called it."""
    times: dict[str, float] = {}
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():
        shares = {part_of(file): own}
        if file == BUILT_IN:
            shares = {}
            for (calling, _, _), (_, _, here, _) in callers.items():
                part = part_of(calling)
                shares[part] = shares.get(part, 0.0) + here
        for part, seconds in shares.items():
            times[part] = times.get(part, 0.0) + seconds
    return times


BUILT_IN: Final = "~"
"""How a profiler calls the file of what has none."""
PARTS: Final[Mapping[str, str]] = {
    "sim/actors": "clients and servers (actors)",
    "sim/checks": "checks",
    "sim/report": "report",
    "sim/faults": "faults",
    "sim/trace": "trace and happenings",
    "sim/happening": "trace and happenings",
    "sim/interpreter": "trace and happenings",
    "sim/clock": "clock and pins",
    "sim/pins": "clock and pins",
    "sim/run": "clock and pins",
    "sim": "virtual network",
    "proxy": "proxy",
    "net": "proxy: streams, heads, bodies",
    "control": "probes and timers",
    "policy": "policies and books",
    "state": "policies and books",
    "model": "policies and books",
}


def part_of(file: str) -> str:
    """Return what a function belongs to: a part of ours, or somebody else's."""
    path = file.replace(os.sep, "/").removesuffix(".py")
    if "/trio_lb/" in path:
        inside = path.rpartition("/trio_lb/")[2].split("/")
        return PARTS.get("/".join(inside[:2]), PARTS.get(inside[0], "the rest of trio_lb"))
    for name in ("trio", "h11"):
        if f"/{name}/" in path:
            return name
    return "trio" if "/outcome/" in path else "the standard library"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and a profile if one is wanted."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", metavar="N", type=int, default=3)
    parser.add_argument("--day", action="store_true", help="the day, too: once, not in rounds")
    parser.add_argument("--profile", metavar="ROW", choices=sorted(ROWS))
    parser.add_argument("--scale", metavar="SHARE", type=float, default=1.0, help="of each row")
    options = parser.parse_args(arguments)
    short = [ROWS[name].scaled(options.scale) for name in ("busy", "hour")]
    print(f"load beside: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores\n", flush=True)
    for line in lines(short, options.rounds):
        print(line, flush=True)
    if options.day:
        for line in [*lines([ROWS["day"].scaled(options.scale)], 1)][2:]:
            print(line, flush=True)
    if options.profile:
        print()
        for line in profile(ROWS[options.profile].scaled(options.scale)):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
